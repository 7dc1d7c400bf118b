//! The first words with a relay: connected, encrypted where it is to be, asked what it offers, logged in.
//!
//! Nothing of a message has been said by then, so that whatever goes wrong here, it can be tried again. What a relay offered in plain
//! text is forgotten once the connection is encrypted, and what it said unasked ends it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::timeout;

use super::stream::{Dialer, Encryption, Starts, Stream};
use super::wire::{NoReply, Reply, Wire};
use crate::channels::{Secret, Why, why};

/// How a connection is made.
pub(super) struct Access {
    pub(super) dialer: Dialer,
    pub(super) hello_name: String,
    pub(super) credentials: Option<Credentials>,
    pub(super) patience: Patience,
}

/// Who logs in.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// How long each part of the dialogue may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) command: Duration,
    /// For the answer to the final dot. RFC 5321 §4.5.3.2.6 asks for ten minutes, since impatience makes duplicates.
    pub(super) acceptance: Duration,
}

/// What the relay offers, a line each.
pub(super) struct Offers(Vec<String>);

impl Offers {
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.0.iter().any(|offer| offer.eq_ignore_ascii_case(keyword))
    }

    /// Whether one can log in so.
    fn has_login(&self, mechanism: &str) -> bool {
        let auth = self.0.iter().filter_map(|offer| {
            let (keyword, mechanisms) = offer.split_once([' ', '='])?;
            keyword.eq_ignore_ascii_case("AUTH").then_some(mechanisms)
        });
        auth.flat_map(str::split_whitespace).any(|given| given.eq_ignore_ascii_case(mechanism))
    }
}

/// A wire to the relay on which the next word is a message's.
pub(super) async fn greet(access: &Access) -> Result<(Wire, Offers), Why> {
    let patience = access.patience;
    let dialing = timeout(patience.connect, access.dialer.dial()).await;
    let mut stream = dialing.map_err(|_| why::UNREACHABLE)?.map_err(|_| why::UNREACHABLE)?;
    let starts = access.dialer.encryption.as_ref().map(|encryption| (encryption, encryption.starts));
    if let Some((encryption, Starts::WithTheFirstByte)) = starts {
        stream = encrypt(encryption, stream, patience).await?;
    }
    let mut wire = Wire::new(stream);
    positive(&wire.hear(patience.command).await.map_err(unheard)?)?;
    let mut offers = hello(&mut wire, access).await?;
    if let Some((encryption, Starts::AfterStarttls)) = starts {
        if !offers.has("STARTTLS") {
            return Err(why::TLS);
        }
        positive(&wire.ask("STARTTLS\r\n", patience.command).await.map_err(unheard)?)?;
        let stream = wire.into_stream().ok_or(why::TLS)?;
        wire = Wire::new(encrypt(encryption, stream, patience).await?);
        offers = hello(&mut wire, access).await?;
    }
    if let Some(credentials) = &access.credentials {
        log_in(&mut wire, credentials, &offers, patience).await?;
    }
    Ok((wire, offers))
}

async fn encrypt(
    encryption: &Encryption,
    stream: Box<dyn Stream>,
    patience: Patience,
) -> Result<Box<dyn Stream>, Why> {
    let shaking_hands = timeout(patience.connect, encryption.encrypt(stream)).await;
    shaking_hands.map_err(|_| why::UNREACHABLE)?.map_err(|cause| {
        // Says what is wrong with a certificate; nothing of a message has been said yet.
        tracing::warn!(channel = "email.smtp", error = %cause, "the relay's encryption cannot be trusted");
        why::TLS
    })
}

async fn hello(wire: &mut Wire, access: &Access) -> Result<Offers, Why> {
    let hello = format!("EHLO {}\r\n", access.hello_name);
    let mut reply = wire.ask(&hello, access.patience.command).await.map_err(unheard)?;
    positive(&reply)?;
    Ok(Offers(reply.lines.split_off(1)))
}

async fn log_in(
    wire: &mut Wire,
    credentials: &Credentials,
    offers: &Offers,
    patience: Patience,
) -> Result<(), Why> {
    let Credentials { user, password } = credentials;
    let password = password.reveal();
    let turns = if offers.has_login("PLAIN") {
        vec![format!("AUTH PLAIN {}\r\n", STANDARD.encode(format!("\0{user}\0{password}")))]
    } else if offers.has_login("LOGIN") {
        let line = |text: &str| format!("{}\r\n", STANDARD.encode(text));
        vec!["AUTH LOGIN\r\n".to_owned(), line(user), line(password)]
    } else {
        return Err(why::CREDENTIALS);
    };
    let mut left = turns.len();
    for turn in &turns {
        let reply = wire.ask(turn, patience.command).await.map_err(unheard)?;
        left -= 1;
        match reply.code {
            235 if left == 0 => return Ok(()),
            334 if left > 0 => {}
            421 => return Err(why::SERVICE_CLOSING.answered(421)),
            code => return Err(why::CREDENTIALS.answered(code)),
        }
    }
    Err(why::CREDENTIALS)
}

fn positive(reply: &Reply) -> Result<(), Why> {
    match reply.code {
        200..300 => Ok(()),
        421 => Err(why::SERVICE_CLOSING.answered(421)),
        code => Err(why::TRY_LATER.answered(code)),
    }
}

fn unheard(silence: NoReply) -> Why {
    match silence {
        NoReply::Late => why::NO_ANSWER,
        NoReply::Gone => why::CONNECTION_LOST,
        NoReply::Unreadable => why::WRONG_ENDPOINT,
    }
}
