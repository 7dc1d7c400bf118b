//! `email.notify`: e-mail through GOV.UK Notify, which is free of charge to state-funded schools.
//!
//! The account has one template whose subject is only `((subject))` and whose body is only `((body))`; the body is escaped so that
//! Notify's markdown shows it as it was written.

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
    Channel, ChannelName, Error, Found, Leave, Limits, NotSent, Outcome, Outgoing, RejectKind, Secret, why,
};
use crate::text::markdown::escape_notify_markdown;

/// The name of this channel.
pub const NAME: ChannelName = ChannelName::known("email.notify");

/// Notify takes 2,000,000 bytes; a quarter of that stays under it in any script and with any escapes.
const CHARACTERS: usize = 250_000;

/// Notify's account for e-mail.
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
    /// The template with `((subject))` and `((body))`.
    pub email_template_id: Uuid,
    /// One of the account's reply-to addresses; without it Notify uses the account's default.
    pub email_reply_to_id: Option<Uuid>,
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
    email_address: &'a str,
    template_id: Uuid,
    personalisation: Personalisation<'a>,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_reply_to_id: Option<Uuid>,
}

#[derive(Serialize)]
struct Personalisation<'a> {
    subject: &'a str,
    body: &'a str,
}

#[derive(Debug)]
struct EmailNotify {
    notify: Notify,
    template_id: Uuid,
    reply_to_id: Option<Uuid>,
}

/// Opens the channel; connects to nobody yet.
pub fn open(config: &Config, http: &Client) -> Result<Arc<dyn Channel>, Error> {
    let account = Account {
        channel: NAME,
        kind: Kind::Email,
        base_url: &config.base_url,
        api_key: (config.api_key.as_ref(), config.api_key_file.as_ref()),
        timeout: config.timeout,
        limits: Limits {
            characters: CHARACTERS,
            per_second: config.rate_per_second,
            burst: config.burst,
            connections: config.connections,
        },
    };
    Ok(Arc::new(EmailNotify {
        notify: Notify::open(&account, http)?,
        template_id: config.email_template_id,
        reply_to_id: config.email_reply_to_id,
    }))
}

impl Channel for EmailNotify {
    fn name(&self) -> ChannelName {
        NAME
    }

    fn limits(&self) -> Limits {
        self.notify.limits()
    }

    fn account(&self) -> String {
        self.notify.account()
    }

    fn send<'a>(
        &'a self,
        outgoing: &'a Outgoing,
        leave: &'a Leave,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Outcome, NotSent>> {
        Box::pin(async move {
            let Some(subject) = &outgoing.subject else {
                return Ok(Outcome::reject(RejectKind::Message, why::SUBJECT_MISSING));
            };
            if outgoing.body.chars().count() > CHARACTERS {
                return Ok(Outcome::reject(RejectKind::Message, why::TOO_LONG));
            }
            let request = Request {
                email_address: &outgoing.to,
                template_id: self.template_id,
                personalisation: Personalisation { subject, body: &escape_notify_markdown(&outgoing.body) },
                reference: &outgoing.key,
                email_reply_to_id: self.reply_to_id,
            };
            self.notify.post(&request, leave, now).await
        })
    }

    fn find<'a>(&'a self, key: &'a str, now: Timestamp) -> BoxFuture<'a, Found> {
        Box::pin(self.notify.find(key, now))
    }
}
