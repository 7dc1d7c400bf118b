//! `email.smtp`: e-mail through any SMTP relay.
//!
//! A relay cannot be asked what became of a message, so an unknown fate stays unknown; the dispatcher repeats what it must with the
//! same key, which is the same Message-ID. What bounces later comes back as mail, see [`bounce`](super::bounce).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use lettre::message::Mailbox;
use serde::Deserialize;

use super::smtp_connection::{Credentials, Patience};
pub use super::smtp_dkim::Dkim;
use super::smtp_dkim::Signer;
use super::smtp_message::{Returns, Writer};
use super::smtp_relay::{Access, Relay};
pub use super::smtp_return_path::ReturnPath;
pub use super::smtp_stream::Security;
use super::smtp_stream::{Dialer, Encryption, Starts};
use super::{
    Channel, ChannelName, Error, Found, Leave, Limits, NotSent, Outcome, Outgoing, RejectKind, Secret, Why,
    why,
};

/// The name of this channel.
pub const NAME: ChannelName = ChannelName::known("email.smtp");

/// Far below the 10 MB that every relay takes, in any script and encoding.
const CHARACTERS: usize = 250_000;
/// As long as RFC 5321 asks for, and shorter than the dispatcher looks for what left while somebody was being barred.
const LONGEST_ACCEPTANCE: Duration = Duration::from_mins(10);
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
    /// Connections at the same time.
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

impl Bounces {
    /// The token, from wherever it stands.
    pub fn token(&self) -> Result<Secret, Error> {
        secret(self.token.as_ref(), self.token_file.as_ref(), "bounces.token")
    }

    /// How return addresses are written and read.
    pub fn return_path(&self) -> Result<ReturnPath, Error> {
        let mailbox = mailbox("bounces.mailbox", &self.mailbox)?.email;
        let token = self.token()?;
        if token.reveal().len() < SHORTEST_TOKEN {
            return Err(setting("bounces.token", "has fewer than 16 letters"));
        }
        ReturnPath::new(&mailbox, &token)
            .ok_or_else(|| setting("bounces.mailbox", "has more than 10 letters before the @"))
    }
}

const SHORTEST_TOKEN: usize = 16;

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
    if config.connections == 0 {
        return Err(setting("connections", "is not at least 1"));
    }
    let writer = writer(config)?;
    let hello_name = config.hello_name.clone().unwrap_or_else(|| writer.from.email.domain().to_owned());
    let relay = Relay::new(access(config, domain("hello_name", hello_name)?)?, config.connections);
    Ok(Arc::new(EmailSmtp {
        relay,
        writer,
        limits: Limits {
            characters: CHARACTERS,
            per_second: config.rate_per_second,
            burst: config.burst,
            connections: config.connections.saturating_mul(UNDER_WAY),
        },
    }))
}

fn writer(config: &Config) -> Result<Writer, Error> {
    let from = mailbox("from", &config.from)?;
    let message_id_domain =
        config.message_id_domain.clone().unwrap_or_else(|| from.email.domain().to_owned());
    Ok(Writer {
        reply_to: config.reply_to.as_deref().map(|text| mailbox("reply_to", text)).transpose()?,
        message_id_domain: domain("message_id_domain", message_id_domain)?,
        returns: returns(config, &from)?,
        unsubscribe: config.unsubscribe.clone().map(mailto).transpose()?,
        signer: config.dkim.as_ref().map(signer).transpose()?,
        from,
    })
}

fn returns(config: &Config, from: &Mailbox) -> Result<Returns, Error> {
    match (&config.bounces, &config.envelope_from) {
        (None, None) => Ok(Returns::To(from.email.clone())),
        (None, Some(text)) => Ok(Returns::To(mailbox("envelope_from", text)?.email)),
        (Some(bounces), None) => Ok(Returns::Each(bounces.return_path()?)),
        (Some(_), Some(_)) => Err(setting("envelope_from", "is set beside bounces.mailbox")),
    }
}

