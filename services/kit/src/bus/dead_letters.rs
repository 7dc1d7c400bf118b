//! Dead letters: what could not be processed, kept with its reason until a person decides.

use jiff::SignedDuration;
use proto::ids::{DeadLetterId, EventId};
use proto::options::v1::Role;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use super::reaction::Raw;
use super::restored;
use crate::Tenant;
use crate::clock::micros;
use crate::fingerprint;
use crate::metrics::DEAD_LETTERS;
use crate::store::{Commit, Error, Store, rows};
use crate::tasks::NewTask;

const ASKS: &str = "something that matters for somebody's safety could not be processed: look at it now";

/// Something that is put aside.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Who could not take it: a consumer, or a route.
    pub consumer: String,
    /// What it was.
    pub raw: Raw,
    /// Why it could not be taken; without anybody's data.
    pub why: String,
    /// Losing it could harm somebody: a task is opened.
    pub safety: bool,
}

/// Puts something aside, and asks a person to look when it matters for somebody's safety. What
/// lies there already, waiting for a person, is not put aside twice.
pub async fn put(store: &Store, letter: Letter) -> Result<(), Error> {
    metrics::counter!(DEAD_LETTERS.name, "consumer" => letter.consumer.clone()).increment(1);
    tracing::error!(consumer = letter.consumer, subject = letter.raw.subject, why = letter.why, "put aside");
    let now = store.clock().now();
    let id = DeadLetterId::generate().to_string();
    let key = key(&letter);
    let body: Option<serde_json::Value> = serde_json::from_slice(&letter.raw.body).ok();
    let text = |key: &str| body.as_ref().and_then(|body| body.get(key)?.as_str().map(ToOwned::to_owned));
    let tenant = letter.raw.subject.rsplit('.').next().and_then(|tenant| tenant.parse::<Tenant>().ok());
    let row = rows::dead_letters::Model {
        id: id.clone(),
        tenant: tenant.map(|tenant| tenant.to_string()),
        consumer: letter.consumer,
        subject: letter.raw.subject,
        // Only a readable id: a body can hold characters that a database refuses.
        event_id: text("id").filter(|id| id.parse::<EventId>().is_ok()),
        body: letter.raw.body,
        why: letter.why,
        died_at: micros(now),
        replayed_at: None,
        erased_at: None,
    };
    let sentence = if row.why == restored::WHY { restored::ASKS } else { ASKS };
    let mut commit = Commit::new().work(move |tx| {
        let row = row.clone();
        Box::pin(async move {
            let lies_there = rows::dead_letters::Entity::find()
                .filter(rows::dead_letters::Column::Consumer.eq(row.consumer.as_str()))
                .filter(rows::dead_letters::Column::Subject.eq(row.subject.as_str()))
                .filter(rows::dead_letters::Column::Body.eq(row.body.as_slice()))
                .filter(rows::dead_letters::Column::ReplayedAt.is_null())
                .filter(rows::dead_letters::Column::ErasedAt.is_null())
                .count(tx)
                .await?;
            if lies_there == 0 {
                let row = row.into_active_model();
                rows::dead_letters::Entity::insert(row).exec_without_returning(tx).await?;
            }
            Ok(())
        })
    });
    if let (true, Some(tenant)) = (letter.safety, tenant) {
        let due = (now, SignedDuration::from_mins(15));
        commit = commit.task(
            NewTask::new(tenant, "dead_letter", Role::Office, due)
                .about(std::iter::once(id).chain(text("subject")))
                .because(sentence)
                .once(key),
        );
    }
    store.commit(commit).await?;
    Ok(())
}

/// One letter is one task, also when a stream that was lost says everything again.
fn key(letter: &Letter) -> String {
    let parts = [letter.consumer.as_bytes(), letter.raw.subject.as_bytes(), &letter.raw.body];
    format!("dead_letter/{}", fingerprint::of(&parts))
}
