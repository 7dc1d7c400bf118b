//! The rows of the dispatcher's tables. See `schema.sql` for what they are.

kit::row!(
    /// Notices that wait together.
    gatherings = "gatherings" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        kind: String,
        topic: String,
        about: String,
        general: bool,
        state: String,
        opened_at: i64,
        leaves_at: i64,
        valid_until: i64,
        steps: i64,
        erased_at: Option<i64>,
        drill: bool,
    }
);
kit::row!(
    /// Things to be told.
    notices = "notices" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        kind: String,
        gathering_id: String,
        event_id: String,
        subject: String,
        pupil_id: Option<String>,
        state: String,
        why: String,
        created_at: i64,
        valid_until: i64,
        withdrawn_at: Option<i64>,
        traceparent: Option<String>,
    }
);
kit::row!(
    /// The latest version that was heard of a thing.
    versions = "versions" {
        #[sea_orm(primary_key, auto_increment = false)]
        school: String,
        #[sea_orm(primary_key, auto_increment = false)]
        subject: String,
        version: i64,
    }
);
kit::row!(
    /// What a sender leases as a whole.
    chunks = "chunks" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        school: String,
        channel: String,
        lane: i64,
        due_at: i64,
        owner: Option<String>,
        lease_until: Option<i64>,
    }
);
kit::row!(
    /// One address, one gathering, one fate.
    deliveries = "deliveries" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        chunk_id: Option<String>,
        school: String,
        gathering_id: String,
        kind: String,
        channel: String,
        address: String,
        state: String,
        why: String,
        attempts: i64,
        reference: Option<String>,
        created_at: i64,
        updated_at: i64,
        valid_until: i64,
        patience_until: Option<i64>,
        next_address: bool,
        general: Option<bool>,
        erased_at: Option<i64>,
    }
);
kit::row!(
    /// Whom a delivery tells about whom.
    members = "members" {
        #[sea_orm(primary_key, auto_increment = false)]
        delivery_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        contact_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pupil_id: String,
        notice_id: String,
        told: bool,
        why: String,
        corrected_by: Option<String>,
    }
);
kit::row!(
    /// Calls to a provider.
    attempts = "attempts" {
        #[sea_orm(primary_key)]
        id: i64,
        delivery_id: String,
        started_at: i64,
        ended_at: i64,
        state: String,
        why: String,
    }
);
kit::row!(
    /// What a provider said later.
    receipts = "receipts" {
        #[sea_orm(primary_key)]
        id: i64,
        channel: String,
        delivery_id: String,
        status: String,
        received_at: i64,
    }
);
kit::row!(
    /// Why a contact is told, or is not.
    decisions = "decisions" {
        #[sea_orm(primary_key)]
        id: i64,
        gathering_id: String,
        contact_id: Option<String>,
        pupil_id: String,
        why: String,
        at: i64,
    }
);
kit::row!(
    /// Restrictions that were heard of.
    restrictions = "restrictions" {
        #[sea_orm(primary_key)]
        id: i64,
        school: String,
        pupil_id: String,
        contact_id: Option<String>,
        no_contact: bool,
        at: i64,
        heard_at: i64,
    }
);
kit::row!(
    /// Pupils about whom messages waited for the directory.
    waits = "waits" {
        #[sea_orm(primary_key, auto_increment = false)]
        gathering_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pupil_id: String,
        school: String,
        task: String,
        since: i64,
    }
);
