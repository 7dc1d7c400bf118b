//! The rows of `schema.sql`, as SeaORM knows them. [`convert`](super::convert) turns them into the
//! domain's words and back.

kit::row!(
    /// One school.
    schools = "schools" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        version: i64,
        calendar_version: i64,
        described_version: i64,
    }
);
kit::row!(
    /// What a school has made of a day.
    set_asides = "set_asides" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        date: String,
        kind: String,
        set_at: i64,
        set_by: String,
    }
);
kit::row!(
    /// A closure as it is now.
    closures = "closures" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        scope: String,
        first_day: String,
        from_session: String,
        last_day: String,
        reason: String,
        collection: String,
        state: String,
        declared_at: i64,
        ended_at: Option<i64>,
        open_on: Option<String>,
        not_closed_from: Option<String>,
        asked_for: Option<String>,
        version: i64,
    }
);
