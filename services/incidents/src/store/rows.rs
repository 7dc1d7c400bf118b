//! The rows of `schema.sql`, as SeaORM knows them. [`convert`](super::convert) turns them into the
//! domain's words and back.

kit::row!(
    /// One child's accident.
    accidents = "accidents" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        pupil_id: String,
        recorded_at: i64,
        amended_at: Option<i64>,
        version: i64,
    }
);
kit::row!(
    /// One account of an accident.
    accounts = "accounts" {
        #[sea_orm(primary_key, auto_increment = false)]
        accident_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        version: i64,
        at: i64,
        who: String,
        why: String,
        kind: String,
        what: String,
        place: String,
        happened_at: i64,
        first_aid: Option<String>,
        no_first_aid_because: Option<String>,
        first_aider: String,
        names_checked: bool,
    }
);
