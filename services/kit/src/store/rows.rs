//! The rows of the tables that every service has. See `schema.sql` for what they are.

/// A SeaORM entity without relations, in a module of its own. Give the primary key the attributes
/// that SeaORM asks for.
#[macro_export]
macro_rules! row {
    ($(#[$doc:meta])* $module:ident = $table:literal { $($(#[$attribute:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        pub(crate) mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                $($(#[$attribute])* pub $field: $kind,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

row!(
    /// Facts that are to be published, or have been.
    outbox = "outbox" {
        #[sea_orm(primary_key)]
        id: i64,
        event_id: String,
        subject: String,
        body: String,
        traceparent: Option<String>,
        created_at: i64,
        sent_at: Option<i64>,
    }
);
row!(
    /// Who looked at or changed which person's data.
    audit = "audit" {
        #[sea_orm(primary_key)]
        id: i64,
        tenant: String,
        at: i64,
        who: String,
        rpc: String,
        subjects: String,
        why: String,
    }
);
row!(
    /// When each stream of ours was created, to notice that it was lost.
    streams = "streams" {
        #[sea_orm(primary_key, auto_increment = false)]
        name: String,
        created: String,
    }
);
row!(
    /// The facts of others that have had their effect.
    inbox = "inbox" {
        #[sea_orm(primary_key, auto_increment = false)]
        event_id: String,
        received_at: i64,
    }
);
row!(
    /// What people must do.
    tasks = "tasks" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        tenant: String,
        dedupe: String,
        kind: String,
        subjects: String,
        why: String,
        role: String,
        opened_at: i64,
        due_at: i64,
        state: String,
        done_by: String,
        outcome: String,
    }
);
row!(
    /// What could not be processed.
    dead_letters = "dead_letters" {
        #[sea_orm(primary_key, auto_increment = false)]
        id: String,
        tenant: Option<String>,
        consumer: String,
        subject: String,
        event_id: Option<String>,
        body: Vec<u8>,
        why: String,
        died_at: i64,
        replayed_at: Option<i64>,
        erased_at: Option<i64>,
    }
);
