//! Reacting: what a service does with what comes in, once.
//!
//! A reaction answers with a [`Commit`]; the id of what came in goes into the inbox in the same
//! transaction, so that what is heard twice has its effect once. The [`consumer`](super::consumer)
//! brings facts from the bus, a service's HTTP what providers say, and
//! [`operations`](crate::operations) what was put aside.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use proto::events::{Event, Fact};
use proto::ids::EventId;
use sea_orm::EntityTrait;
use serde::Deserialize;

use super::dead_letters;
use crate::clock::micros;
use crate::faults::HEARD;
use crate::store::{Commit, Error, Store, rows};

/// How often a reaction decides again when others change what it decided on.
const TRIES: usize = 50;

/// A reaction's refusal of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Not now: hand it out again, a limited number of times.
    Retry(String),
    /// Our own store is away: hand it out again for as long as that takes.
    Away(String),
    /// Never: put it aside with this reason.
    Poison(String),
}

impl From<Error> for Verdict {
    /// Only a store that cannot be reached is waited for; what it will never take is counted, and
    /// in the end put aside where a person sees it.
    fn from(error: Error) -> Self {
        let why = crate::rejection::causes(&error);
        if error.is_away() { Self::Away(why) } else { Self::Retry(why) }
    }
}

/// Something that came in from outside, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// The subject or route that it came by.
    pub subject: String,
    /// The bytes.
    pub body: Vec<u8>,
}

/// The decision about something that came in.
pub struct Handled {
    /// What it was known as, so that it has its effect once.
    pub id: String,
    /// The effect.
    pub commit: Commit,
}

/// Decides about something that came in.
pub type Handler = Arc<dyn Fn(Raw) -> BoxFuture<'static, Result<Handled, Verdict>> + Send + Sync>;

/// What a service does when another says a fact.
#[derive(Clone)]
pub struct Reaction {
    pub(crate) sayer: &'static str,
    pub(crate) fact: &'static str,
    pub(crate) safety: bool,
    pub(crate) handler: Handler,
}

impl Reaction {
    /// Reacts to the fact `T`. A body that is no such fact is put aside.
    pub fn to<T, React, Reacting>(react: React) -> Self
    where
        T: Fact,
        React: Fn(Event<T>) -> Reacting + Send + Sync + 'static,
        Reacting: Future<Output = Result<Commit, Verdict>> + Send + 'static,
    {
        let react = Arc::new(react);
        let handler: Handler = Arc::new(move |raw| {
            let react = Arc::clone(&react);
            Box::pin(async move {
                let event = read::<T>(&raw)?;
                let id = event.id.to_string();
                let commit = react(event).await?;
                Ok(Handled { id, commit })
            })
        });
        Self { sayer: T::SERVICE, fact: T::NAME, safety: T::SAFETY, handler }
    }
}

fn read<T: Fact>(raw: &Raw) -> Result<Event<T>, Verdict> {
    let event: Event<T> = serde_json::from_slice(&raw.body).map_err(|error| {
        Verdict::Poison(format!("not a {}.{} fact: {}", T::SERVICE, T::NAME, place(&error)))
    })?;
    let kind = format!("schoolbell.{}.{}.v1", T::SERVICE, T::NAME);
    if event.kind != kind {
        return Err(Verdict::Poison(format!("its type is not {kind}")));
    }
    if raw.subject != proto::events::subject_of(T::SERVICE, T::NAME, event.school) {
        return Err(Verdict::Poison("its subject names another school or fact than its body".to_owned()));
    }
    Ok(event)
}

/// Where a body stopped making sense; serde's own words could repeat what stands there.
fn place(error: &serde_json::Error) -> String {
    format!("{:?} at line {}, column {}", error.classify(), error.line(), error.column())
}

/// Takes in something that came by another way than the bus: its effect once, or put aside with
/// the reason. `Err` means that it is not durable, and whoever sent it should send it again.
pub async fn take_in(store: &Store, consumer: &str, handler: &Handler, raw: Raw) -> Result<(), Verdict> {
    match put_through(store, handler, raw.clone()).await {
        Err(Verdict::Poison(why)) => {
            let letter = dead_letters::Letter { consumer: consumer.to_owned(), raw, why, safety: false };
            Ok(dead_letters::put(store, letter).await?)
        }
        outcome => outcome,
    }
}

/// Lets a handler decide and commits its decision, again when something changed meanwhile. A fact
/// that has had its effect is not decided on again.
pub(crate) async fn put_through(store: &Store, handler: &Handler, raw: Raw) -> Result<(), Verdict> {
    for _ in 0..TRIES {
        if was_heard(store, &raw).await? {
            return Ok(());
        }
        let decision = asked(handler, raw.clone()).await?;
        let commit = decision.commit.inbox(decision.id, micros(store.clock().real()));
        store.faults().at(HEARD).await;
        match store.commit(commit).await {
            Ok(_) => return Ok(()),
            Err(Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Verdict::Retry("others keep changing the same thing".to_owned()))
}

/// A fact on which a reaction panics must not take the process from all others, each time that it is
/// handed out. The panic itself is in the log.
async fn asked(handler: &Handler, raw: Raw) -> Result<Handled, Verdict> {
    let deciding = AssertUnwindSafe(async move { handler(raw).await });
    let panicked = |_| Err(Verdict::Retry("the reaction panicked".to_owned()));
    deciding.catch_unwind().await.unwrap_or_else(panicked)
}

/// Only what came from the bus carries its id where it can be read without knowing what it is.
pub(super) fn event_id(raw: &Raw) -> Option<EventId> {
    #[derive(Deserialize)]
    struct Identified {
        id: EventId,
    }
    if !raw.subject.starts_with("schoolbell.") {
        return None;
    }
    serde_json::from_slice(&raw.body).ok().map(|Identified { id }| id)
}

pub(super) async fn was_heard(store: &Store, raw: &Raw) -> Result<bool, Verdict> {
    let Some(id) = event_id(raw) else { return Ok(false) };
    let row = rows::inbox::Entity::find_by_id(id.to_string()).one(store.read()).await;
    Ok(row.map_err(Error::from)?.is_some())
}
