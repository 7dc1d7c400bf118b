//! Dead letters: what could not be processed, kept with its reason until a person decides.

use jiff::SignedDuration;
use proto::ids::DeadLetterId;
use proto::options::v1::Role;
use sea_orm::{EntityTrait, Set};

use super::consumer::Raw;
use crate::Tenant;
use crate::clock::micros;
use crate::store::{Commit, Error, Store, rows};
use crate::tasks::NewTask;

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

/// Puts something aside, and asks a person to look when it matters for somebody's safety.
pub async fn put(store: &Store, letter: Letter) -> Result<(), Error> {
    metrics::counter!("kit_dead_letters_total", "consumer" => letter.consumer.clone()).increment(1);
    tracing::error!(consumer = letter.consumer, subject = letter.raw.subject, why = letter.why, "put aside");
    let now = store.clock().now();
    let id = DeadLetterId::generate().to_string();
    let body: Option<serde_json::Value> = serde_json::from_slice(&letter.raw.body).ok();
    let text = |key: &str| body.as_ref().and_then(|body| body.get(key)?.as_str().map(ToOwned::to_owned));
    let tenant = letter.raw.subject.rsplit('.').next().and_then(|tenant| tenant.parse::<Tenant>().ok());
    let row = rows::dead_letters::ActiveModel {
        id: Set(id.clone()),
        tenant: Set(tenant.map(|tenant| tenant.to_string())),
        consumer: Set(letter.consumer),
        subject: Set(letter.raw.subject),
        event_id: Set(text("id")),
        body: Set(letter.raw.body),
        why: Set(letter.why),
        died_at: Set(micros(now)),
        replayed_at: Set(None),
    };
    let mut commit = Commit::new().work(move |tx| {
        let row = row.clone();
        Box::pin(async move {
            rows::dead_letters::Entity::insert(row).exec_without_returning(tx).await?;
            Ok(())
        })
    });
    if let (true, Some(tenant)) = (letter.safety, tenant) {
        let due = (now, SignedDuration::from_mins(15));
        commit = commit.task(
            NewTask::new(tenant, "dead_letter", Role::Office, due)
                .about(std::iter::once(id).chain(text("subject")))
                .because(
                    "something that matters for somebody's safety could not be processed: look at it now",
                ),
        );
    }
    store.commit(commit).await?;
    Ok(())
}
