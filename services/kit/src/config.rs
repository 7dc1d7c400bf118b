//! The settings that every service shares. They arrive parsed: this crate reads no file of
//! settings and no environment; a secret's file is the one exception, read once at start.

pub mod whole_days;
pub mod whole_seconds;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How settings spell a duration: `30s`, `10m`, `1h 30m`. Stands after serde's `with`.
pub use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use serde::Deserialize;

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Mode {
    /// Everything on one machine, with the simulator and a shifted clock.
    Demo,
    /// As it is installed first: real parts, test numbers allowed.
    Trial,
    /// Refuses the simulator, test numbers, a shifted clock and plain-text connections.
    Production,
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "demo" => Ok(Self::Demo),
            "trial" => Ok(Self::Trial),
            "production" => Ok(Self::Production),
            _ => Err(format!("mode is one of demo, trial and production, not {word:?}")),
        }
    }
}

/// A value that must not be seen: it prints as nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one call that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A random secret of 64 hexadecimal digits.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()))
    }

    /// The value itself, or what stands in the file. Exactly one must be given, and something must be in it.
    pub fn resolve(
        value: Option<Self>,
        file: Option<&PathBuf>,
        key: &'static str,
    ) -> Result<Self, SecretError> {
        let found = match (value, file) {
            (Some(value), None) => value,
            (None, Some(path)) => std::fs::read_to_string(path)
                .map(|text| Self(text.trim().to_owned()))
                .map_err(|source| SecretError::File { key, source })?,
            (None, None) => return Err(SecretError::Missing { key }),
            (Some(_), Some(_)) => return Err(SecretError::Twice { key }),
        };
        // Whoever sends nothing would be let in by it.
        if found.0.trim().is_empty() { Err(SecretError::Empty { key }) } else { Ok(found) }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither the value nor a file.
    #[error("set {key} or {key}_file")]
    Missing {
        /// The key in the settings.
        key: &'static str,
    },
    /// Both.
    #[error("set only one of {key} and {key}_file")]
    Twice {
        /// The key in the settings.
        key: &'static str,
    },
    /// There is nothing in it.
    #[error("{key} is empty")]
    Empty {
        /// The key in the settings.
        key: &'static str,
    },
    /// The file cannot be read.
    #[error("the file of {key}_file cannot be read")]
    File {
        /// The key in the settings.
        key: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Protection of connections, by files in PEM that are read once, at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain of this process, its own certificate first. With it gRPC and HTTP are served
    /// with TLS only.
    pub certificate: Option<PathBuf>,
    /// The private key that belongs to it.
    pub key: Option<PathBuf>,
    /// The authorities that peers, NATS and PostgreSQL must have their certificates from; none
    /// means the system's.
    pub authorities: Option<PathBuf>,
}

/// Where NATS is. Without a `url` a nats-server is started and supervised.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nats {
    /// `nats://host:port` or `tls://host:port`; none starts a server of our own.
    pub url: Option<String>,
    /// The password of each service's user (the user is the service's name).
    #[serde(default)]
    pub passwords: BTreeMap<String, Secret>,
    /// Folders to look for `nats-server` in before PATH is searched.
    #[serde(default)]
    pub tools: Vec<PathBuf>,
    /// How many copies a stream has: 1, or 3 on a cluster; a server of our own keeps 1.
    pub replicas: usize,
    /// How long a consumer waits before an event is handed out again.
    #[serde(with = "duration")]
    pub ack_wait: Duration,
    /// How often an event is handed to its reaction before it is put aside as a dead letter.
    pub max_deliver: i64,
}

/// Where the rows are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// `postgres://user:password@host:port`, a server with one database per service;
    /// none keeps one SQLite file per service under the data folder.
    pub postgres: Option<Secret>,
    /// Put before the service's name to name its database.
    pub database_prefix: String,
    /// Connections per service on PostgreSQL.
    pub connections: u32,
}

/// A signer whom we believe.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The Ed25519 public key, 32 bytes in unpadded base64url.
    pub public_key: String,
    /// The roles that its tokens may carry, for example `["service"]`.
    pub may_grant: Vec<String>,
}

/// Who we are and whom we believe.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The PEM file of each service's private key; a service without one gets a key of its own in
    /// the data folder when it starts, which production refuses.
    #[serde(default)]
    pub keys: BTreeMap<String, PathBuf>,
    /// Issuers by name: whoever signs in people, and each service that runs in another process
    /// with a key of its own.
    #[serde(default)]
    pub issuers: BTreeMap<String, Issuer>,
}

/// Where telemetry goes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// The OTLP endpoint for spans (gRPC); none sends nothing.
    pub otlp_endpoint: Option<String>,
    /// What is logged, in the words of `tracing`: `info`, `dispatcher=debug,info`.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_nothing() {
        let secret = Secret::new("open sesame");
        assert!(!format!("{secret:?}").contains("sesame"));
    }

    #[test]
    fn a_secret_is_given_once_and_only_once() {
        let path = PathBuf::from("/nonexistent");
        assert!(matches!(Secret::resolve(None, None, "k"), Err(SecretError::Missing { .. })));
        assert!(matches!(
            Secret::resolve(Some(Secret::new("a")), Some(&path), "k"),
            Err(SecretError::Twice { .. })
        ));
        assert!(matches!(Secret::resolve(None, Some(&path), "k"), Err(SecretError::File { .. })));
        assert_eq!(Secret::resolve(Some(Secret::new("a")), None, "k").unwrap().reveal(), "a");
    }

    #[test]
    fn a_secret_that_is_empty_is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), " \n").unwrap();
        let path = file.path().to_owned();
        for (value, file) in
            [(Some(Secret::new("")), None), (Some(Secret::new(" ")), None), (None, Some(&path))]
        {
            let refused = Secret::resolve(value, file, "k");
            assert!(matches!(refused, Err(SecretError::Empty { .. })), "{refused:?}");
        }
    }
}
