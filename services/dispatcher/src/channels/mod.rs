//! Channels: the only way out. One provider, one file, one line in [`all`].
//!
//! A channel turns a finished message into one provider's protocol and says what became of it in an [`Outcome`]. The sender calls
//! it; the receipts' endpoint calls its parser. A channel never reads the store, the bus or the clock, never repeats what may
//! have left, and never decides who is told. What it reports holds codes and fixed sentences, never a number, an address, a body or
//! a secret: [`Why`] cannot carry any.
//!
//! Every channel passes `contract`, the one suite for all of them.

pub mod bounce;
pub mod email_notify;
pub mod email_smtp;
mod name;
mod notify;
mod notify_account;
mod notify_answers;
pub mod notify_receipt;
pub mod sms_notify;
mod smtp;

#[cfg(test)]
mod contract;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
pub use kit::config::Secret;
use kit::config::SecretError;
use serde::Deserialize;

pub use self::name::{ChannelName, NameError};
pub use crate::domain::cost::Tariff;
pub use crate::domain::outcome::{Found, NotSent, Outcome, RejectKind};
pub use crate::domain::why::{self, Why};
pub use crate::domain::{Medium, Purpose};
use crate::routes::Lane;
use crate::text::fragments::Fragments;

/// A way to reach a contact through one provider.
pub trait Channel: Send + Sync + fmt::Debug {
    /// The stable name that stands in config, rows and metrics.
    fn name(&self) -> ChannelName;

    /// What the provider bears.
    fn limits(&self) -> Limits;

    /// Whose rate it uses. Channels of one account share one rate, because the provider counts them together.
    fn account(&self) -> String {
        self.name().to_string()
    }

    /// How large a body is on the air, with what the provider puts before it; none where that is no text.
    fn size(&self, _body: &str) -> Option<Fragments> {
        None
    }

    /// What its texts cost; none where the settings do not say.
    fn tariff(&self) -> Option<Tariff> {
        None
    }

    /// Hands one message to the provider and waits for its answer. `now` is real time: providers check signatures against it.
    ///
    /// Asks `leave` right before the point of no return, because what comes before it may take its time.
    ///
    /// Dropping the future leaves it unknown whether the message went.
    fn send<'a>(
        &'a self,
        outgoing: &'a Outgoing,
        leave: &'a Leave,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Outcome, NotSent>>;

    /// Asks the provider by our key ([`Outgoing::key`]) what became of a message whose outcome is unknown.
    ///
    /// A provider may still be working on a request that timed out, so "not found" counts only some seconds after the send.
    fn find<'a>(&'a self, key: &'a str, now: Timestamp) -> BoxFuture<'a, Found>;

    /// Whether the provider takes our credentials. Sends nothing: it asks for a message that there is none of.
    fn check(&self, now: Timestamp) -> BoxFuture<'_, Result<(), Why>> {
        Box::pin(async move {
            match self.find("schoolbell-check", now).await {
                Found::Failed { why } => Err(why),
                Found::Accepted { .. } | Found::NotFound | Found::CannotAsk => Ok(()),
            }
        })
    }
}

/// Whether a message may still leave. The sender answers; a channel asks at the last moment.
#[derive(Clone)]
pub struct Leave(Arc<dyn Fn() -> bool + Send + Sync>);

impl Leave {
    /// Leave for as long as this holds.
    pub fn while_it_holds(holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(holds))
    }

    /// Asks.
    pub fn ask(&self) -> Result<(), NotSent> {
        if (self.0)() { Ok(()) } else { Err(NotSent::MayNot) }
    }
}

/// What a provider bears. The dispatcher shares the rate out; the channel itself keeps the characters and the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most characters of a body; a longer one is rejected before the provider is asked.
    pub characters: usize,
    /// Messages per second, sustained.
    pub per_second: u32,
    /// Messages that may go at once after a rest.
    pub burst: u32,
    /// Messages under way at the same time, those included that wait in the channel for the one before them.
    pub connections: usize,
}

