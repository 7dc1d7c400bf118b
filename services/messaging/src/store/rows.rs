//! The rows of `schema.sql`, as SeaORM knows them.

kit::row!(
    /// One announcement.
    announcements = "announcements" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        scope: String,
        subject: Option<String>,
        body: Option<String>,
        text: Option<String>,
        sent_at: i64,
        sent_by: String,
        tell_until: i64,
    }
);
