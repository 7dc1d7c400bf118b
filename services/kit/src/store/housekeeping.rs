//! Housekeeping: rows that nobody can ask for any more go, an hour at a time.
//!
//! The runner runs this once per store. Answers, heard facts and published facts go; audit
//! entries, tasks and dead letters are kept. Ages are by real time, because no shifted clock may
//! make something old.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend};
use tokio_util::sync::CancellationToken;

use super::{Error, Store};
use crate::bus::KEPT_FOR;
use crate::clock::micros;

/// How long a repeated `request_id` is answered from memory.
const ANSWERS_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long a fact is known as heard: longer than any stream could hand it out again.
const INBOX_FOR: SignedDuration = SignedDuration::from_hours(60 * 24);
const EVERY: Duration = Duration::from_hours(1);
/// Rows per transaction, so that commits need not wait for a large broom.
const STROKE: u64 = 2_000;

/// Tidies at once and every hour until `stop`.
pub(crate) async fn run(store: Store, stop: CancellationToken) -> anyhow::Result<()> {
    let mut hours = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.cancelled() => return Ok(()),
        }
        match tidy(&store, store.clock().real()).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old rows were removed"),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(error, "old rows could not be removed; the next hour tries again");
            }
        }
    }
}

/// Removes what is too old at `now`; answers with how many rows that were.
pub(crate) async fn tidy(store: &Store, now: Timestamp) -> Result<u64, Error> {
    let stream = SignedDuration::try_from(KEPT_FOR).unwrap_or(SignedDuration::MAX);
    let mut removed = 0;
    for (table, column, kept_for) in [
        ("answers", "answered_at", ANSWERS_FOR),
        ("inbox", "received_at", INBOX_FOR),
        ("outbox", "sent_at", stream),
    ] {
        let before = micros(now.saturating_sub(kept_for).unwrap_or(Timestamp::MIN));
        let row = match store.backend() {
            DbBackend::Postgres => "ctid",
            _ => "rowid",
        };
        let delete = format!(
            "DELETE FROM {table} WHERE {row} IN (SELECT {row} FROM {table} WHERE {column} < $1 LIMIT {STROKE})"
        );
        loop {
            let tx = store.begin().await?;
            let rows = tx.execute_raw(store.statement(&delete, [before.into()])).await?.rows_affected();
            tx.commit().await?;
            removed += rows;
            if rows < STROKE {
                break;
            }
        }
    }
    Ok(removed)
}
