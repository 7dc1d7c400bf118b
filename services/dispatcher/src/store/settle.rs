//! Settling: what came of many attempts, in one transaction.

mod statements;
mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::ids::{ChunkId, SchoolId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Set, Statement};
use serde::Serialize;

use super::drops::{self, Drops};
use super::{rows, suppressions, waits};
use crate::channels::ChannelName;
use crate::domain::settle::Settled;
use crate::metrics;
use crate::routes::Lane;

/// One delivery on which a sender has finished an attempt, or which it did not send.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The delivery.
    pub delivery: String,
    /// Its school.
    pub school: SchoolId,
    /// Its channel.
    pub channel: ChannelName,
    /// Its lane.
    pub lane: Lane,
    /// Where it stands now.
    pub settled: Settled,
    /// Attempts so far.
    pub attempts: u32,
    /// When the request was started; none when nothing was sent.
    pub started_at: Option<Timestamp>,
    /// Who fell out of it at the last look, where that was not written before it left.
    pub dropped: Option<Drops>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    chunk_id: Option<&'a str>,
    state: &'a str,
    why: &'a str,
    attempts: u32,
    reference: Option<String>,
    patience_until: Option<i64>,
    next_address: bool,
}

/// Writes what came of a batch, in one transaction: states, who was told, attempts, tasks, and new
/// chunks for what is to be looked at again.
pub async fn settle(store: &Store, batch: &[Finished], now: Timestamp) -> Result<(), Error> {
    start_and_settle(store, &[], batch, now).await
}

/// The same, and writes that these deliveries start now: what is sent at most once is known to have been
/// started before its request is.
pub async fn start_and_settle(
    store: &Store,
    starting: &[String],
    batch: &[Finished],
    now: Timestamp,
) -> Result<(), Error> {
    let begun = tokio::time::Instant::now();
    let written = Arc::new(Written::of(starting, batch, now)?);
    let mut commit = Commit::new().work(move |tx| {
        let written = Arc::clone(&written);
        Box::pin(async move { written.write(tx).await })
    });
    let dropped = batch.iter().filter_map(|finished| finished.dropped.as_ref());
    for task in tasks::of(store, batch, now).await?.into_iter().chain(drops::tasks(dropped, now)) {
        commit = commit.task(task);
    }
    commit = suppressions::after(store, batch, now).fold(commit, Commit::execute);
    store.commit(commit).await?;
    metrics::settled(batch, begun.elapsed());
    Ok(())
}

/// Everything that a batch writes, ready for a transaction that may be tried twice.
struct Written {
    now: i64,
    starting: Option<String>,
    chunks: Vec<rows::chunks::ActiveModel>,
    deliveries: Option<String>,
    dropped: Option<String>,
    left: Option<String>,
    cleared: Option<String>,
    attempts: Option<String>,
}

impl Written {
    fn of(starting: &[String], batch: &[Finished], now: Timestamp) -> Result<Self, Error> {
        let chunks = chunks_to_come(batch);
        let left = |finished: &&Finished| finished.settled.state.may_have_told();
        let ids = |finished: Vec<&Finished>| {
            let ids: Vec<&str> = finished.into_iter().map(|finished| finished.delivery.as_str()).collect();
            some_json(&ids)
        };
        let started = |finished: &&Finished| finished.started_at.is_some();
        Ok(Self {
            now: micros(now),
            starting: some_json(starting)?,
            chunks: chunk_rows(&chunks),
            deliveries: some_json(&delivery_rows(batch, &chunks))?,
            dropped: drops::json(batch.iter().filter_map(|finished| finished.dropped.as_ref()))?,
            left: ids(batch.iter().filter(left).collect())?,
            cleared: ids(batch.iter().filter(left).filter(started).collect())?,
            attempts: some_json(&attempts(batch))?,
        })
    }

