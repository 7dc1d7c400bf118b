//! A way out: a channel with its share of what its provider bears.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::channels::{Channel, ChannelName, Found, Leave, Limits, NotSent, Outcome, Outgoing, why};

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
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        leave: &Leave,
        real: Timestamp,
    ) -> Result<Outcome, NotSent> {
        self.channel.send(outgoing, leave, real).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels;

    fn opened() -> HashMap<ChannelName, Arc<Outlet>> {
        // Only the first test in the process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = simulator::NotifyOptions::default().api_key("tests");
        let template = uuid::Uuid::nil();
        let config = serde_json::json!({
            "sms.notify": {
                "base_url": "http://127.0.0.1:9", "api_key": key, "sms_template_id": template,
                "rate_per_second": 1, "burst": 3,
            },
            "email.notify": {
                "base_url": "http://127.0.0.1:9", "api_key": key, "email_template_id": template,
                "rate_per_second": 50, "burst": 100,
            },
            "email.smtp": {
                "host": "127.0.0.1", "port": 9, "security": "plain", "from": "office@example.org",
                "rate_per_second": 1, "burst": 3,
            },
        });
        let config: channels::Config = serde_json::from_value(config).unwrap();
        outlets(channels::all(&config, &channels::http_client().unwrap()).unwrap())
    }

    #[tokio::test]
    async fn channels_of_one_account_share_its_rate_and_others_have_their_own() {
        let outlets = opened();
        let outlet = |name: &str| &outlets[&name.parse::<ChannelName>().unwrap()];
        for name in ["sms.notify", "email.notify", "sms.notify"] {
            assert!(outlet(name).room(Duration::ZERO).await.is_some());
        }
        for name in ["sms.notify", "email.notify"] {
            assert!(outlet(name).room(Duration::ZERO).await.is_none(), "{name} has used up the budget");
        }
        assert!(outlet("email.smtp").room(Duration::ZERO).await.is_some());
    }
}
