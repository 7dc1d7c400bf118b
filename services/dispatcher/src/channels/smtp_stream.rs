//! The stream under an SMTP connection: TCP without Nagle's delay, in plain text, through STARTTLS or in TLS from the start.
//!
//! lettre's own transport leaves Nagle's algorithm on and writes the final dot by itself, which costs 40 ms a message; and its
//! STARTTLS keeps what it has buffered in plain text, so that a stranger could slip answers in before the handshake. Therefore
//! the stream is opened, and where needed upgraded, here. lettre gets it ready, with a greeting to read in either case.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Not at all: only for a relay on this machine.
    Plain,
    /// Upgraded before anything is said, and never continued without (usually port 587).
    Starttls,
    /// From the first byte (usually port 465).
    Tls,
}

/// Why a stream is not to be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the relay cannot be reached")]
    Unreachable(#[source] io::Error),
    #[error("the relay and we agree on no trusted encryption")]
    Tls(#[source] io::Error),
    #[error("the relay's greeting or its answer to starttls was negative")]
    Refused(u16),
    #[error("the relay does not offer starttls")]
    NotOffered,
    #[error("the relay said something between starttls and the handshake")]
    Injected,
    #[error("the relay does not speak smtp")]
    Unreadable,
}

const GREETING_AFTER_STARTTLS: &[u8] = b"220 secured\r\n";
const LONGEST_REPLY: usize = 16 * 1024;

/// Whom to connect to, and whom to trust.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) hello_name: String,
    pub(super) encryption: Option<Encryption>,
}

#[derive(Clone)]
pub(super) struct Encryption {
    upgrade: bool,
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl Encryption {
    /// `None` where the host is no name a certificate can stand for, a certificate cannot be read, or rustls has no cryptography.
    pub(super) fn new(security: Security, host: &str, certificates: Option<&str>) -> Option<Self> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in CertificateDer::pem_slice_iter(certificates.unwrap_or_default().as_bytes()) {
            roots.add(certificate.ok()?).ok()?;
        }
        let provider = rustls::crypto::ring::default_provider();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerName::try_from(host.to_owned()).ok()?;
        Some(Self {
            upgrade: security == Security::Starttls,
            connector: TlsConnector::from(Arc::new(config)),
            server,
        })
    }
}

impl Dialer {
    /// Connects and, where asked, encrypts. The caller bounds the time.
    pub(super) async fn dial(&self) -> Result<Stream, Error> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(Error::Unreachable)?;
        tcp.set_nodelay(true).map_err(Error::Unreachable)?;
        let Some(encryption) = &self.encryption else {
            return Ok(Stream { inner: Inner::Plain(tcp), greeting: b"" });
        };
        let (tcp, greeting) = if encryption.upgrade {
            (self.starttls(tcp).await?, GREETING_AFTER_STARTTLS)
        } else {
            (tcp, &b""[..])
        };
        let tls = encryption.connector.connect(encryption.server.clone(), tcp).await.map_err(Error::Tls)?;
        Ok(Stream { inner: Inner::Tls(Box::new(tls)), greeting })
    }

    async fn starttls(&self, mut tcp: TcpStream) -> Result<TcpStream, Error> {
        expect(&mut tcp, 220).await?;
        say(&mut tcp, &format!("EHLO {}\r\n", self.hello_name)).await?;
        let offers = expect(&mut tcp, 250).await?;
        let offered = offers
            .lines()
            .any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS")));
        if !offered {
            return Err(Error::NotOffered);
        }
        say(&mut tcp, "STARTTLS\r\n").await?;
        expect(&mut tcp, 220).await?;
        Ok(tcp)
    }
}

async fn say(tcp: &mut TcpStream, command: &str) -> Result<(), Error> {
    tcp.write_all(command.as_bytes()).await.map_err(Error::Unreachable)
}

/// Reads one whole reply and nothing beyond it: more than that in the buffer is somebody's injection.
async fn expect(tcp: &mut TcpStream, code: u16) -> Result<String, Error> {
    let mut read = Vec::new();
    while !is_whole(&read) {
        if read.len() > LONGEST_REPLY {
            return Err(Error::Unreadable);
        }
        if tcp.read_buf(&mut read).await.map_err(Error::Unreachable)? == 0 {
            return Err(Error::Unreachable(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    let reply = String::from_utf8(read).map_err(|_| Error::Unreadable)?;
    if reply.lines().filter(|line| line.as_bytes().get(3) != Some(&b'-')).count() > 1 {
        return Err(Error::Injected);
    }
    match reply.get(..3).and_then(|digits| digits.parse::<u16>().ok()) {
        Some(given) if given == code => Ok(reply),
        Some(given) => Err(Error::Refused(given)),
        None => Err(Error::Unreadable),
    }
}

/// A reply ends with the first line that has no dash after its code, and that line must be complete.
fn is_whole(read: &[u8]) -> bool {
    read.ends_with(b"\n")
        && read.split(|byte| *byte == b'\n').any(|line| line.len() > 3 && line.get(3) != Some(&b'-'))
}

/// A connected stream, ready for lettre to read a greeting from.
#[derive(Debug)]
pub(super) struct Stream {
    inner: Inner,
    /// The greeting that a STARTTLS handshake has used up, said again for lettre.
    greeting: &'static [u8],
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self.greeting.split_at(self.greeting.len().min(into.remaining()));
            into.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_read(context, into),
            Inner::Tls(tls) => Pin::new(tls).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Inner::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Inner::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Inner::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.inner {
            Inner::Plain(tcp) => tcp.peer_addr(),
            Inner::Tls(tls) => tls.get_ref().0.peer_addr(),
        }
    }
}