    async fn write(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        if !self.chunks.is_empty() {
            rows::chunks::Entity::insert_many(self.chunks.clone()).exec_without_returning(tx).await?;
        }
        if let Some(starting) = &self.starting {
            statements::mark_started(tx, starting, self.now).await?;
        }
        if let Some(deliveries) = &self.deliveries {
            statements::update_deliveries(tx, deliveries, self.now).await?;
        }
        if let Some(dropped) = &self.dropped {
            drops::update(tx, dropped).await?;
        }
        if let Some(left) = &self.left {
            statements::mark_told(tx, left).await?;
        }
        if let Some(cleared) = &self.cleared {
            let backend = tx.get_database_backend();
            let over = waits::over_for_deliveries(backend);
            tx.execute_raw(Statement::from_sql_and_values(backend, over, [cleared.into()])).await?;
        }
        if let Some(attempts) = &self.attempts {
            statements::insert_attempts(tx, attempts, self.now).await?;
        }
        Ok(())
    }
}

/// Rows as a JSON text; none when there are none.
fn some_json<T: Serialize>(rows: &[T]) -> Result<Option<String>, Error> {
    let json = (!rows.is_empty()).then(|| serde_json::to_string(rows)).transpose();
    json.map_err(|_| Error::Corrupt { what: "batch" })
}

type ChunkKey = (String, ChannelName, i64, i64);

fn key(finished: &Finished) -> Option<ChunkKey> {
    // Dues are rounded up to a second, so that a crowd of retries shares a chunk.
    let due_at = finished.settled.again_at?;
    let channel = finished.channel.clone();
    Some((finished.school.to_string(), channel, finished.lane.order(), next_second(micros(due_at))))
}

fn next_second(micros: i64) -> i64 {
    (micros.div_euclid(1_000_000) + 1) * 1_000_000
}

fn chunks_to_come(batch: &[Finished]) -> BTreeMap<ChunkKey, String> {
    let keys: std::collections::BTreeSet<ChunkKey> = batch.iter().filter_map(key).collect();
    keys.into_iter().map(|key| (key, ChunkId::generate().to_string())).collect()
}

fn chunk_rows(chunks: &BTreeMap<ChunkKey, String>) -> Vec<rows::chunks::ActiveModel> {
    let row = |((school, channel, lane, due_at), id): (&ChunkKey, &String)| rows::chunks::ActiveModel {
        id: Set(id.clone()),
        school: Set(school.clone()),
        channel: Set(channel.to_string()),
        lane: Set(*lane),
        due_at: Set(*due_at),
        owner: Set(None),
        lease_until: Set(None),
    };
    chunks.iter().map(row).collect()
}

fn delivery_rows<'a>(batch: &'a [Finished], chunks: &'a BTreeMap<ChunkKey, String>) -> Vec<Row<'a>> {
    let row = |finished: &'a Finished| Row {
        id: &finished.delivery,
        chunk_id: key(finished).and_then(|key| chunks.get(&key)).map(String::as_str),
        state: finished.settled.state.as_str(),
        why: finished.settled.code,
        attempts: finished.attempts,
        // A provider's text; PostgreSQL takes every character but this one.
        reference: finished.settled.reference.as_ref().map(|reference| reference.replace('\0', "")),
        patience_until: finished.settled.patience_until.map(micros),
        next_address: finished.settled.next_address,
    };
    batch.iter().map(row).collect()
}

#[derive(Serialize)]
struct Attempt<'a> {
    id: &'a str,
    started_at: i64,
    state: &'a str,
    why: &'a str,
}

/// The requests of a batch.
fn attempts(batch: &[Finished]) -> Vec<Attempt<'_>> {
    batch
        .iter()
        .filter_map(|finished| {
            Some(Attempt {
                id: &finished.delivery,
                started_at: micros(finished.started_at?),
                state: finished.settled.state.as_str(),
                why: finished.settled.code,
            })
        })
        .collect()
}
