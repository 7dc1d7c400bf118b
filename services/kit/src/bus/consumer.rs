//! Hearing: a durable consumer per hearer and sayer.
//!
//! It hands each fact to its [`Reaction`] and acknowledges it after the commit; a process that dies
//! between the two hears it again, and the reaction is not asked about it: it would decide on what
//! its own effect has changed. What is refused too often is put aside.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::pull::{Config, Stream};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::message::Message;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::pulse::{self, Pulses};
use super::reaction::{Handler, Raw, Reaction, Verdict, put_through, was_heard};
use super::{Bus, consumer_name, dead_letters, restored};
use crate::config;
use crate::faults::KEPT;
use crate::store::Store;
use crate::telemetry;

/// Facts that are fetched ahead. Few, because what waits here is handed out again when the wait
/// is longer than the consumer's patience.
const AHEAD: usize = 64;
/// How many of them are decided on and committed at once.
const AT_ONCE: usize = 32;

const LONGEST_WAIT: Duration = Duration::from_secs(2);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Everything that one service hears from one sayer.
pub(crate) struct Hearing {
    pub bus: Bus,
    pub store: Store,
    pub settings: config::Nats,
    pub sayer: &'static str,
    pub reactions: Vec<Reaction>,
    pub pulses: Pulses,
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

    async fn hear(&self, stop: &CancellationToken) -> Result<(), Failure> {
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
            ack_wait: self.settings.ack_wait,
            // We count ourselves: a server that stops handing out would drop a fact in silence.
            max_deliver: -1,
            filter_subjects: subjects,
            ..Config::default()
        };
        let stream = self.bus.stream_of(self.sayer).await?;
        self.bus.check_version()?;
        restored::hear_from_the_start(&stream, &name, &self.store).await?;
        let consumer = stream.create_consumer(config).await?;
        let not_handed_out = consumer.cached_info().num_pending;
        let pulse = pulse::of(&self.bus, self.sayer).await?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(AHEAD)
            .heartbeat(Duration::from_secs(2))
            .expires(Duration::from_secs(10))
            .messages()
            .await?;
        self.take_all(messages, (pulse, not_handed_out), stop).await
    }

    /// Whatever ends it, what was begun is finished, and what was only fetched is given back.
    async fn take_all(
        &self,
        mut messages: Stream,
        (mut pulse, mut not_handed_out): (Subscriber, u64),
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let refusals = Refusals::default();
        // Facts carry versions, so that their order does not matter; heard together they share the
        // group commit.
        let mut taking = FuturesUnordered::new();
        let mut outcome = Ok(());
        while outcome.is_ok() {
            tokio::select! {
                message = messages.next(), if taking.len() < AT_ONCE => match message {
                    Some(Ok(message)) => {
                        not_handed_out = message.info().map_or(not_handed_out, |info| info.pending);
                        taking.push(self.take(message, &refusals));
                    }
                    Some(Err(error)) => outcome = Err(error.into()),
                    None => break,
                },
                Some(_) = pulse.next() => if not_handed_out == 0 {
                    self.pulses.beat(self.sayer, self.store.clock().now());
                },
                Some(taken) = taking.next() => outcome = taken,
                () = stop.cancelled() => break,
            }
        }
        let finished = async {
            while let Some(taken) = taking.next().await {
                outcome = std::mem::replace(&mut outcome, Ok(())).and(taken);
            }
        };
        tokio::join!(give_back(messages), finished);
        outcome
    }

    async fn take(&self, message: Message, refusals: &Refusals) -> Result<(), Failure> {
        let traceparent = message.headers.as_ref().and_then(|headers| headers.get("traceparent"));
        let span =
            tracing::info_span!("hear", service = self.bus.service, subject = message.subject.as_str());
        telemetry::continue_from(&span, traceparent.map(async_nats::HeaderValue::as_str));
        let sequence = message.info().map_or(0, |info| info.stream_sequence);
        let raw = Raw { subject: message.subject.to_string(), body: message.payload.to_vec() };
        let mut reacting = pin!(self.react(raw, sequence, refusals).instrument(span));
        let patience = self.settings.ack_wait.max(Duration::from_secs(1)) / 3;
        let verdict = loop {
            tokio::select! {
                verdict = &mut reacting => break verdict,
                // A slow reaction keeps its fact. A word that is lost here costs a second hearing.
                () = tokio::time::sleep(patience) => { let _ = message.ack_with(AckKind::Progress).await; }
            }
        };
        match verdict {
            Ok(()) => {
                refusals.forget(sequence);
                self.store.faults().at(KEPT).await;
                message.double_ack().await?;
            }
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
    async fn react(&self, raw: Raw, sequence: u64, refusals: &Refusals) -> Result<(), Duration> {
        let consumer = consumer_name(self.bus.service, self.sayer);
        let fact = raw.subject.split('.').nth(2).unwrap_or_default().to_owned();
        let (verdict, safety) = match self.reactions.iter().find(|reaction| reaction.fact == fact) {
            None => (Err(Verdict::Poison("nobody here reacts to this fact".to_owned())), false),
            Some(reaction) => (self.act(&reaction.handler, raw.clone()).await, reaction.safety),
        };
        let why = match verdict {
            Ok(()) => return Ok(()),
            Err(Verdict::Away(why)) => {
                tracing::warn!(consumer, why, "a fact waits for the store");
                return Err(Duration::from_secs(2));
            }
            Err(Verdict::Retry(why)) => {
                let times = refusals.another(sequence);
                if times < self.settings.max_deliver {
                    tracing::warn!(consumer, why, times, "a fact is handed out again");
                    let seconds = 1_u64 << times.clamp(0, 5);
                    return Err(Duration::from_secs(seconds));
                }
                format!("tried {times} times: {why}")
            }
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

/// How often each fact that is not done yet was refused, by its place in the stream. We count
/// ourselves: the server counts as well what was handed out while the store was away.
#[derive(Default)]
struct Refusals(Mutex<HashMap<u64, i64>>);

impl Refusals {
    fn another(&self, sequence: u64) -> i64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = counts.entry(sequence).or_default();
        *times += 1;
        *times
    }

    fn forget(&self, sequence: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&sequence);
    }
}

/// Facts that were fetched and not begun, to whoever hears next: else they would wait until the
/// server misses our answer. One that it sends at this moment does.
async fn give_back(mut messages: Stream) {
    let mut fetched = Vec::new();
    while let Some(Some(Ok(message))) = messages.next().now_or_never() {
        fetched.push(message);
    }
    // Before a word is said, so that nothing is sent in place of what we give back.
    drop(messages);
    for message in fetched {
        // A word that is lost here costs that wait.
        let _ = message.ack_with(AckKind::Nak(None)).await;
    }
}
