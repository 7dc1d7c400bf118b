//! Settling: what came of many attempts, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::ids::{ChunkId, SchoolId};
use proto::options::v1::Role;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Set, Statement};
use serde::Serialize;

use super::drops::{self, Drops};
use super::{json_rows, json_texts, rows, suppressions, waits};
use crate::channels::ChannelName;
use crate::domain::DeliveryState;
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
    let misconfigured = batch.iter().filter(|finished| finished.settled.misconfigured);
    let tasks = misconfigured.map(|finished| misconfigured_channel(finished, now));
    let unclear = batch.iter().filter(|finished| finished.settled.asks_a_person);
    let tasks = tasks.chain(unclear.map(|finished| may_have_left(finished, now)));
    for task in tasks.chain(drops::tasks(batch.iter().filter_map(|finished| finished.dropped.as_ref()), now))
    {
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
    attempts: Vec<rows::attempts::ActiveModel>,
}

impl Written {
    fn of(starting: &[String], batch: &[Finished], now: Timestamp) -> Result<Self, Error> {
        let corrupt = |_| Error::Corrupt { what: "batch" };
        let chunks = chunks_to_come(batch);
        let left = |finished: &&Finished| finished.settled.state.may_have_told();
        let json = |ids: Vec<&str>| {
            if ids.is_empty() { Ok(None) } else { serde_json::to_string(&ids).map(Some).map_err(corrupt) }
        };
        let ids = |finished: Vec<&Finished>| {
            json(finished.into_iter().map(|finished| finished.delivery.as_str()).collect())
        };
        let started = |finished: &&Finished| finished.started_at.is_some();
        Ok(Self {
            now: micros(now),
            starting: json(starting.iter().map(String::as_str).collect())?,
            chunks: chunk_rows(&chunks),
            deliveries: (!batch.is_empty())
                .then(|| serde_json::to_string(&delivery_rows(batch, &chunks)).map_err(corrupt))
                .transpose()?,
            dropped: drops::json(batch.iter().filter_map(|finished| finished.dropped.as_ref()))?,
            left: ids(batch.iter().filter(left).collect())?,
            cleared: ids(batch.iter().filter(left).filter(started).collect())?,
            attempts: attempt_rows(batch, now),
        })
    }

    async fn write(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        if !self.chunks.is_empty() {
            rows::chunks::Entity::insert_many(self.chunks.clone()).exec_without_returning(tx).await?;
        }
        if let Some(starting) = &self.starting {
            mark_started(tx, starting, self.now).await?;
        }
        if let Some(deliveries) = &self.deliveries {
            update_deliveries(tx, deliveries, self.now).await?;
        }
        if let Some(dropped) = &self.dropped {
            drops::update(tx, dropped).await?;
        }
        if let Some(left) = &self.left {
            mark_told(tx, left).await?;
        }
        if let Some(cleared) = &self.cleared {
            let backend = tx.get_database_backend();
            let over = waits::over_for_deliveries(backend);
            tx.execute_raw(Statement::from_sql_and_values(backend, over, [cleared.into()])).await?;
        }
        if !self.attempts.is_empty() {
            rows::attempts::Entity::insert_many(self.attempts.clone()).exec_without_returning(tx).await?;
        }
        Ok(())
    }
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

async fn update_deliveries(tx: &DatabaseTransaction, json: &str, now: i64) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let from = json_rows(
        backend,
        &[
            ("id", "TEXT"),
            ("chunk_id", "TEXT"),
            ("state", "TEXT"),
            ("why", "TEXT"),
            ("attempts", "BIGINT"),
            ("reference", "TEXT"),
            ("patience_until", "BIGINT"),
            ("next_address", "BOOLEAN"),
        ],
    );
    // A receipt may have been faster, and a recall may have come while the request was under way:
    // what is known better stays, and what was really accepted is accepted.
    let step = |next: DeliveryState| {
        let from = DeliveryState::listed(|state| state.may_settle_as(next));
        format!("(j.state = '{}' AND deliveries.state IN ({from}))", next.as_str())
    };
    let steps = DeliveryState::ALL.map(step);
    let sql = format!(
        "UPDATE deliveries SET chunk_id = j.chunk_id, state = j.state, why = j.why, attempts = j.attempts, \
         reference = COALESCE(j.reference, deliveries.reference), patience_until = j.patience_until, \
         next_address = j.next_address, updated_at = $2 FROM {from} \
         WHERE deliveries.id = j.id AND ({})",
        steps.join(" OR ")
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [json.into(), now.into()])).await?;
    Ok(())
}

/// A receipt or a recall that was faster leaves nothing to start.
async fn mark_started(tx: &DatabaseTransaction, starting: &str, now: i64) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let (ids, from) = (json_texts(backend), DeliveryState::listed(DeliveryState::is_open));
    let sql = format!(
        "UPDATE deliveries SET state = '{}', updated_at = $2 WHERE id IN ({ids}) AND state IN ({from})",
        DeliveryState::Started.as_str()
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [starting.into(), now.into()])).await?;
    Ok(())
}

/// Whoever was named in a message that left, or may have left, counts as told.
async fn mark_told(tx: &DatabaseTransaction, left: &str) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let ids = json_texts(backend);
    let sql = format!(
        "UPDATE members SET told = TRUE WHERE delivery_id IN ({ids}) AND why = '' AND NOT EXISTS \
         (SELECT 1 FROM deliveries WHERE deliveries.id = members.delivery_id AND deliveries.state = '{}')",
        DeliveryState::Failed.as_str()
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [left.into()])).await?;
    Ok(())
}

fn attempt_rows(batch: &[Finished], now: Timestamp) -> Vec<rows::attempts::ActiveModel> {
    let row = |finished: &Finished| {
        Some(rows::attempts::ActiveModel {
            delivery_id: Set(finished.delivery.clone()),
            started_at: Set(micros(finished.started_at?)),
            ended_at: Set(micros(now)),
            state: Set(finished.settled.state.as_str().to_owned()),
            why: Set(finished.settled.code.to_owned()),
            ..Default::default()
        })
    };
    batch.iter().filter_map(row).collect()
}

/// A provider refuses our settings: once a day and channel.
fn misconfigured_channel(finished: &Finished, now: Timestamp) -> NewTask {
    let day = now.as_second().div_euclid(86_400);
    let due = (now, SignedDuration::from_mins(30));
    NewTask::new(finished.school, "channel_misconfigured", Role::SystemAdministrator, due)
        .about([finished.channel.to_string()])
        .because(
            "a provider refuses our account, template or settings, or cannot be trusted: messages wait, or go to the next address instead",
        )
        .once(format!("misconfigured:{}:{day}", finished.channel))
}

/// Something that is sent at most once may or may not have left, and nobody can be asked: it is not
/// sent again, and a person decides.
fn may_have_left(finished: &Finished, now: Timestamp) -> NewTask {
    let due = (now, SignedDuration::from_hours(24));
    NewTask::new(finished.school, "message_may_have_left", Role::Office, due)
        .about([finished.delivery.clone()])
        .because(
            "it is unclear whether this message has left, and it is not sent twice: ask whether it came, and send it again if it did not",
        )
        .once(format!("may_have_left:{}", finished.delivery))
}
