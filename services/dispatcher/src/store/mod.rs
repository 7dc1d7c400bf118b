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
use sea_orm::{ConnectionTrait, DbBackend, Statement};

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

/// The `FROM` part that turns the JSON array of objects in `$1` into rows named `j`.
pub(crate) fn json_rows(backend: DbBackend, columns: &[(&str, &str)]) -> String {
    if backend == DbBackend::Postgres {
        let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        return format!("jsonb_to_recordset($1::jsonb) AS j({})", columns.join(", "));
    }
    let columns: Vec<String> =
        columns.iter().map(|(name, _)| format!("json_extract(value, '$.{name}') AS {name}")).collect();
    format!("(SELECT {} FROM json_each($1)) AS j", columns.join(", "))
}

/// The subselect that turns the JSON array of texts in `$1` into rows.
pub(crate) fn json_texts(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "SELECT jsonb_array_elements_text($1::jsonb)",
        _ => "SELECT value FROM json_each($1)",
    }
}

/// An id that was stored by us.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt { what })
}
