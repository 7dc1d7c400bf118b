//! NATS JetStream: one stream per sayer, a durable consumer per hearer, credentials per service.
//!
//! [`relay`] carries the outbox to the stream, [`consumer`] hands the facts of others to
//! [`reaction`]s, [`server`] starts and supervises a nats-server when none is given. What cannot
//! be processed goes to [`dead_letters`]: nothing is acknowledged and dropped. By the [`pulse`] of a
//! sayer its hearers know whether they are cut off. Who may say and hear what stands in
//! [`permissions`].

pub mod consumer;
pub mod dead_letters;
pub mod permissions;
mod probe;
pub mod pulse;
pub mod reaction;
pub mod relay;
mod restored;
pub mod server;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{ConnectOptions, Event, ServerAddr};

pub use probe::probe;
pub use reaction::{Handled, Handler, Raw, Reaction, Verdict, take_in};

use crate::config::Secret;
use crate::rejection::causes;
use crate::unreached::{Why, place};

/// How long a stream keeps its facts, and the outbox its rows.
pub const KEPT_FOR: Duration = Duration::from_hours(14 * 24);

/// How large the body of a fact may be; servers take messages of 1 MB with their headers.
pub const MOST_BYTES: usize = 900_000;

/// Older servers lack atomic batches and per-message limits that we rely on.
const OLDEST_SERVER: (u16, u16) = (2, 12);

/// How often the server is asked whether it is still there. One that vanished without a word is left
/// after a few of these, and until then no fact goes out.
const SERVER_IS_ASKED_EVERY: Duration = Duration::from_secs(10);

/// Why the bus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server cannot be reached, cannot be believed, or refuses us.
    #[error("nats at {place} cannot be used by {service}")]
    Connect {
        /// Whose connection it is.
        service: &'static str,
        /// Where, as it stands in the settings.
        place: String,
        /// What is wrong.
        #[source]
        why: Why,
    },
    /// A part of the address is none.
    #[error("nats.url is not host names with nats:// or tls:// before them and commas between")]
    Address,
    /// The server is too old.
    #[error("nats-server {found} is too old: {} or newer is needed", needed())]
    TooOld {
        /// What the server calls itself.
        found: String,
    },
    /// The server lets a service do more or less than it must.
    #[error("nats at {place} has other permissions for {service} than deploy/nats.conf: {what}")]
    Permissions {
        /// Whose user it is.
        service: &'static str,
        /// Where.
        place: String,
        /// The first difference.
        what: String,
    },
    /// A stream cannot be made or read.
    #[error("the stream of {sayer} cannot be used")]
    Stream {
        /// Whose.
        sayer: String,
        /// What the client said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A fact was not stored by the stream.
    #[error("a fact was not taken by its stream")]
    Publish(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn needed() -> String {
    format!("{}.{}", OLDEST_SERVER.0, OLDEST_SERVER.1)
}

/// The server that a service connects to.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// `nats://host:port`, or `tls://host:port`, which is used with TLS or not at all; several
    /// servers of one cluster with commas between them.
    pub url: &'a str,
    /// The password of the service's user.
    pub password: Option<&'a Secret>,
    /// The certificates in PEM that the server's must come from; none means the system's.
    pub authorities: Option<&'a Path>,
    /// How many copies the service's stream has.
    pub replicas: usize,
}

impl Access<'_> {
    /// The servers. The others of a cluster are learnt from each as well, but by what it calls them,
    /// and whether one that is named can be used must not depend on another one's being there.
    fn addresses(&self) -> Result<Vec<ServerAddr>, Error> {
        let parse = |url: &str| url.trim().parse::<ServerAddr>().map_err(|_| Error::Address);
        self.url.split(',').map(parse).collect()
    }

    /// Whether plain text is refused, also by servers that were learnt from another.
    fn is_protected(&self) -> bool {
        self.url.starts_with("tls://")
    }

    /// How `service` connects, by whatever name it gives itself.
    fn options(&self, service: &str) -> ConnectOptions {
        let mut options = ConnectOptions::new().custom_inbox_prefix(inbox_prefix(service));
        if let Some(authorities) = self.authorities {
            options = options.add_root_certificates(authorities.to_owned());
        }
        if let Some(password) = self.password {
            options = options.user_and_password(service.to_owned(), password.reveal().to_owned());
        }
        options.require_tls(self.is_protected()).max_reconnects(None)
    }

    fn refused(&self, service: &'static str, error: &async_nats::ConnectError) -> Error {
        Error::Connect { service, place: place(self.url), why: Why::of(error) }
    }
}

