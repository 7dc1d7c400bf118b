//! `email.smtp`: e-mail through any SMTP relay.
//!
//! A relay cannot be asked what became of a message, so an unknown fate stays unknown; the dispatcher repeats what it must with the
//! same key, which is the same Message-ID. Bounces come back to the envelope's sender, outside this file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Object, PoolError};
use futures::future::BoxFuture;
use jiff::Timestamp;
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use serde::Deserialize;

use super::smtp_connection::{Attempt, Patience};
pub use super::smtp_message::{Algorithm, Dkim};
use super::smtp_message::{Writer, Written, signer};
use super::smtp_pool::{ConnectionPool, Connections};
pub use super::smtp_stream::Security;
use super::smtp_stream::{Dialer, Encryption};
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
/// After a fault that an operator has to mend.
const OUR_FAULT_PAUSE: Duration = Duration::from_mins(5);

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
    /// The envelope's sender, to which bounces go, if not to `from`.
    pub envelope_from: Option<String>,
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
    pool: ConnectionPool,
    writer: Writer,
    envelope_from: Address,
    limits: Limits,
}

impl std::fmt::Debug for EmailSmtp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EmailSmtp").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Opens the channel; connects to nobody yet.
pub fn open(config: &Config) -> Result<Arc<dyn Channel>, Error> {
    let from = mailbox("from", &config.from)?;
    let reply_to = config.reply_to.as_deref().map(|text| mailbox("reply_to", text)).transpose()?;
    let envelope_from = match &config.envelope_from {
        Some(text) => mailbox("envelope_from", text)?.email,
        None => from.email.clone(),
    };
    let dkim = match &config.dkim {
        Some(dkim) => {
            let key = secret(dkim.private_key.as_ref(), dkim.private_key_file.as_ref(), "private_key")?;
            let signer = signer(dkim, &key, reply_to.as_ref());
            Some(signer.ok_or_else(|| setting("dkim.private_key", "is not a key of this algorithm"))?)
        }
        None => None,
    };
    let own_domain = from.email.domain().to_owned();
    let message_id_domain =
        domain("message_id_domain", config.message_id_domain.clone().unwrap_or_else(|| own_domain.clone()))?;
    let pool = pool(config, domain("hello_name", config.hello_name.clone().unwrap_or(own_domain))?)?;
    Ok(Arc::new(EmailSmtp {
        pool,
        writer: Writer { from, reply_to, message_id_domain, dkim },
        envelope_from,
        limits: Limits {
            characters: CHARACTERS,
            per_second: config.rate_per_second,
            burst: config.burst,
            connections: config.connections,
        },
    }))
}

fn pool(config: &Config, hello_name: String) -> Result<ConnectionPool, Error> {
    let encryption = match config.security {
        Security::Plain => None,
        security => Some(
            Encryption::new(security, &config.host, certificates(config)?.as_deref())
                .ok_or_else(|| setting("host", "or ca_certificates cannot be used for encryption"))?,
        ),
    };
    if config.acceptance_timeout > LONGEST_ACCEPTANCE {
        return Err(setting("acceptance_timeout", "is not at most 10m"));
    }
    if config.connections == 0 {
        return Err(setting("connections", "is not at least 1"));
    }
    let manager = Connections {
        dialer: Dialer { host: config.host.clone(), port: config.port, hello_name, encryption },
        credentials: credentials(config)?,
        patience: Patience {
            connect: config.connect_timeout,
            command: config.command_timeout,
            acceptance: config.acceptance_timeout,
        },
    };
    ConnectionPool::builder(manager)
        .max_size(config.connections)
        .build()
        .map_err(|_| setting("connections", "cannot be pooled"))
}

fn credentials(config: &Config) -> Result<Option<Credentials>, Error> {
    let Some(user) = &config.username else {
        return match (&config.password, &config.password_file) {
            (None, None) => Ok(None),
            _ => Err(setting("password", "needs a username")),
        };
    };
    let password = secret(config.password.as_ref(), config.password_file.as_ref(), "password")?;
    Ok(Some(Credentials::new(user.clone(), password.reveal().to_owned())))
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

impl EmailSmtp {
    async fn hand_over(&self, message: &Written, leave: &Leave) -> Result<Outcome, NotSent> {
        match self.attempt(message, leave).await {
            Attempt::Settled(outcome) => Ok(outcome),
            Attempt::NotSent(not_sent) => Err(not_sent),
            Attempt::LostBefore(_) => {
                // The relay has probably closed all that idled; one fresh connection shows whether it is there at all.
                self.pool.retain(|_, _| false);
                match self.attempt(message, leave).await {
                    Attempt::Settled(outcome) => Ok(outcome),
                    Attempt::NotSent(not_sent) => Err(not_sent),
                    Attempt::LostBefore(why) => Ok(Outcome::retry(why)),
                }
            }
        }
    }

    async fn attempt(&self, message: &Written, leave: &Leave) -> Attempt {
        let mut connection = match self.pool.get().await {
            Ok(connection) => connection,
            Err(PoolError::Backend(why)) => return Attempt::Settled(unconnected(why)),
            Err(_) => return Attempt::Settled(Outcome::retry(why::UNREACHABLE)),
        };
        let attempt = connection.deliver(&self.envelope_from, message, leave).await;
        let unusable = matches!(attempt, Attempt::LostBefore(_) | Attempt::Settled(Outcome::Unknown { .. }));
        if unusable {
            drop(Object::take(connection));
        }
        attempt
    }
}

/// Nothing of the message was said. What an operator has to mend is not tried again at once.
fn unconnected(why: Why) -> Outcome {
    if why.is_ours_to_mend() { Outcome::retry_after(why, OUR_FAULT_PAUSE) } else { Outcome::retry(why) }
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
                Ok(message) => self.hand_over(&message, leave).await,
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
            match self.pool.get().await {
                Ok(mut connection) => {
                    connection.quit().await;
                    Ok(())
                }
                Err(PoolError::Backend(why)) => Err(why),
                Err(_) => Err(why::UNREACHABLE),
            }
        })
    }
}
