//! The web console of the school's staff: signing in, what is to be done next, and a page for each thin
//! story (the missing children of this morning, an accident, a closure).
//!
//! It owns who may sign in and who is signed in ([`store`]) and nothing of the school: every page is
//! made from what the services answer to a token in the person's own name ([`asking`]), so that what a
//! page shows and what a button does is what the roles beside each RPC allow, and is written down where
//! it belongs. Facts that are heard ([`reactions`]) only tell open pages to look again ([`live`]).
//!
//! Invariant: a page changes nothing on `GET`; a `POST` is taken only with the mark of the session that
//! its form was made for, and so for no other school. The second of two clicks that change the school
//! gets what the first one began.

mod asking;
mod domain;
mod http;
mod live;
pub mod openid;
mod reactions;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anyhow::ensure;
use jiff::SignedDuration;
use kit::config::Mode;
use kit::service::{Parts, Platform};
use kit::store::Migration;
use serde::Deserialize;

use asking::Services;
use domain::session::Rules;
use http::Console as Pages;
use openid::Provider;

/// The settings of `[console]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// After so long without a click somebody is signed out: at most a day.
    #[serde(rename = "session_idle", with = "kit::config::whole_seconds")]
    pub session_idle_seconds: i64,
    /// After so long somebody is signed out in any case: at most a day.
    #[serde(rename = "session_lasts", with = "kit::config::whole_seconds")]
    pub session_lasts_seconds: i64,
    /// Where the staff find it, for example `https://console.example.org`; none means this machine.
    pub public_url: Option<String>,
    /// Who vouches for people elsewhere.
    #[serde(default)]
    pub openid: BTreeMap<String, openid::Config>,
}

const LONGEST_SESSION: i64 = 24 * 60 * 60;

impl Config {
    /// When somebody is signed out.
    pub fn rules(&self) -> anyhow::Result<Rules> {
        for (key, seconds) in
            [("session_idle", self.session_idle_seconds), ("session_lasts", self.session_lasts_seconds)]
        {
            ensure!(
                (60..=LONGEST_SESSION).contains(&seconds),
                "console.{key} is {seconds}s; from one minute to a day is taken"
            );
        }
        Ok(Rules {
            idle: SignedDuration::from_secs(self.session_idle_seconds),
            lasts: SignedDuration::from_secs(self.session_lasts_seconds),
        })
    }

    /// Who vouches for people elsewhere, as it is asked.
    pub fn providers(&self) -> anyhow::Result<BTreeMap<String, Provider>> {
        let provider = |(key, config): (&String, _)| Ok((key.clone(), Provider::new(key, config)?));
        self.openid.iter().map(provider).collect()
    }

    /// What leads nowhere would be found out by whoever opens the first link.
    fn is_found(&self) -> anyhow::Result<()> {
        let Some(text) = &self.public_url else { return Ok(()) };
        let url = reqwest::Url::parse(text).ok();
        let leads = url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        ensure!(leads, "console.public_url must be an address like https://console.example.org");
        Ok(())
    }

    /// Whether browsers reach it over TLS only.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Console;

impl kit::service::Service for Console {
    const NAME: &'static str = "console";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        ensure!(
            platform.mode != Mode::Production || config.is_protected(),
            "production needs console.public_url with https://: people sign in there"
        );
        config.is_found()?;
        let hub = live::Hub::default();
        let pages = Pages {
            store: platform.store.clone(),
            services: Services::of(platform),
            hub: hub.clone(),
            rules: config.rules()?,
            is_protected: config.is_protected(),
            // Whoever has the key of the command line may do everything anyway, except in production.
            links: (platform.mode != Mode::Production).then(|| platform.gate()),
            providers: config.providers()?,
            public_url: config.public_url.clone(),
            access: proto::access::by_path()?,
            guesses: http::Guesses::default(),
            just_used: http::JustUsed::default(),
            just_changed: http::JustChanged::default(),
            hashing: http::hashing(),
            schools: http::Schools::default(),
            lists: http::Lists::default(),
            stop: platform.stop.clone(),
        };
        // Into a demonstration everybody comes by a link of the command line.
        let invites = platform.mode != Mode::Demo;
        let doorkeeper = http::doorkeeper(
            pages.store.clone(),
            invites.then_some(config.public_url.unwrap_or_default()),
            platform.stop.clone(),
        );
        Ok(Parts::new()
            .reactions(reactions::all(&hub))
            .run("doorkeeper", doorkeeper)
            .http(http::routes(pages)))
    }
}
