//! The relay: publishes the outbox in its order, and again when the stream was lost.
//!
//! It wakes when a fact is committed and sweeps every few seconds, so that a lost wake-up costs
//! seconds and not a fact. Rows are kept as long as the stream keeps its messages.

use std::time::Duration;

use async_nats::HeaderMap;
use jiff::SignedDuration;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Bus, Error, KEPT_FOR, pulse};
use crate::clock::{from_micros, micros};
use crate::faults::{PUBLISHED, PUBLISHING};
use crate::metrics::{OUTBOX_OLDEST, RELAY_FAILURES};
use crate::store::{self, Commit, Store, rows};

/// How many facts one atomic batch carries; the server takes 1,000.
const BATCH: u64 = 500;
/// How long facts gather after a round that had several: each round costs the server and the store the same,
/// and a single fact after a quiet moment waits for nothing.
const GATHERS_FOR: Duration = Duration::from_millis(5);
const SWEEP: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Bus(#[from] Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// For how long the first of what is not published has waited.
async fn oldest(store: &Store) -> Result<Option<SignedDuration>, store::Error> {
    let first = rows::outbox::Entity::find()
        .filter(rows::outbox::Column::SentAt.is_null())
        .order_by_asc(rows::outbox::Column::Id)
        .one(store.read())
        .await?;
    Ok(first.map(|row| store.clock().now().duration_since(from_micros(row.created_at))))
}

/// Runs until `stop`, and then once more, so that nothing committed stays behind while the
/// server can be reached.
pub async fn run(store: Store, bus: Bus, stop: CancellationToken) -> anyhow::Result<()> {
    let wake = store.outbox_wake();
    let mut heart = pulse::Heart::default();
    metrics::counter!(RELAY_FAILURES.name, "service" => bus.service).increment(0);
    loop {
        let stopping = stop.is_cancelled();
        match publish_all(&store, &bus).await {
            Ok(()) => {
                metrics::gauge!(OUTBOX_OLDEST.name, "service" => bus.service).set(0);
                if let Err(error) = heart.beat(&bus).await {
                    let error = &error as &(dyn std::error::Error + 'static);
                    tracing::debug!(service = bus.service, error, "a beat of the pulse is left out");
                }
            }
            Err(Failure::Bus(error @ Error::TooOld { .. })) => return Err(error.into()),
            Err(error) => {
                metrics::counter!(RELAY_FAILURES.name, "service" => bus.service).increment(1);
                if let Ok(Some(age)) = oldest(&store).await {
                    metrics::gauge!(OUTBOX_OLDEST.name, "service" => bus.service).set(age.as_secs_f64());
                }
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(service = bus.service, error, "facts wait in the outbox");
            }
        }
        if stopping {
            return Ok(());
        }
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(SWEEP) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The stream that facts are given to: another one of the same name is younger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    name: String,
    created: String,
}

pub(super) async fn publish_all(store: &Store, bus: &Bus) -> Result<(), Failure> {
    let mut seen = look(store, bus).await?;
    loop {
        let rows = unsent(store).await?;
        if rows.is_empty() {
            return Ok(());
        }
        store.faults().at(PUBLISHING).await;
        publish(bus, &rows).await?;
        store.faults().at(PUBLISHED).await;
        if !remember(store, &seen, &rows).await? {
            seen = look(store, bus).await?;
        }
        if rows.len() > 1 {
            tokio::time::sleep(GATHERS_FOR).await;
        }
    }
}

/// Our stream as it is now, which may be another than the one that we remember.
pub(super) async fn look(store: &Store, bus: &Bus) -> Result<Seen, Failure> {
    let stream = bus.own_stream().await?;
    let info = stream.cached_info();
    let seen = Seen { name: info.config.name.clone(), created: info.created.to_string() };
    let known = rows::streams::Entity::find_by_id(seen.name.clone());
    let known = known.one(store.read()).await.map_err(store::Error::from)?;
    if known.is_none_or(|known| known.created != seen.created) {
        notice(store, &seen).await?;
    }
    Ok(seen)
}

/// A stream that we do not know took the place of one that was lost with what it held: everything
/// that it would still keep is published again. Hearers know what they have heard.
async fn notice(store: &Store, seen: &Seen) -> Result<(), store::Error> {
    let tx = store.begin().await?;
    // Whoever is remembering what went into the old stream ends first, and is undone below.
    let known = rows::streams::Entity::find_by_id(seen.name.clone()).lock_exclusive().one(&*tx).await?;
    let row = rows::streams::ActiveModel { name: Set(seen.name.clone()), created: Set(seen.created.clone()) };
    match known {
        None => {
            let by_another = OnConflict::column(rows::streams::Column::Name).do_nothing().to_owned();
            let insert = rows::streams::Entity::insert(row).on_conflict(by_another);
            insert.exec_without_returning(&*tx).await?;
        }
        Some(known) if known.created == seen.created => {}
        Some(_) => {
            tracing::warn!(stream = seen.name, "the stream was lost; its facts are published again");
            let oldest =
                micros(store.clock().real()) - i64::try_from(KEPT_FOR.as_micros()).unwrap_or(i64::MAX);
            rows::outbox::Entity::update_many()
                .set(rows::outbox::ActiveModel { sent_at: Set(None), ..Default::default() })
                .filter(rows::outbox::Column::SentAt.gte(oldest))
                .exec(&*tx)
                .await?;
            rows::streams::Entity::update(row).exec(&*tx).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

pub(super) async fn unsent(store: &Store) -> Result<Vec<rows::outbox::Model>, store::Error> {
    let rows = rows::outbox::Entity::find()
        .filter(rows::outbox::Column::SentAt.is_null())
        .order_by_asc(rows::outbox::Column::Id)
        .limit(BATCH);
    Ok(rows.all(store.read()).await?)
}

/// Remembers what went into the stream that was seen before, together with whatever else is being
/// committed. `false` when a relay has found that one lost meanwhile: what went into it is not sent, and
/// stays to be published.
pub(super) async fn remember(
    store: &Store,
    seen: &Seen,
    sent: &[rows::outbox::Model],
) -> Result<bool, store::Error> {
    let sql = match store.backend() {
        // Locked until the end, so that no relay notices a loss between this look and the change.
        DbBackend::Postgres => {
            "WITH same AS MATERIALIZED \
             (SELECT name FROM streams WHERE name = $1 AND created = $2 FOR SHARE) \
             UPDATE outbox SET sent_at = $3 FROM same \
             WHERE outbox.id = ANY(ARRAY(SELECT jsonb_array_elements_text($4::jsonb)::BIGINT))"
        }
        _ => {
            "UPDATE outbox SET sent_at = $3 WHERE id IN (SELECT value FROM json_each($4)) \
             AND EXISTS (SELECT 1 FROM streams WHERE name = $1 AND created = $2)"
        }
    };
    let ids: serde_json::Value = sent.iter().map(|row| row.id).collect();
    let values = [
        seen.name.as_str().into(),
        seen.created.as_str().into(),
        micros(store.clock().real()).into(),
        ids.to_string().into(),
    ];
    let rows = u64::try_from(sent.len()).unwrap_or(u64::MAX);
    match store.commit(Commit::new().changes(rows, store.statement(sql, values))).await {
        Ok(_) => Ok(true),
        Err(store::Error::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Many facts go as one atomic batch; a batch that the server refuses (one id that it has seen
/// before is enough) goes one by one, each waiting for the one before it.
pub(super) async fn publish(bus: &Bus, rows: &[rows::outbox::Model]) -> Result<(), Error> {
    if rows.len() > 1 {
        match publish_batch(bus, rows).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::debug!(service = bus.service, error, "a batch was refused; its facts go one by one");
            }
        }
    }
    for row in rows {
        bus.context
            .publish_with_headers(row.subject.clone(), headers(row), row.body.clone().into())
            .await
            .map_err(|error| Error::Publish(Box::new(error)))?
            .await
            .map_err(|error| Error::Publish(Box::new(error)))?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct BatchAck {
    error: Option<serde_json::Value>,
    count: Option<usize>,
}

pub(super) async fn publish_batch(bus: &Bus, rows: &[rows::outbox::Model]) -> Result<(), Error> {
    let batch = uuid::Uuid::now_v7().simple().to_string();
    let refused = || Error::Publish("the server refused the batch".into());
    for (index, row) in rows.iter().enumerate() {
        let mut headers = headers(row);
        headers.insert("Nats-Batch-Id", batch.as_str());
        headers.insert("Nats-Batch-Sequence", (index + 1).to_string());
        let (subject, body) = (row.subject.clone(), row.body.clone().into());
        if index + 1 < rows.len() {
            bus.client
                .publish_with_headers(subject, headers, body)
                .await
                .map_err(|error| Error::Publish(Box::new(error)))?;
            continue;
        }
        headers.insert("Nats-Batch-Commit", "1");
        let answer = tokio::time::timeout(PATIENCE, bus.client.request_with_headers(subject, headers, body))
            .await
            .map_err(|error| Error::Publish(Box::new(error)))?
            .map_err(|error| Error::Publish(Box::new(error)))?;
        let ack: BatchAck = serde_json::from_slice(&answer.payload).map_err(|_| refused())?;
        if ack.error.is_some() || ack.count != Some(rows.len()) {
            return Err(refused());
        }
    }
    Ok(())
}

fn headers(row: &rows::outbox::Model) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", row.event_id.as_str());
    headers.insert("Content-Type", "application/cloudevents+json");
    if let Some(traceparent) = &row.traceparent {
        headers.insert("traceparent", traceparent.as_str());
    }
    headers
}
