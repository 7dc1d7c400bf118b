//! What the settings of `email.smtp` mean, and what cannot be meant: each is checked when the dispatcher starts.
//!
//! An error names the key and never what stands there.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;

use super::dkim::{Dkim, Signer};
use super::greeting::{Access, Credentials, Patience};
use super::message::{Returns, Writer};
use super::relay::Relay;
use super::return_path::ReturnPath;
use super::stream::{Dialer, Encryption, Security, Starts};
use crate::channels::email_smtp::{Bounces, Config, NAME};
use crate::channels::{Error, Secret};

/// As long as RFC 5321 asks for, and shorter than the dispatcher looks for what left while somebody was being barred.
const LONGEST_ACCEPTANCE: Duration = Duration::from_mins(10);
const SHORTEST_TOKEN: usize = 16;

/// Whom messages are from, and what stands in them.
pub(in crate::channels) fn writer(config: &Config) -> Result<Writer, Error> {
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

/// How the relay is reached, and over how many connections.
pub(in crate::channels) fn relay(config: &Config) -> Result<Relay, Error> {
    if config.connections == 0 {
        return Err(setting("connections", "is not at least 1"));
    }
    if config.acceptance_timeout > LONGEST_ACCEPTANCE {
        return Err(setting("acceptance_timeout", "is not at most 10m"));
    }
    let hello_name = match &config.hello_name {
        Some(name) => name.clone(),
        None => mailbox("from", &config.from)?.email.domain().to_owned(),
    };
    let access = Access {
        dialer: Dialer { host: config.host.clone(), port: config.port, encryption: encryption(config)? },
        hello_name: domain("hello_name", hello_name)?,
        credentials: credentials(config)?,
        patience: Patience {
            connect: config.connect_timeout,
            command: config.command_timeout,
            acceptance: config.acceptance_timeout,
        },
    };
    Ok(Relay::new(access, config.connections))
}

fn encryption(config: &Config) -> Result<Option<Encryption>, Error> {
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
    encryption.transpose()
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

#[cfg(test)]
mod tests;
