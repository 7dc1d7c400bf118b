//! A channel's name: `<medium>.<provider>`, the one spelling in config, rows, metrics and the console.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::Medium;

/// The name of a channel, such as `sms.notify`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName(Cow<'static, str>);

/// The text is not the name of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a channel's name is sms or email, a dot and the provider in small letters")]
pub struct NameError;

impl ChannelName {
    /// For the channels' own constants; the contract proves that each parses.
    pub(super) const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the part before the dot says.
    pub fn medium(&self) -> Medium {
        if self.0.starts_with("sms.") { Medium::Text } else { Medium::Email }
    }
}

impl FromStr for ChannelName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let (medium, provider) = name.split_once('.').ok_or(NameError)?;
        let fits = matches!(medium, "sms" | "email")
            && !provider.is_empty()
            && provider.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit());
        if fits { Ok(Self(Cow::Owned(name.to_owned()))) } else { Err(NameError) }
    }
}

impl TryFrom<String> for ChannelName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        name.parse()
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> Self {
        name.0.into_owned()
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_medium_and_a_provider() {
        let name: ChannelName = "sms.notify".parse().unwrap();
        assert_eq!((name.to_string().as_str(), name.medium()), ("sms.notify", Medium::Text));
        let read: ChannelName = serde_json::from_str("\"email.smtp\"").unwrap();
        assert_eq!(read.medium(), Medium::Email);
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"email.smtp\"");
        for wrong in ["", "sms", "sms.", "voice.notify", "SMS.notify", "sms.Notify", "sms.a.b", "sms.a b"] {
            assert_eq!(wrong.parse::<ChannelName>(), Err(NameError), "{wrong}");
        }
    }
}
