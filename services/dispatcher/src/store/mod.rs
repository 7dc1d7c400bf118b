//! The dispatcher's rows: what is written together, and how a sender gets its work.
//!
//! A delivery changes rarely: when it is planned, when it is settled and when a receipt comes.
//! Senders lease chunks, not rows. Statements of the hot path bind one JSON text per batch, which
//! both databases turn into rows.

pub mod alerts;
pub mod backlog;
pub mod budgets;
pub mod chunks;
pub mod corrections;
pub mod drops;
pub mod erasure;
pub mod facts;
pub mod follow_ups;
pub mod gatherings;
pub mod parts;
mod plan_rows;
pub mod plans;
pub mod receipts;
pub mod redeliveries;
pub mod restored;
pub mod restrictions;
pub(crate) mod rows;
pub mod schools;
pub mod settle;
pub mod suppressions;
pub mod trace;
pub mod uncleared;
pub mod waits;
pub mod wordings;

use kit::store::{Error, Migration, Store};
pub(crate) use kit::store::{among, json_rows};
use sea_orm::{ConnectionTrait, Statement};

/// The dispatcher's tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "dispatcher_0001", sql: include_str!("schema.sql") },
    Migration { name: "dispatcher_0002", sql: include_str!("redeliveries.sql") },
    Migration { name: "dispatcher_0003", sql: include_str!("schools.sql") },
    Migration { name: "dispatcher_0004", sql: include_str!("wordings.sql") },
    Migration { name: "dispatcher_0005", sql: include_str!("traces.sql") },
    Migration { name: "dispatcher_0006", sql: include_str!("budgets.sql") },
    Migration { name: "dispatcher_0007", sql: include_str!("suppressions.sql") },
    Migration { name: "dispatcher_0008", sql: include_str!("erasure.sql") },
    Migration { name: "dispatcher_0009", sql: include_str!("receipts.sql") },
    Migration { name: "dispatcher_0010", sql: include_str!("parts.sql") },
    Migration { name: "dispatcher_0011", sql: include_str!("notices.sql") },
    Migration { name: "dispatcher_0012", sql: include_str!("drills.sql") },
];

/// Raises the recall generation: whatever a sender has prepared is looked at once more.
pub(crate) fn raise_generation(store: &Store) -> Statement {
    store.statement("UPDATE recall SET generation = generation + 1 WHERE id = 1", [])
}

/// The recall generation as it is now.
pub async fn generation(store: &Store) -> Result<i64, Error> {
    let row =
        store.read().query_one_raw(store.statement("SELECT generation FROM recall WHERE id = 1", [])).await?;
    let row = row.ok_or(Error::Corrupt { what: "recall generation" })?;
    Ok(row.try_get("", "generation")?)
}

/// An id that was stored by us.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt { what })
}
