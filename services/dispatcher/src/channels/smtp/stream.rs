//! The stream under an SMTP connection: TCP without Nagle's delay, in plain text or in TLS, and what may be trusted in it.
//!
//! Nagle's algorithm would hold back the last piece of each message until the relay has acknowledged the one before it, which costs
//! 40 ms a message. [`Dialer`] knows nothing of the protocol; when a plain stream is upgraded stands in the connection.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

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

/// Whatever bytes go both ways over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Whom to connect to, and whom to trust.
pub(super) struct Dialer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Option<Encryption>,
}

pub(super) struct Encryption {
    pub(super) starts: Starts,
    connector: TlsConnector,
    server: ServerName<'static>,
}

/// When encryption starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Starts {
    WithTheFirstByte,
    AfterStarttls,
}

impl Encryption {
    /// `None` where the host is no name a certificate can stand for, a certificate cannot be read, or rustls has no cryptography.
    pub(super) fn new(starts: Starts, host: &str, certificates: Option<&str>) -> Option<Self> {
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
        Some(Self { starts, connector: TlsConnector::from(Arc::new(config)), server })
    }

    /// The handshake. What it says of a certificate that is not trusted is the cause.
    pub(super) async fn encrypt(&self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connector.connect(self.server.clone(), stream).await?))
    }
}

impl Dialer {
    /// Connects, in plain text so far. The caller bounds the time.
    pub(super) async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        Ok(Box::new(tcp))
    }
}
