//! Settling: what came of many attempts, in one transaction.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::ids::{ChunkId, SchoolId};
use proto::options::v1::Role;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Set};
use serde::Serialize;

use super::{json_rows, rows};
use crate::channels::ChannelName;
use crate::domain::plan::Member;
use crate::domain::settle::Settled;
use crate::domain::{DeliveryState, NoticeKind, Reason};

/// One delivery on which a sender has finished an attempt, or which it did not send.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The delivery.
    pub delivery: String,
    /// What it tells.
    pub kind: NoticeKind,
    /// Its school.
    pub school: SchoolId,
    /// Its channel.
    pub channel: ChannelName,
    /// Its lane.
    pub lane: i64,
    /// Where it stands now.
    pub settled: Settled,
    /// Attempts so far.
    pub attempts: u32,
    /// When the request was started; none when nothing was sent.
    pub started_at: Option<Timestamp>,
    /// Who fell out of it at the last look, and why.
    pub dropped: Vec<(Member, Reason)>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    chunk_id: Option<&'a str>,
    state: &'a str,
    why: &'a str,
    attempts: u32,
    reference: Option<&'a str>,
    patience_until: Option<i64>,
    next_address: bool,
}

#[derive(Serialize)]
struct Drop<'a> {
    delivery_id: &'a str,
    contact_id: String,
    pupil_id: String,
    why: &'a str,
}

/// Writes what came of a batch. What is to be looked at again goes into new chunks.
pub async fn settle(store: &Store, batch: &[Finished], now: Timestamp) -> Result<(), Error> {
    let chunks = chunks_to_come(batch);
    let tx = store.begin().await?;
    if !chunks.is_empty() {
        let rows = chunks.iter().map(|((school, lane, due_at), id)| rows::chunks::ActiveModel {
            id: Set(id.clone()),
            school: Set(school.clone()),
            lane: Set(*lane),
            due_at: Set(*due_at),
            owner: Set(None),
            lease_until: Set(None),
        });
        rows::chunks::Entity::insert_many(rows).exec_without_returning(&tx).await?;
    }
    update_deliveries(&tx, batch, &chunks, now).await?;
    drop_members(&tx, batch).await?;
    mark_told(&tx, batch).await?;
    insert_attempts(&tx, batch, now).await?;
    tx.commit().await?;
    open_tasks(store, batch, now).await
}

type ChunkKey = (String, i64, i64);

fn key(finished: &Finished) -> Option<ChunkKey> {
    // Dues are rounded up to a second, so that a crowd of retries shares a chunk.
    let due_at = finished.settled.again_at?;
    Some((finished.school.to_string(), finished.lane, next_second(micros(due_at))))
}

fn next_second(micros: i64) -> i64 {
    (micros.div_euclid(1_000_000) + 1) * 1_000_000
}

fn chunks_to_come(batch: &[Finished]) -> BTreeMap<ChunkKey, String> {
    let keys: std::collections::BTreeSet<ChunkKey> = batch.iter().filter_map(key).collect();
    keys.into_iter().map(|key| (key, ChunkId::generate().to_string())).collect()
}

