//! An account of GOV.UK Notify, as the settings of both of its channels give it: where it is, whom to be, what it bears.

use std::path::PathBuf;
use std::time::Duration;

use super::{ChannelName, Error, Limits, Secret};

/// A key's text ends in `-{service id}-{secret}`, each a UUID of 36 characters; its name may hold dashes, so it is read backwards.
const UUID_LENGTH: usize = 36;

/// Which of Notify's two kinds of message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Sms,
    Email,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

/// How to reach and whom to be.
#[derive(Debug)]
pub(super) struct Account<'a> {
    pub(super) channel: ChannelName,
    pub(super) kind: Kind,
    pub(super) base_url: &'a str,
    /// The key, and the file that holds it instead.
    pub(super) api_key: (Option<&'a Secret>, Option<&'a PathBuf>),
    pub(super) timeout: Duration,
    pub(super) limits: Limits,
}

impl Account<'_> {
    pub(super) fn api_key(&self) -> Result<Secret, Error> {
        let (key, file) = self.api_key;
        Secret::resolve(key.cloned(), file, "api_key")
            .map_err(|source| Error::Secret { channel: self.channel.clone(), source })
    }

    pub(super) fn setting(&self, key: &'static str, expected: &'static str) -> Error {
        Error::Setting { channel: self.channel.clone(), key, expected }
    }
}

/// The service's id and its secret.
pub(super) fn parse_key(key: &Secret) -> Option<(&str, &str)> {
    let (rest, secret) = key.reveal().split_at_checked(key.reveal().len().checked_sub(UUID_LENGTH)?)?;
    let rest = rest.strip_suffix('-')?;
    let (_, service_id) = rest.split_at_checked(rest.len().checked_sub(UUID_LENGTH)?)?;
    [service_id, secret]
        .iter()
        .all(|part| uuid::Uuid::try_parse(part).is_ok())
        .then_some((service_id, secret))
}

/// What holds for both kinds unless the settings say otherwise.
pub(super) fn production_url() -> String {
    "https://api.notifications.service.gov.uk".to_owned()
}

pub(super) const fn rate_per_second() -> u32 {
    50
}

pub(super) const fn burst() -> u32 {
    1_000
}

pub(super) const fn connections() -> usize {
    32
}

pub(super) const fn timeout() -> Duration {
    Duration::from_secs(10)
}
