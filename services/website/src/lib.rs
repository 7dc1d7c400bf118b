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

use anyhow::ensure;
use kit::service::{Parts, Platform};
use kit::store::Migration;
use serde::Deserialize;

/// Nobody may be shown yesterday's silence for longer than this, in seconds.
const LONGEST_CACHE: u16 = 300;

/// The settings of `[website]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long browsers and proxies may show what they have without asking again, in seconds: at
    /// most 300.
    pub cache_seconds: u16,
}

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Website;

impl kit::service::Service for Website {
    const NAME: &'static str = "website";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let seconds = config.cache_seconds;
        ensure!(seconds <= LONGEST_CACHE, "website.cache_seconds is {seconds}, more than {LONGEST_CACHE}");
        let store = &platform.store;
        Ok(Parts::new().reactions(reactions::all(store)).http(http::routes(store.clone(), seconds)?))
    }
}