async fn update_deliveries(
    tx: &DatabaseTransaction,
    batch: &[Finished],
    chunks: &BTreeMap<ChunkKey, String>,
    now: Timestamp,
) -> Result<(), Error> {
    let rows: Vec<Row<'_>> = batch
        .iter()
        .map(|finished| Row {
            id: &finished.delivery,
            chunk_id: key(finished).and_then(|key| chunks.get(&key)).map(String::as_str),
            state: finished.settled.state.as_str(),
            why: finished.settled.code,
            attempts: finished.attempts,
            reference: finished.settled.reference.as_deref(),
            patience_until: finished.settled.patience_until.map(micros),
            next_address: finished.settled.next_address,
        })
        .collect();
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
    let sql = format!(
        "UPDATE deliveries SET chunk_id = j.chunk_id, state = j.state, why = j.why, attempts = j.attempts, \
         reference = COALESCE(j.reference, deliveries.reference), patience_until = j.patience_until, \
         next_address = j.next_address, updated_at = $2 FROM {from} WHERE deliveries.id = j.id AND (\
         deliveries.state IN ('held', 'due', 'started', 'unknown') OR \
         (deliveries.state IN ('recalled', 'expired', 'skipped') AND j.state = 'accepted'))"
    );
    let json = serde_json::to_string(&rows).map_err(|_| Error::Corrupt { what: "batch" })?;
    let values = [json.into(), micros(now).into()];
    tx.execute_raw(sea_orm::Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

async fn drop_members(tx: &DatabaseTransaction, batch: &[Finished]) -> Result<(), Error> {
    let rows: Vec<Drop<'_>> = batch
        .iter()
        .flat_map(|finished| {
            finished.dropped.iter().map(|((contact, pupil), reason)| Drop {
                delivery_id: &finished.delivery,
                contact_id: contact.to_string(),
                pupil_id: pupil.to_string(),
                why: reason.code(),
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let from = json_rows(
        backend,
        &[("delivery_id", "TEXT"), ("contact_id", "TEXT"), ("pupil_id", "TEXT"), ("why", "TEXT")],
    );
    let sql = format!(
        "UPDATE members SET why = j.why FROM {from} WHERE members.delivery_id = j.delivery_id \
         AND members.contact_id = j.contact_id AND members.pupil_id = j.pupil_id"
    );
    let json = serde_json::to_string(&rows).map_err(|_| Error::Corrupt { what: "batch" })?;
    tx.execute_raw(sea_orm::Statement::from_sql_and_values(backend, sql, [json.into()])).await?;
    Ok(())
}

/// Whoever was named in a message that left, or may have left, counts as told.
async fn mark_told(tx: &DatabaseTransaction, batch: &[Finished]) -> Result<(), Error> {
    let left: Vec<&str> = batch
        .iter()
        .filter(|finished| matches!(finished.settled.state, DeliveryState::Accepted | DeliveryState::Unknown))
        .map(|finished| finished.delivery.as_str())
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let backend = tx.get_database_backend();
    let ids = match backend {
        sea_orm::DbBackend::Postgres => "SELECT jsonb_array_elements_text($1::jsonb)",
        _ => "SELECT value FROM json_each($1)",
    };
    let sql = format!(
        "UPDATE members SET told = TRUE WHERE delivery_id IN ({ids}) AND why = '' AND NOT EXISTS \
         (SELECT 1 FROM deliveries WHERE deliveries.id = members.delivery_id AND deliveries.state = 'failed')"
    );
    let json = serde_json::to_string(&left).map_err(|_| Error::Corrupt { what: "batch" })?;
    tx.execute_raw(sea_orm::Statement::from_sql_and_values(backend, sql, [json.into()])).await?;
    Ok(())
}

async fn insert_attempts(tx: &DatabaseTransaction, batch: &[Finished], now: Timestamp) -> Result<(), Error> {
    let rows: Vec<_> = batch
        .iter()
        .filter_map(|finished| {
            Some(rows::attempts::ActiveModel {
                delivery_id: Set(finished.delivery.clone()),
                started_at: Set(micros(finished.started_at?)),
                ended_at: Set(micros(now)),
                state: Set(finished.settled.state.as_str().to_owned()),
                why: Set(finished.settled.code.to_owned()),
                ..Default::default()
            })
        })
        .collect();
    if !rows.is_empty() {
        rows::attempts::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// What a person must do because of this batch: a provider that refuses our settings, and
/// contacts who fell out of a message at the last look.
async fn open_tasks(store: &Store, batch: &[Finished], now: Timestamp) -> Result<(), Error> {
    let mut commit = None;
    let mut ask = |task: NewTask| commit = Some(commit.take().unwrap_or_else(Commit::new).task(task));
    for finished in batch {
        if finished.settled.misconfigured {
            ask(misconfigured(finished, now));
        }
        // Those for whom the next address is tried are not lost yet.
        if !finished.settled.next_address {
            for (member, _) in &finished.dropped {
                ask(dropped(finished, *member, now));
            }
        }
    }
    if let Some(commit) = commit {
        store.commit(commit).await?;
    }
    Ok(())
}

/// Once a day and channel.
fn misconfigured(finished: &Finished, now: Timestamp) -> NewTask {
    let day = now.as_second().div_euclid(86_400);
    let due = (now, SignedDuration::from_mins(30));
    NewTask::new(finished.school, "channel_misconfigured", Role::SystemAdministrator, due)
        .about([finished.channel.to_string()])
        .because(
            "a provider refuses our account, template or settings: messages went to the next address instead",
        )
        .once(format!("misconfigured:{}:{day}", finished.channel))
}

fn dropped(finished: &Finished, member: Member, now: Timestamp) -> NewTask {
    let (contact, pupil) = member;
    let why = match finished.kind {
        NoticeKind::AbsenceUnexplained => {
            "this contact could no longer be told when the message was about to leave: see that somebody knows"
        }
        NoticeKind::AbsenceCorrection => {
            "this contact was told that the pupil was missing and may not be told any more that it was wrong"
        }
    };
    NewTask::new(
        finished.school,
        "not_cleared",
        Role::DesignatedSafeguardingLead,
        (now, SignedDuration::from_mins(10)),
    )
    .about([contact.to_string(), pupil.to_string(), finished.delivery.clone()])
    .because(why)
    .once(format!("not_cleared:{}:{contact}:{pupil}", finished.delivery))
}
