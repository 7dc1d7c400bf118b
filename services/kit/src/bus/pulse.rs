//! The pulse of a sayer: it beats as long as everything that was committed stands in its stream.
//!
//! The [`relay`](super::relay) sends a beat after a round that left nothing behind, and a
//! [`consumer`](super::consumer) takes it when it has been handed everything so far. So a hearer can
//! tell silence from being cut off, wherever between the two the way is broken. Beats are kept
//! nowhere: one that is lost costs nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::{PublishError, SubscribeError, Subscriber};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Bus;

/// How often a sayer's pulse beats when nothing is wrong.
const EVERY: Duration = Duration::from_secs(2);

/// When a service last had the pulse of each of its sayers, by the clock of the tenants. Of a sayer
/// whose pulse it has not had since it started, nothing is here.
#[derive(Debug, Clone, Default)]
pub struct Pulses(watch::Sender<BTreeMap<&'static str, Timestamp>>);

impl Pulses {
    /// Takes a beat.
    pub fn beat(&self, sayer: &'static str, at: Timestamp) {
        self.0.send_modify(|latest| {
            latest.insert(sayer, at);
        });
    }

    /// The latest beats, and a way to wait for the next.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<BTreeMap<&'static str, Timestamp>> {
        self.0.subscribe()
    }
}

/// Where the pulse of a service can be felt.
pub(super) fn subject(service: &str) -> String {
    format!("schoolbell_pulse.{service}")
}

/// Sends the beats of a service.
#[derive(Debug, Default)]
pub(super) struct Heart {
    beaten: Option<Instant>,
}

impl Heart {
    /// Beats, unless it has just done so.
    pub(super) async fn beat(&mut self, bus: &Bus) -> Result<(), PublishError> {
        if self.beaten.is_none_or(|beaten| beaten.elapsed() >= EVERY) {
            bus.client.publish(subject(bus.service), Vec::new().into()).await?;
            self.beaten = Some(Instant::now());
        }
        Ok(())
    }
}

/// The beats of somebody else.
pub(super) async fn of(bus: &Bus, sayer: &str) -> Result<Subscriber, SubscribeError> {
    bus.client.subscribe(subject(sayer)).await
}
