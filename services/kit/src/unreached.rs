//! Why a server cannot be used, in words for whoever runs this installation: nobody is there, its
//! certificate cannot be believed, it offers no TLS, it refuses us.
//!
//! The clients of NATS, PostgreSQL and gRPC each wrap the same few causes in their own way; here the
//! causes are looked for below whatever wraps them, by their types and never by their texts. The
//! [`bus`](crate::bus), the [`store`](crate::store) and the [`runner`](crate::runner) say them. What is
//! said names the place without the user and the password that its address may hold.

use std::error::Error;
use std::io;

use async_nats::{ConnectError, ConnectErrorKind};
use sea_orm::sqlx;
use tokio_rustls::rustls::{self, CertificateError};

/// Why a server cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Nothing listens on that port.
    #[error("nobody answers there")]
    Nobody,
    /// It, or the network before it, says nothing.
    #[error("it does not answer in time")]
    Silent,
    /// It was there, and went.
    #[error("it closed the connection")]
    Closed,
    /// It answered, but not in the way that we speak.
    #[error("it does not answer as our services do")]
    Garbled,
    /// Nobody whom we believe has issued its certificate.
    #[error("its certificate is from nobody whom we believe: see tls.authorities")]
    Stranger,
    /// Its certificate was good once.
    #[error("its certificate has expired")]
    Expired,
    /// Its certificate will be good, or a clock is wrong.
    #[error("its certificate is not valid yet: see the clocks")]
    TooEarly,
    /// Its certificate is somebody else's, or we call it by another name.
    #[error("its certificate does not name it as we call it")]
    OtherName,
    /// Its certificate cannot be believed for another reason.
    #[error("its certificate cannot be believed ({0})")]
    Certificate(String),
    /// It talks in plain text where we ask for TLS.
    #[error("it does not speak TLS")]
    PlainText,
    /// It went away when it was spoken to in plain text.
    #[error("it takes no plain text: perhaps it speaks TLS, and its address begins with https://")]
    OnlyTls,
    /// It knows no such user, or another password.
    #[error("it refuses our user or password")]
    Refused,
    /// It has no database of that name.
    #[error("it has no such database")]
    NoDatabase,
    /// The user may not connect to the database.
    #[error("our user may not use that database")]
    Forbidden,
    /// What the system or the client said, which names nobody.
    #[error("{0}")]
    Unclear(String),
}

impl Why {
    /// The cause below an error of one of the clients.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let (mut cause, mut vague) = (error, None);
        loop {
            if let Some(why) = known(cause) {
                return why;
            }
            vague = vague.or_else(|| supposed(cause));
            match below(cause) {
                Some(next) => cause = next,
                None => return vague.unwrap_or_else(|| Self::Unclear(cause.to_string())),
            }
        }
    }

    /// Whether waiting does not help: somebody has to change settings or a certificate.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Nobody | Self::Silent | Self::Closed | Self::Garbled | Self::Unclear(_) => false,
            Self::Stranger
            | Self::Expired
            | Self::TooEarly
            | Self::OtherName
            | Self::Certificate(_)
            | Self::PlainText
            | Self::OnlyTls
            | Self::Refused
            | Self::NoDatabase
            | Self::Forbidden => true,
        }
    }
}

/// An address as it may be shown: without scheme, user, password, database and options.
#[must_use]
pub fn place(address: &str) -> String {
    let one = |address: &str| {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let rest = rest.split(['/', '?']).next().unwrap_or_default();
        rest.rsplit_once('@').map_or(rest, |(_, place)| place).trim().to_owned()
    };
    address.split(',').map(one).collect::<Vec<_>>().join(", ")
}

/// What an error wraps. An `io::Error` does not count what is in it among its sources.
fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(inside) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return Some(inside);
    }
    error.source()
}

/// What leaves no doubt.
fn known(error: &(dyn Error + 'static)) -> Option<Why> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    if let Some(error) = error.downcast_ref::<ConnectError>() {
        return match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => Some(Why::Refused),
            ConnectErrorKind::TimedOut => Some(Why::Silent),
            _ => None,
        };
    }
    match error.downcast_ref::<sqlx::Error>()? {
        sqlx::Error::PoolTimedOut => Some(Why::Silent),
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // Of PostgreSQL: invalid authorization, wrong password.
            Some("28000" | "28P01") => Some(Why::Refused),
            Some("3D000") => Some(Why::NoDatabase),
            Some("42501") => Some(Why::Forbidden),
            _ => None,
        },
        // Could repeat the address with its password.
        sqlx::Error::Configuration(_) => Some(Why::Unclear("its address cannot be read".to_owned())),
        _ => None,
    }
}

/// What may have a better reason below it.
fn supposed(error: &(dyn Error + 'static)) -> Option<Why> {
    // Without a reason of rustls' it is that the server did not want to.
    if let Some(sqlx::Error::Tls(_)) = error.downcast_ref::<sqlx::Error>() {
        return Some(Why::PlainText);
    }
    let error = error.downcast_ref::<io::Error>()?;
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => Why::Nobody,
        io::ErrorKind::TimedOut => Why::Silent,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Why::Closed,
        _ => return None,
    })
}

fn of_tls(error: &rustls::Error) -> Why {
    let error = match error {
        rustls::Error::InvalidCertificate(error) => error,
        rustls::Error::InvalidMessage(_) => return Why::PlainText,
        other => return Why::Unclear(other.to_string()),
    };
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Why::Stranger,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Why::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Why::TooEarly,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Why::OtherName,
        other => Why::Certificate(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_user_and_password() {
        for (address, shown) in [
            ("postgres://bell:sesame@db.example.org:5432/bell?sslmode=verify-full", "db.example.org:5432"),
            ("postgres://bell:ses@me@[::1]:5432", "[::1]:5432"),
            ("tls://nats-1:4222, tls://bell:sesame@nats-2:4222", "nats-1:4222, nats-2:4222"),
            ("https://bell.example.org:7400", "bell.example.org:7400"),
        ] {
            assert_eq!(place(address), shown);
        }
    }

    #[test]
    fn the_cause_is_found_below_whatever_wraps_it() {
        let tls =
            |error| io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(error));
        let nats = |error| ConnectError::with_source(ConnectErrorKind::Io, error);
        for (error, why) in [
            (Box::new(tls(CertificateError::Expired)) as Box<dyn Error>, Why::Expired),
            (Box::new(io::Error::other(tls(CertificateError::UnknownIssuer))), Why::Stranger),
            (Box::new(nats(tls(CertificateError::NotValidForName))), Why::OtherName),
            (Box::new(nats(io::ErrorKind::ConnectionRefused.into())), Why::Nobody),
            (Box::new(ConnectError::new(ConnectErrorKind::AuthorizationViolation)), Why::Refused),
            (Box::new(sqlx::Error::Tls("it does not want to".into())), Why::PlainText),
            (Box::new(sqlx::Error::Tls(Box::new(tls(CertificateError::Expired)))), Why::Expired),
            (Box::new(sqlx::Error::PoolTimedOut), Why::Silent),
        ] {
            assert_eq!(Why::of(error.as_ref()), why, "{error}");
        }
    }

    #[test]
    fn a_driver_s_words_about_an_address_are_not_repeated() {
        let said = Why::of(&sqlx::Error::Configuration("postgres://bell:sesame@".into()));
        assert!(!said.to_string().contains("sesame"), "{said}");
    }
}
