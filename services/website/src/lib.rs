//! The school's public voice: alerts, a feed, the calendar, and a banner for its own website.
//!
//! What others say is heard in [`reactions`] and kept in a projection of this service's own
//! ([`store`]); [`http`] shows it to anybody, without a token. Nothing is asked of another service
//! to answer a visitor, so the last projection is shown, with its age, when everything else is down.
//! Nothing about a person is ever here.

mod domain;
mod http;
mod reactions;
mod store;
#[cfg(test)]
mod tests;
mod touch;

use anyhow::ensure;
use http::address::Address;
use jiff::SignedDuration;
use kit::config::Mode;
use kit::service::{Parts, Platform};
use kit::store::Migration;
use serde::Deserialize;

/// Nobody may be shown yesterday's silence for longer than this, in seconds.
const LONGEST_CACHE: i64 = 300;
/// A pulse beats every two seconds, in seconds.
const SHORTEST_PATIENCE: i64 = 5;

/// The settings of `[website]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long browsers and proxies may show what they have without asking again, in seconds: at
    /// most 300.
    #[serde(rename = "cache", with = "kit::config::whole_seconds")]
    pub cache_seconds: i64,
    /// After so many seconds without contact with those whom it hears a page says so: at least 5.
    #[serde(rename = "cut_off_after", with = "kit::config::whole_seconds")]
    pub cut_off_after_seconds: i64,
    /// Where visitors find it, for example `https://alerts.example.org`; none means the host that
    /// they ask.
    pub public_url: Option<String>,
}

impl Config {
    /// Refuses what nobody could be served with.
    pub fn check(&self, mode: Mode) -> anyhow::Result<()> {
        let (cache, patience) = (self.cache_seconds, self.cut_off_after_seconds);
        ensure!(cache <= LONGEST_CACHE, "website.cache is {cache}s, more than {LONGEST_CACHE}s");
        ensure!(
            patience >= SHORTEST_PATIENCE,
            "website.cut_off_after is {patience}s, less than {SHORTEST_PATIENCE}s"
        );
        Address::new(self.public_url.as_deref(), mode).map(drop)
    }

    fn patience(&self) -> SignedDuration {
        SignedDuration::from_secs(self.cut_off_after_seconds)
    }
}

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Website;

impl kit::service::Service for Website {
    const NAME: &'static str = "website";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        config.check(platform.mode)?;
        let address = Address::new(config.public_url.as_deref(), platform.mode)?;
        let (store, pulses) = (platform.store.clone(), platform.pulses.clone());
        let touch = touch::remember(store.clone(), pulses, config.patience(), platform.stop.clone());
        Ok(Parts::new()
            .reactions(reactions::all(&store))
            .run("touch", touch)
            .http(http::routes(store, &config, address)?))
    }
}