/// A service's connection, with its own credentials.
#[derive(Clone)]
pub struct Bus {
    service: &'static str,
    client: async_nats::Client,
    context: Context,
    replicas: usize,
}

impl Bus {
    /// Connects in the name of a service. Waits for a server that is not there yet; one that cannot be
    /// believed or refuses us is an error, because it is not waited for but put right.
    pub async fn connect(service: &'static str, server: Access<'_>) -> Result<Self, Error> {
        let options = || {
            let options = server
                .options(service)
                .name(format!("schoolbell-{service}"))
                .ping_interval(SERVER_IS_ASKED_EVERY);
            options.event_callback(move |event| async move { note(service, &event) })
        };
        let client = match options().connect(server.addresses()?).await {
            Ok(client) => client,
            Err(error) => {
                let error = server.refused(service, &error);
                if matches!(&error, Error::Connect { why, .. } if why.needs_a_person()) {
                    return Err(error);
                }
                tracing::warn!(error = causes(&error), "nats is waited for");
                let later = options().retry_on_initial_connect().connect(server.addresses()?).await;
                later.map_err(|error| server.refused(service, &error))?
            }
        };
        let mut context = jetstream::new(client.clone());
        context.set_timeout(Duration::from_secs(5));
        Ok(Self { service, client, context, replicas: server.replicas })
    }

    /// Refuses a server that is too old. Call it when the server has answered once.
    pub fn check_version(&self) -> Result<(), Error> {
        let found = self.client.server_info().version;
        if new_enough(&found) { Ok(()) } else { Err(Error::TooOld { found }) }
    }

    /// The stream of our own facts, made when it is not there.
    pub async fn own_stream(&self) -> Result<Stream, Error> {
        let config = Config {
            name: stream_name(self.service),
            subjects: vec![format!("schoolbell.{}.>", self.service)],
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            max_age: KEPT_FOR,
            duplicate_window: Duration::from_mins(10),
            num_replicas: self.replicas,
            allow_atomic_publish: true,
            ..Config::default()
        };
        let stream = self.context.get_or_create_stream(config).await;
        let stream = stream.map_err(|error| Self::stream_error(self.service, error))?;
        self.check_version()?;
        Ok(stream)
    }

    /// The stream of somebody else's facts; an error while its owner has not made it.
    pub async fn stream_of(&self, sayer: &str) -> Result<Stream, Error> {
        self.context.get_stream(stream_name(sayer)).await.map_err(|error| Self::stream_error(sayer, error))
    }

    /// Sends what is buffered and closes the connection.
    pub async fn close(&self) {
        // Facts that were not acknowledged stay in the outbox.
        let _ = self.client.drain().await;
    }

    fn stream_error(sayer: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::Stream { sayer: sayer.to_owned(), source: Box::new(source) }
    }
}

/// What the client tells us: a refusal is a fault of the settings, the rest comes and goes.
fn note(service: &'static str, event: &Event) {
    match event {
        Event::ServerError(_) | Event::ClientError(_) | Event::SlowConsumer(_) => {
            tracing::warn!(service, event = %event, "nats");
        }
        _ => tracing::info!(service, event = %event, "nats"),
    }
}

/// The stream that keeps the facts of a service.
#[must_use]
pub fn stream_name(sayer: &str) -> String {
    format!("schoolbell_{sayer}")
}

/// The durable consumer of one service on another's stream.
#[must_use]
pub fn consumer_name(hearer: &str, sayer: &str) -> String {
    format!("{hearer}--{sayer}")
}

/// Where answers to a service's requests go. Each service may listen on its own only.
#[must_use]
pub fn inbox_prefix(service: &str) -> String {
    format!("_INBOX_{service}")
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|number| number.parse::<u16>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST_SERVER
}
