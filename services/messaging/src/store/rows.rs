//! The rows of the tables, as SeaORM knows them.

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
kit::row!(
    /// Words that took the place of an announcement's.
    corrections = "corrections" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        announcement_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        version: i64,
        subject: Option<String>,
        body: Option<String>,
        text: Option<String>,
        corrected_at: i64,
        corrected_by: String,
        tell_until: i64,
    }
);