/// One finished message to one address. Its `Debug` shows the key only.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Our delivery's id, unique per message: the provider's reference, or the local part of the Message-ID and part of the return address.
    pub key: String,
    /// A number in E.164, or a mailbox.
    pub to: String,
    /// Only e-mail has one, and needs one.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
    /// Whether its readers may ask for no more of its kind.
    pub purpose: Purpose,
    /// What is urgent leaves first where messages wait within the channel.
    pub lane: Lane,
}

/// Of so many connections one is for urgent messages only, or of fewer: a provider that bears very few has none to
/// spare.
const ONE_URGENT_OF: usize = 16;
const FEWEST_WITH_URGENT: usize = 4;

/// How many of these connections are kept for urgent messages.
pub(crate) fn kept_for_urgent(connections: usize) -> usize {
    if connections < FEWEST_WITH_URGENT { 0 } else { connections.div_ceil(ONE_URGENT_OF) }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outgoing").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The providers that this installation may use; an absent table is a channel that is not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Text messages through GOV.UK Notify.
    #[serde(rename = "sms.notify", alias = "sms_notify")]
    pub sms_notify: Option<sms_notify::Config>,
    /// E-mail through GOV.UK Notify.
    #[serde(rename = "email.notify", alias = "email_notify")]
    pub email_notify: Option<email_notify::Config>,
    /// E-mail through an SMTP relay.
    #[serde(rename = "email.smtp", alias = "email_smtp")]
    pub email_smtp: Option<email_smtp::Config>,
}

impl Config {
    /// The channels that would carry messages beyond this machine unencrypted, which production refuses.
    pub fn unprotected(&self) -> Vec<ChannelName> {
        let notify = |base_url: &str| {
            reqwest::Url::parse(base_url)
                .is_ok_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_here))
        };
        let sms =
            self.sms_notify.as_ref().filter(|config| notify(&config.base_url)).map(|_| sms_notify::NAME);
        let email =
            self.email_notify.as_ref().filter(|config| notify(&config.base_url)).map(|_| email_notify::NAME);
        let smtp = self
            .email_smtp
            .as_ref()
            .filter(|config| config.security == email_smtp::Security::Plain && !is_here(&config.host))
            .map(|_| email_smtp::NAME);
        [sms, email, smtp].into_iter().flatten().collect()
    }
}

fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Why a channel cannot be opened. Names the key, never its value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting does not fit.
    #[error("channel {channel}: {key} {expected}")]
    Setting {
        /// The channel whose table it stands in.
        channel: ChannelName,
        /// The key.
        key: &'static str,
        /// What it should be, to be read after the key.
        expected: &'static str,
    },
    /// A secret is not to be had.
    #[error("channel {channel} lacks a secret")]
    Secret {
        /// The channel whose table it stands in.
        channel: ChannelName,
        /// Which, and what is wrong with it.
        #[source]
        source: SecretError,
    },
    /// The HTTP client cannot be made.
    #[error("the http client for providers cannot be made")]
    Http(#[source] reqwest::Error),
}

/// Opens every channel that is configured. Connects to nobody yet.
pub fn all(config: &Config, http: &reqwest::Client) -> Result<Vec<Arc<dyn Channel>>, Error> {
    [
        config.sms_notify.as_ref().map(|config| sms_notify::open(config, http)),
        config.email_notify.as_ref().map(|config| email_notify::open(config, http)),
        config.email_smtp.as_ref().map(email_smtp::open),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The HTTP client that channels expect: it follows no redirect (a POST must not travel on to a stranger), takes no proxy from the
/// environment (settings stand in the config), and gives up connecting early, so that "never reached" can be told from "no answer".
///
/// Needs a process-wide default of rustls' cryptography.
pub fn http_client() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .map_err(Error::Http)
}
