//! A way out: a channel with its share of what its provider bears.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::channels::{Channel, ChannelName, Found, Limits, Outcome, Outgoing, why};

/// How long a question about a message may wait for its turn.
const FIND_MAY_WAIT: Duration = Duration::from_secs(10);

/// As many requests at once, and per second, as the provider bears.
pub struct Outlet {
    channel: Arc<dyn Channel>,
    connections: Semaphore,
    rate: Arc<DefaultDirectRateLimiter>,
    per_second: u32,
}

/// Opens a way out by each channel. Channels with one account share its rate: the provider counts
/// them together.
#[must_use]
pub fn outlets(channels: Vec<Arc<dyn Channel>>) -> HashMap<ChannelName, Arc<Outlet>> {
    let mut accounts: HashMap<String, (u32, u32)> = HashMap::new();
    for channel in &channels {
        let Limits { per_second, burst, .. } = channel.limits();
        accounts
            .entry(channel.account())
            .and_modify(|least| *least = (least.0.min(per_second), least.1.min(burst)))
            .or_insert((per_second, burst));
    }
    let rates: HashMap<String, Arc<DefaultDirectRateLimiter>> =
        accounts.into_iter().map(|(account, least)| (account, Arc::new(limiter(least)))).collect();
    channels
        .into_iter()
        .filter_map(|channel| {
            let rate = Arc::clone(rates.get(&channel.account())?);
            Some((channel.name(), Arc::new(Outlet::new(channel, rate))))
        })
        .collect()
}

fn limiter((per_second, burst): (u32, u32)) -> DefaultDirectRateLimiter {
    let least = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    RateLimiter::direct(Quota::per_second(least(per_second)).allow_burst(least(burst)))
}

impl Outlet {
    fn new(channel: Arc<dyn Channel>, rate: Arc<DefaultDirectRateLimiter>) -> Self {
        let limits = channel.limits();
        Self {
            channel,
            connections: Semaphore::new(limits.connections.max(1)),
            rate,
            per_second: limits.per_second.max(1),
        }
    }

    /// Messages per second, sustained.
    #[must_use]
    pub fn per_second(&self) -> u32 {
        self.per_second
    }

    /// What the provider knows about one of our messages. A question counts like a message.
    pub async fn find(&self, key: &str, real: Timestamp) -> Found {
        match self.room(FIND_MAY_WAIT).await {
            Some(_permit) => self.channel.find(key, real).await,
            None => Found::Failed { why: why::RATE_LIMITED },
        }
    }

    /// Hands a message to the provider. Ask for [`room`](Self::room) first.
    pub(super) async fn send(&self, outgoing: &Outgoing, real: Timestamp) -> Outcome {
        self.channel.send(outgoing, real).await
    }

    /// Waits for room at the provider, but not beyond `patience`.
    pub(super) async fn room(&self, patience: Duration) -> Option<SemaphorePermit<'_>> {
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
