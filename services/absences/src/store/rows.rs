//! The rows of `schema.sql`, as SeaORM knows them. [`convert`](super::convert) turns them into the
//! domain's words and back.

kit::row!(
    /// One session of one school.
    sessions = "sessions" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        date: String,
        #[sea_orm(primary_key, auto_increment = false)]
        session: String,
        closes_at: i64,
        ends_at: i64,
        posted_at: Option<i64>,
        closed_at: Option<i64>,
        closing: Option<String>,
        version: i64,
    }
);
kit::row!(
    /// One class's register of a session.
    registers = "registers" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        date: String,
        #[sea_orm(primary_key, auto_increment = false)]
        session: String,
        #[sea_orm(primary_key, auto_increment = false)]
        class_id: String,
        posted_at: i64,
        posted_by: String,
        version: i64,
    }
);
kit::row!(
    /// One pupil's mark in a session.
    entries = "entries" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        date: String,
        #[sea_orm(primary_key, auto_increment = false)]
        session: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pupil_id: String,
        class_id: Option<String>,
        code: Option<String>,
        known: String,
        known_code: Option<String>,
        note: String,
        version: i64,
    }
);
kit::row!(
    /// One change of an entry.
    entry_changes = "entry_changes" {
        #[sea_orm(primary_key)]
        id: i64,
        school: String,
        date: String,
        session: String,
        pupil_id: String,
        version: i64,
        at: i64,
        who: String,
        rpc: String,
        code_before: Option<String>,
        code_after: Option<String>,
        known_after: String,
        known_code_after: Option<String>,
        note_after: String,
    }
);
kit::row!(
    /// The follow-up of an `N`.
    cases = "cases" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        date: String,
        #[sea_orm(primary_key, auto_increment = false)]
        session: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pupil_id: String,
        id: String,
        ends_at: i64,
        opened_at: i64,
        state: String,
        state_at: i64,
        told_at: Option<i64>,
        code: Option<String>,
        because: Option<String>,
        version: i64,
    }
);