fn signer(dkim: &Dkim) -> Result<Signer, Error> {
    let key = secret(dkim.private_key.as_ref(), dkim.private_key_file.as_ref(), "dkim.private_key")?;
    domain("dkim.selector", dkim.selector.clone())?;
    domain("dkim.domain", dkim.domain.clone())?;
    Signer::new(dkim, &key).ok_or_else(|| {
        setting("dkim.private_key", "is no rsa key of 2048 bits or more and no ed25519 key in pem")
    })
}

fn access(config: &Config, hello_name: String) -> Result<Access, Error> {
    let starts = match config.security {
        Security::Plain => None,
        Security::Starttls => Some(Starts::AfterStarttls),
        Security::Tls => Some(Starts::WithTheFirstByte),
    };
    let certificates = certificates(config)?;
    let encryption = starts.map(|starts| {
        Encryption::new(starts, &config.host, certificates.as_deref())
            .ok_or_else(|| setting("host", "or ca_certificates cannot be used for encryption"))
    });
    if config.acceptance_timeout > LONGEST_ACCEPTANCE {
        return Err(setting("acceptance_timeout", "is not at most 10m"));
    }
    Ok(Access {
        dialer: Dialer {
            host: config.host.clone(),
            port: config.port,
            hello_name,
            encryption: encryption.transpose()?,
        },
        credentials: credentials(config)?,
        patience: Patience {
            connect: config.connect_timeout,
            command: config.command_timeout,
            acceptance: config.acceptance_timeout,
        },
    })
}

fn credentials(config: &Config) -> Result<Option<Credentials>, Error> {
    let Some(user) = &config.username else {
        return match (&config.password, &config.password_file) {
            (None, None) => Ok(None),
            _ => Err(setting("password", "needs a username")),
        };
    };
    let password = secret(config.password.as_ref(), config.password_file.as_ref(), "password")?;
    Ok(Some(Credentials { user: user.clone(), password }))
}

fn certificates(config: &Config) -> Result<Option<String>, Error> {
    match (&config.ca_certificates, &config.ca_certificates_file) {
        (None, Some(file)) => std::fs::read_to_string(file)
            .map(Some)
            .map_err(|_| setting("ca_certificates_file", "cannot be read")),
        (text, None) => Ok(text.clone()),
        (Some(_), Some(_)) => Err(setting("ca_certificates", "is set twice, once by file")),
    }
}

fn secret(value: Option<&Secret>, file: Option<&PathBuf>, key: &'static str) -> Result<Secret, Error> {
    Secret::resolve(value.cloned(), file, key).map_err(|source| Error::Secret { channel: NAME, source })
}

fn setting(key: &'static str, expected: &'static str) -> Error {
    Error::Setting { channel: NAME, key, expected }
}

fn mailbox(key: &'static str, text: &str) -> Result<Mailbox, Error> {
    text.parse::<Mailbox>()
        .ok()
        .filter(|mailbox| mailbox.email.to_string().is_ascii())
        .ok_or_else(|| setting(key, "is not a mailbox in ascii letters"))
}

fn domain(key: &'static str, text: String) -> Result<String, Error> {
    let fits = !text.is_empty()
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-'));
    if fits { Ok(text) } else { Err(setting(key, "is not a domain in ascii letters")) }
}

/// RFC 2369 lets many addresses stand there; ours is one that a mail program can write to.
fn mailto(uri: String) -> Result<String, Error> {
    let fits = uri.strip_prefix("mailto:").is_some_and(|to| to.contains('@'))
        && uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b','));
    if fits { Ok(uri) } else { Err(setting("unsubscribe", "is not a mailto: address")) }
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
            match self.writer.write(outgoing, now) {
                Ok(message) => self.relay.carry(message, leave).await,
                Err(outcome) => Ok(outcome),
            }
        })
    }

    fn find<'a>(&'a self, _key: &'a str, _now: Timestamp) -> BoxFuture<'a, Found> {
        Box::pin(async { Found::CannotAsk })
    }

    /// Greets the relay, encrypts and logs in as for a message, and takes leave.
    fn check(&self, _now: Timestamp) -> BoxFuture<'_, Result<(), Why>> {
        Box::pin(async move {
            let mut connection = self.relay.access().open().await?;
            connection.quit().await;
            Ok(())
        })
    }
}
