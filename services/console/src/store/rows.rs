//! The rows of `schema.sql`, as SeaORM knows them.

kit::row!(
    /// Somebody who may sign in.
    people = "people" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        name: String,
        made_at: i64,
    }
);
kit::row!(
    /// By which somebody signs in with a password and a code.
    accounts = "accounts" {
        #[sea_orm(primary_key, auto_increment = false)]
        person_id: String,
        username: String,
        password: String,
        secret: String,
        last_step: i64,
    }
);
kit::row!(
    /// By which somebody signs in elsewhere.
    identities = "identities" {
        #[sea_orm(primary_key, auto_increment = false)]
        issuer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        subject: String,
        person_id: String,
    }
);
kit::row!(
    /// What somebody may do in a school.
    grants = "grants" {
        #[sea_orm(primary_key, auto_increment = false)]
        person_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        roles: String,
        granted_by: String,
        granted_at: i64,
    }
);
kit::row!(
    /// A link by which somebody makes an account.
    invitations = "invitations" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        name: String,
        roles: String,
        invited_by: String,
        request_id: String,
        person_id: Option<String>,
        ends_at: i64,
        used_at: Option<i64>,
    }
);
kit::row!(
    /// Somebody who is signed in.
    sessions = "sessions" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        subject: String,
        school: String,
        roles: String,
        name: String,
        mark: String,
        device: String,
        began_at: i64,
        seen_at: i64,
    }
);
