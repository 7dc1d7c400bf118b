//! Hearing: a durable consumer per hearer and sayer, and what becomes of each fact.
//!
//! A reaction answers with a [`Commit`]; the event's id goes into the inbox in the same
//! transaction, so a fact that is heard twice has its effect once. The fact is acknowledged
//! after the commit; a process that dies between the two hears it again, and the reaction is not
//! asked about it: it would decide on what its own effect has changed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::message::Message;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use proto::events::{Event, Fact};
use proto::ids::EventId;
use sea_orm::EntityTrait;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Bus, consumer_name, dead_letters, restored};
use crate::clock::micros;
use crate::config;
use crate::store::{Commit, Error, Store, rows};
use crate::telemetry;

/// Facts that are fetched ahead. Few, because what waits here is handed out again when the wait
/// is longer than the consumer's patience.
const AHEAD: usize = 64;
/// How many of them are decided on and committed at once.
const AT_ONCE: usize = 32;

/// How often a reaction decides again when others change what it decided on.
const TRIES: usize = 50;

const LONGEST_WAIT: Duration = Duration::from_secs(2);

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

impl Verdict {
    /// Its reason.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Retry(why) | Self::Away(why) | Self::Poison(why) => why,
        }
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

/// Everything that one service hears from one sayer.
pub(crate) struct Hearing {
    pub bus: Bus,
    pub store: Store,
    pub settings: config::Nats,
    pub sayer: &'static str,
    pub reactions: Vec<Reaction>,
}

impl Hearing {
    /// Runs until `stop`. A server that is away, or a stream that is not made yet, is waited for.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut waits = Duration::from_millis(50);
        while !stop.is_cancelled() {
            match self.hear(&stop).await {
                Ok(()) => waits = Duration::from_millis(50),
                Err(error) => {
                    let error = &*error as &(dyn std::error::Error + 'static);
                    let (service, sayer) = (self.bus.service, self.sayer);
                    // A stream that its owner has yet to make is soon there; a refusal stays.
                    if waits < LONGEST_WAIT {
                        tracing::info!(service, sayer, error, "waiting for the stream");
                    } else {
                        tracing::warn!(service, sayer, error, "still waiting for the stream");
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(waits) => waits = (waits * 2).min(LONGEST_WAIT),
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn hear(&self, stop: &CancellationToken) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let name = consumer_name(self.bus.service, self.sayer);
        let subjects = self
            .reactions
            .iter()
            .map(|reaction| format!("schoolbell.{}.{}.*", self.sayer, reaction.fact))
            .collect();
        let config = Config {
            durable_name: Some(name.clone()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(self.settings.ack_wait_seconds),
            // We count ourselves: a server that stops handing out would drop a fact in silence.
            max_deliver: -1,
            filter_subjects: subjects,
            ..Config::default()
        };
        let stream = self.bus.stream_of(self.sayer).await?;
        self.bus.check_version()?;
        restored::hear_from_the_start(&stream, &name, &self.store).await?;
        let consumer = stream.create_consumer(config).await?;
        let mut messages = consumer
            .stream()
            .max_messages_per_batch(AHEAD)
            .heartbeat(Duration::from_secs(2))
            .expires(Duration::from_secs(10))
            .messages()
            .await?;
        // Facts carry versions, so that their order does not matter; heard together they share the
        // group commit.
        let mut taking = FuturesUnordered::new();
        loop {
            tokio::select! {
                message = messages.next(), if taking.len() < AT_ONCE => match message {
                    Some(message) => taking.push(self.take(message?)),
                    None => break,
                },
                Some(taken) = taking.next() => taken?,
                () = stop.cancelled() => break,
            }
        }
        while let Some(taken) = taking.next().await {
            taken?;
        }
        Ok(())
    }

    async fn take(&self, message: Message) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let traceparent = message.headers.as_ref().and_then(|headers| headers.get("traceparent"));
        let span =
            tracing::info_span!("hear", service = self.bus.service, subject = message.subject.as_str());
        telemetry::continue_from(&span, traceparent.map(async_nats::HeaderValue::as_str));
        let delivered = message.info().map_or(1, |info| info.delivered);
        let raw = Raw { subject: message.subject.to_string(), body: message.payload.to_vec() };
        let mut reacting = pin!(self.react(raw, delivered).instrument(span));
        let patience = Duration::from_secs(self.settings.ack_wait_seconds.max(1)) / 3;
        let verdict = loop {
            tokio::select! {
                verdict = &mut reacting => break verdict,
                // A slow reaction keeps its fact. A word that is lost here costs a second hearing.
                () = tokio::time::sleep(patience) => { let _ = message.ack_with(AckKind::Progress).await; }
            }
        };
        match verdict {
            Ok(()) => message.double_ack().await?,
            Err(wait) => message.ack_with(AckKind::Nak(Some(wait))).await?,
        }
        Ok(())
    }

    /// What was said before a restore and is not known here waits for a person.
    async fn act(&self, handler: &Handler, raw: Raw) -> Result<(), Verdict> {
        let forgotten = restored::was_said_before(&self.store, &raw) && !was_heard(&self.store, &raw).await?;
        if forgotten {
            return Err(Verdict::Poison(restored::WHY.to_owned()));
        }
        put_through(&self.store, handler, raw).await
    }

    /// `Err` says how long to wait until the fact is handed out again.
    async fn react(&self, raw: Raw, delivered: i64) -> Result<(), Duration> {
        let consumer = consumer_name(self.bus.service, self.sayer);
        let fact = raw.subject.split('.').nth(2).unwrap_or_default().to_owned();
        let (verdict, safety) = match self.reactions.iter().find(|reaction| reaction.fact == fact) {
            None => (Err(Verdict::Poison("nobody here reacts to this fact".to_owned())), false),
            Some(reaction) => (self.act(&reaction.handler, raw.clone()).await, reaction.safety),
        };
        let why = match verdict {
            Ok(()) => return Ok(()),
            Err(Verdict::Retry(why)) if delivered < self.settings.max_deliver => {
                tracing::warn!(consumer, why, delivered, "a fact is handed out again");
                let seconds = 1_u64 << delivered.clamp(0, 5);
                return Err(Duration::from_secs(seconds));
            }
            Err(Verdict::Away(why)) => {
                tracing::warn!(consumer, why, delivered, "a fact waits for the store");
                return Err(Duration::from_secs(2));
            }
            Err(Verdict::Retry(why)) => format!("tried {delivered} times: {why}"),
            Err(Verdict::Poison(why)) => why,
        };
        let letter = dead_letters::Letter { consumer: consumer.clone(), raw, why, safety };
        match dead_letters::put(&self.store, letter).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(consumer, error, "a dead letter could not be put aside");
                Err(Duration::from_secs(5))
            }
        }
    }
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
        let decision = handler(raw.clone()).await?;
        let commit = decision.commit.inbox(decision.id, micros(store.clock().real()));
        match store.commit(commit).await {
            Ok(_) => return Ok(()),
            Err(Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Verdict::Retry("others keep changing the same thing".to_owned()))
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

async fn was_heard(store: &Store, raw: &Raw) -> Result<bool, Verdict> {
    let Some(id) = event_id(raw) else { return Ok(false) };
    let row = rows::inbox::Entity::find_by_id(id.to_string()).one(store.read()).await;
    Ok(row.map_err(Error::from)?.is_some())
}
