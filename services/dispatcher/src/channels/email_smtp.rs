//! `email.smtp`: e-mail through any SMTP relay.
//!
//! A relay cannot be asked what became of a message, so an unknown fate stays unknown; the dispatcher repeats what it must with the
//! same key, which is the same Message-ID. What bounces later comes back as mail, see [`bounce`](super::bounce).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;

pub use super::smtp::{Dkim, ReturnPath, Security};
use super::smtp::{Haste, Relay, Writer, settings};
use super::{
    Channel, ChannelName, Error, Found, Leave, Limits, NotSent, Outcome, Outgoing, RejectKind, Secret, Why,
    why,
};
use crate::routes::Lane;

/// The name of this channel.
pub const NAME: ChannelName = ChannelName::known("email.smtp");

/// Far below the 10 MB that every relay takes, in any script and encoding.
const CHARACTERS: usize = 250_000;
/// Messages under way for each connection: one whose content is being taken, one whose envelope goes ahead, and one more, so that the
/// next is there when its turn comes.
const UNDER_WAY: usize = 3;

/// The relay, and whom the mail is from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The relay's name, as its certificate has it.
    pub host: String,
    /// Usually 587 with STARTTLS, 465 with TLS.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Certificates in PEM that are trusted besides the public ones.
    pub ca_certificates: Option<String>,
    /// The file that holds them instead.
    pub ca_certificates_file: Option<PathBuf>,
    /// With a password: who logs in.
    pub username: Option<String>,
    /// With a user name: the password.
    pub password: Option<Secret>,
    /// The file that holds it instead.
    pub password_file: Option<PathBuf>,
    /// The mailbox that readers see, such as `Hillside School <office@example.org>`.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// The envelope's sender, to which bounces go, if not to `from`; for a mailbox that a person reads.
    pub envelope_from: Option<String>,
    /// Takes bounces in, each message under a return address of its own.
    pub bounces: Option<Bounces>,
    /// Where readers of announcements ask for no more of them: a `mailto:` address, which stands in the `List-Unsubscribe` header.
    pub unsubscribe: Option<String>,
    /// The right half of each Message-ID, if not the domain of `from`.
    pub message_id_domain: Option<String>,
    /// What this host calls itself, if not the domain of `from`.
    pub hello_name: Option<String>,
    /// Signs each message, unless the relay does.
    pub dkim: Option<Dkim>,
    /// Messages per second that the relay takes from us.
    #[serde(default = "rate_per_second")]
    pub rate_per_second: u32,
    /// Messages that may go at once after a rest.
    #[serde(default = "burst")]
    pub burst: u32,
    /// Connections at the same time. From four on, one of them, or one in sixteen, carries urgent messages only.
    #[serde(default = "connections")]
    pub connections: usize,
    /// To connect and encrypt, such as `10s`.
    #[serde(default = "connect_timeout", with = "kit::config::duration")]
    pub connect_timeout: Duration,
    /// For each command.
    #[serde(default = "command_timeout", with = "kit::config::duration")]
    pub command_timeout: Duration,
    /// For the message itself and the answer to its end, at most ten minutes; too short makes duplicates.
    #[serde(default = "acceptance_timeout", with = "kit::config::duration")]
    pub acceptance_timeout: Duration,
}

/// Bounces that come back as mail. The mail server of `mailbox` posts them to `/dispatcher/bounces`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounces {
    /// Such as `bounces@mail.example.org`; messages leave under `bounces+TOKEN@mail.example.org`, and all of these must lead there.
    pub mailbox: String,
    /// What the mail server says with each post, and what the return addresses are signed with. Bounces of what left before it was
    /// changed are not believed any more.
    pub token: Option<Secret>,
    /// The file that holds it instead.
    pub token_file: Option<PathBuf>,
}

const fn rate_per_second() -> u32 {
    20
}

const fn burst() -> u32 {
    100
}

const fn connections() -> usize {
    4
}

const fn connect_timeout() -> Duration {
    Duration::from_secs(10)
}

const fn command_timeout() -> Duration {
    Duration::from_secs(30)
}

const fn acceptance_timeout() -> Duration {
    Duration::from_mins(1)
}

struct EmailSmtp {
    relay: Relay,
    writer: Writer,
    limits: Limits,
}

impl std::fmt::Debug for EmailSmtp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EmailSmtp").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Opens the channel; connects to nobody yet.
pub fn open(config: &Config) -> Result<Arc<dyn Channel>, Error> {
    Ok(Arc::new(EmailSmtp {
        relay: settings::relay(config)?,
        writer: settings::writer(config)?,
        limits: Limits {
            characters: CHARACTERS,
            per_second: config.rate_per_second,
            burst: config.burst,
            connections: config.connections.saturating_mul(UNDER_WAY),
        },
    }))
}

impl Channel for EmailSmtp {
    fn name(&self) -> ChannelName {
        NAME
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn send<'a>(
        &'a self,
        outgoing: &'a Outgoing,
        leave: &'a Leave,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Outcome, NotSent>> {
        Box::pin(async move {
            if outgoing.body.chars().count() > CHARACTERS {
                return Ok(Outcome::reject(RejectKind::Message, why::TOO_LONG));
            }
            let haste = if outgoing.lane == Lane::Urgent { Haste::Urgent } else { Haste::Usual };
            match self.writer.write(outgoing, now) {
                Ok(message) => self.relay.carry(message, haste, leave).await,
                Err(outcome) => Ok(outcome),
            }
        })
    }

    fn find<'a>(&'a self, _key: &'a str, _now: Timestamp) -> BoxFuture<'a, Found> {
        Box::pin(async { Found::CannotAsk })
    }

    fn check(&self, _now: Timestamp) -> BoxFuture<'_, Result<(), Why>> {
        Box::pin(self.relay.check())
    }
}
