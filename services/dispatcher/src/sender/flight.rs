//! One message on its way to its provider.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use kit::clock::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::generation::Generation;
use super::prepare::Ready;
use super::settler::Settler;
use crate::channels::{Channel, Found};
use crate::domain::settle::settle;
use crate::store::settle::Finished;

/// How old a clearance may be when a request is started. Promised to every restricted family.
const CLEARED_FOR: Duration = Duration::from_secs(5);
/// A request that is about to start must be on its way well within that.
const MARGIN: Duration = Duration::from_millis(250);

/// A channel with its share of the provider: as many requests at once, and per second, as it bears.
pub struct Outlet {
    channel: Arc<dyn Channel>,
    connections: Semaphore,
    rate: DefaultDirectRateLimiter,
    per_second: u32,
}

impl Outlet {
    /// Opens a way out by this channel.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        let limits = channel.limits();
        let per_second = NonZeroU32::new(limits.per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(limits.burst).unwrap_or(NonZeroU32::MIN);
        let rate = RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst));
        Self {
            channel,
            connections: Semaphore::new(limits.connections.max(1)),
            rate,
            per_second: per_second.get(),
        }
    }

    /// Messages per second, sustained.
    #[must_use]
    pub fn per_second(&self) -> u32 {
        self.per_second
    }

    /// What the provider knows about one of our messages.
    pub async fn find(&self, key: &str, real: Timestamp) -> Found {
        self.channel.find(key, real).await
    }

    /// Waits for room at the provider, but not beyond `patience`.
    async fn room(&self, patience: Duration) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let until = tokio::time::Instant::now() + patience;
        let permit = tokio::time::timeout_at(until, self.connections.acquire()).await.ok()?.ok()?;
        loop {
            match self.rate.check() {
                Ok(()) => return Some(permit),
                Err(early) => {
                    let wait = early.wait_time_from(DefaultClock::default().now());
                    if tokio::time::Instant::now() + wait > until {
                        return None;
                    }
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

/// What is looked at right before the request.
pub(super) struct Checks {
    pub generation: Generation,
    pub clock: Clock,
}

impl Checks {
    fn hold(&self, ready: &Ready) -> bool {
        ready.cleared_at.elapsed() + MARGIN < CLEARED_FOR && self.generation.fresh() == Some(ready.generation)
    }
}

/// Sends one message and sees it settled. A message that is no longer fresh stays as it is and is
/// looked at again in the next round.
pub(super) async fn fly(
    ready: Ready,
    outlet: Arc<Outlet>,
    checks: Checks,
    settling: (Settler, OwnedSemaphorePermit),
) {
    let (settler, credit) = settling;
    let left = CLEARED_FOR.saturating_sub(ready.cleared_at.elapsed() + MARGIN);
    let Some(permit) = outlet.room(left).await else { return };
    if !checks.hold(&ready) {
        return;
    }
    let started_at = checks.clock.now();
    let outcome = outlet.channel.send(&ready.outgoing, checks.clock.real()).await;
    drop(permit);
    let settled = settle(&ready.attempted, outcome, checks.clock.now());
    metrics::counter!(
        "dispatcher_attempts_total",
        "channel" => ready.delivery.channel.to_string(),
        "outcome" => settled.state.as_str()
    )
    .increment(1);
    let finished = Finished {
        delivery: ready.delivery.id,
        kind: ready.delivery.kind,
        school: ready.school,
        channel: ready.delivery.channel,
        lane: ready.lane,
        attempts: ready.attempted.attempts,
        settled,
        started_at: Some(started_at),
        dropped: ready.dropped,
    };
    settler.settle(finished).await;
    // What is not durable holds its credit: a crash repeats at most as many as there are credits.
    drop(credit);
}
