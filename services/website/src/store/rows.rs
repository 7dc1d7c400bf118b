//! The rows of `schema.sql`, as SeaORM knows them.

kit::row!(
    /// How old the news of a school is.
    schools = "schools" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        changed_at: i64,
        heard_at: i64,
    }
);
kit::row!(
    /// The latest version of an alert of its kind.
    alerts = "alerts" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        subject: String,
        #[sea_orm(primary_key, auto_increment = false)]
        kind: String,
        version: i64,
        headline: String,
        body: String,
        outline: Option<String>,
        published_at: i64,
        expires_at: i64,
    }
);
kit::row!(
    /// When somebody who is heard was last known to be.
    touch = "touch" {
        #[sea_orm(primary_key, auto_increment = false)]
        sayer: String,
        at: i64,
    }
);
kit::row!(
    /// The latest calendar.
    calendars = "calendars" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        version: i64,
        changed_at: i64,
        calendar: String,
    }
);
