//! The relay: publishes the outbox in its order, and again when the stream was lost.
//!
//! It wakes when a fact is committed and sweeps every few seconds, so that a lost wake-up costs
//! seconds and not a fact. Rows are kept as long as the stream keeps its messages.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::stream::Stream;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Bus, Error, KEPT_FOR};
use crate::clock::micros;
use crate::store::{self, Store, rows};

/// How many facts one atomic batch carries; the server takes 1,000.
const BATCH: u64 = 500;
const SWEEP: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Bus(#[from] Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Runs until `stop`, and then once more, so that nothing committed stays behind while the
/// server can be reached.
pub async fn run(store: Store, bus: Bus, stop: CancellationToken) -> anyhow::Result<()> {
    let wake = store.outbox_wake();
    loop {
        let stopping = stop.is_cancelled();
        match publish_all(&store, &bus).await {
            Ok(()) => {}
            Err(Failure::Bus(error @ Error::TooOld { .. })) => return Err(error.into()),
            Err(error) => {
                metrics::counter!("kit_relay_failures_total", "service" => bus.service).increment(1);
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

pub(super) async fn publish_all(store: &Store, bus: &Bus) -> Result<(), Failure> {
    let stream = bus.own_stream().await?;
    notice_a_lost_stream(store, &stream).await?;
    loop {
        let rows = rows::outbox::Entity::find()
            .filter(rows::outbox::Column::SentAt.is_null())
            .order_by_asc(rows::outbox::Column::Id)
            .limit(BATCH)
            .all(store.read())
            .await
            .map_err(store::Error::from)?;
        if rows.is_empty() {
            return Ok(());
        }
        publish(bus, &rows).await?;
        let now = micros(store.clock().real());
        let tx = store.begin().await?;
        rows::outbox::Entity::update_many()
            .set(rows::outbox::ActiveModel { sent_at: Set(Some(now)), ..Default::default() })
            .filter(rows::outbox::Column::Id.is_in(rows.iter().map(|row| row.id)))
            .exec(&tx)
            .await
            .map_err(store::Error::from)?;
        tx.commit().await.map_err(store::Error::from)?;
    }
}

/// A stream that is younger than we remember was lost with what it held: everything that it
/// would still keep is published again. Hearers know what they have heard.
async fn notice_a_lost_stream(store: &Store, stream: &Stream) -> Result<(), Failure> {
    let info = stream.cached_info();
    let created = info.created.to_string();
    let known = rows::streams::Entity::find_by_id(info.config.name.clone())
        .one(store.read())
        .await
        .map_err(store::Error::from)?;
    if known.as_ref().is_some_and(|known| known.created == created) {
        return Ok(());
    }
    let tx = store.begin().await?;
    if known.is_some() {
        tracing::warn!(stream = info.config.name, "the stream was lost; its facts are published again");
        let oldest = micros(store.clock().real()) - i64::try_from(KEPT_FOR.as_micros()).unwrap_or(i64::MAX);
        rows::outbox::Entity::update_many()
            .set(rows::outbox::ActiveModel { sent_at: Set(None), ..Default::default() })
            .filter(rows::outbox::Column::SentAt.gte(oldest))
            .exec(&tx)
            .await
            .map_err(store::Error::from)?;
        rows::streams::Entity::delete_by_id(info.config.name.clone())
            .exec(&tx)
            .await
            .map_err(store::Error::from)?;
    }
    let row = rows::streams::ActiveModel { name: Set(info.config.name.clone()), created: Set(created) };
    rows::streams::Entity::insert(row).exec_without_returning(&tx).await.map_err(store::Error::from)?;
    tx.commit().await.map_err(store::Error::from)?;
    Ok(())
}

/// Many facts go as one atomic batch; a batch that the server refuses (one id that it has seen
/// before is enough) goes one by one, each waiting for the one before it.
async fn publish(bus: &Bus, rows: &[rows::outbox::Model]) -> Result<(), Error> {
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
