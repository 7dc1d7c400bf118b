//! `sms.notify`: text messages through GOV.UK Notify.
//!
//! Notify renders its own templates, so the account has one whose body is only `((body))`; Notify puts the service's name and a
//! colon before it. Receipts come back by callback and are read by [`notify_receipt`](super::notify_receipt).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::notify::Notify;
use super::notify_account::{Account, Kind, burst, connections, production_url, rate_per_second, timeout};
use super::{
    Channel, ChannelName, Error, Found, Leave, Limits, NotSent, Outcome, Outgoing, RejectKind, Secret,
    Tariff, why,
};
use crate::text::fragments::{self, Fragments};

/// The name of this channel.
pub const NAME: ChannelName = ChannelName::known("sms.notify");

/// Notify's account for text messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the API is; only a trial talks to another than GOV.UK's.
    #[serde(default = "production_url")]
    pub base_url: String,
    /// The API key as Notify shows it once.
    pub api_key: Option<Secret>,
    /// The file that holds it instead.
    pub api_key_file: Option<PathBuf>,
    /// The template whose body is only `((body))`.
    pub sms_template_id: Uuid,
    /// The service's name, which Notify puts before each text; empty where the account has this switched off.
    #[serde(default)]
    pub service_name: String,
    /// What a fragment costs in millionths of a pound, for previews.
    pub fragment_micropounds: Option<u64>,
    /// Fragments that are left of the year's free ones, for previews: nothing here counts them down.
    #[serde(default)]
    pub free_fragments: u64,
    /// Notify's own rate is 3,000 a minute for each kind of key.
    #[serde(default = "rate_per_second")]
    pub rate_per_second: u32,
    /// Notify's bucket holds a third of the minute's rate, at most 1,000.
    #[serde(default = "burst")]
    pub burst: u32,
    /// Requests at the same time.
    #[serde(default = "connections")]
    pub connections: usize,
    /// How long an answer may take, such as `10s`.
    #[serde(default = "timeout", with = "kit::config::duration")]
    pub timeout: Duration,
}

#[derive(Serialize)]
struct Request<'a> {
    phone_number: &'a str,
    template_id: Uuid,
    personalisation: Personalisation<'a>,
    reference: &'a str,
}

#[derive(Serialize)]
struct Personalisation<'a> {
    body: &'a str,
}

#[derive(Debug)]
struct SmsNotify {
    notify: Notify,
    template_id: Uuid,
    /// What Notify puts before each body.
    prefix: String,
    tariff: Option<Tariff>,
}

/// Opens the channel; connects to nobody yet.
pub fn open(config: &Config, http: &Client) -> Result<Arc<dyn Channel>, Error> {
    let prefix = match config.service_name.trim() {
        "" => String::new(),
        name => format!("{name}: "),
    };
    let characters = fragments::NOTIFY_CHARACTERS.saturating_sub(fragments::fragments(&prefix).characters);
    let account = Account {
        channel: NAME,
        kind: Kind::Sms,
        base_url: &config.base_url,
        api_key: (config.api_key.as_ref(), config.api_key_file.as_ref()),
        timeout: config.timeout,
        limits: Limits {
            characters,
            per_second: config.rate_per_second,
            burst: config.burst,
            connections: config.connections,
        },
    };
    let notify = Notify::open(&account, http)?;
    let free_fragments = config.free_fragments;
    let tariff = config
        .fragment_micropounds
        .map(|fragment_micropounds| Tariff { fragment_micropounds, free_fragments });
    Ok(Arc::new(SmsNotify { notify, template_id: config.sms_template_id, prefix, tariff }))
}

impl Channel for SmsNotify {
    fn name(&self) -> ChannelName {
        NAME
    }

    fn limits(&self) -> Limits {
        self.notify.limits()
    }

    fn account(&self) -> String {
        self.notify.account()
    }

    fn size(&self, body: &str) -> Option<Fragments> {
        Some(fragments::fragments(&format!("{}{body}", self.prefix)))
    }

    fn tariff(&self) -> Option<Tariff> {
        self.tariff
    }

    fn send<'a>(
        &'a self,
        outgoing: &'a Outgoing,
        leave: &'a Leave,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Outcome, NotSent>> {
        Box::pin(async move {
            let fits = |size: Fragments| size.characters <= fragments::NOTIFY_CHARACTERS;
            if !self.size(&outgoing.body).is_some_and(fits) {
                return Ok(Outcome::reject(RejectKind::Message, why::TOO_LONG));
            }
            let request = Request {
                phone_number: &outgoing.to,
                template_id: self.template_id,
                personalisation: Personalisation { body: &outgoing.body },
                reference: &outgoing.key,
            };
            self.notify.post(&request, leave, now).await
        })
    }

    fn find<'a>(&'a self, key: &'a str, now: Timestamp) -> BoxFuture<'a, Found> {
        Box::pin(self.notify.find(key, now))
    }
}
