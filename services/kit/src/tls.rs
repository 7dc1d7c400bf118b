//! TLS by file: what this process shows to those who call it, and whom it believes when it calls.
//!
//! The [`runner`](crate::runner) serves with it and reaches peers, NATS and PostgreSQL by it; the
//! command line reaches services by it. Files are read once: a new certificate takes a restart.
//! Nobody's certificate is asked for when they call us; who they are is said by their token.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::{self, ServerConfig};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};

use crate::config::{self, Secret};

/// How long a handshake may take: whoever is slower holds no connection open.
pub(crate) const HANDSHAKE_MAY_TAKE: Duration = Duration::from_secs(10);
const CONNECTING_MAY_TAKE: Duration = Duration::from_secs(5);
/// How often a service that we are connected to is asked whether it is still there, and how long it
/// may take to say so: one that vanished without a word is then looked for again.
const PEER_IS_ASKED_EVERY: Duration = Duration::from_secs(10);
const PEER_MAY_TAKE: Duration = Duration::from_secs(5);

/// Why connections cannot be protected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of the two without the other.
    #[error("set both tls.certificate and tls.key, or neither")]
    HalfSet,
    /// A file cannot be read.
    #[error("the file of tls.{key} cannot be read")]
    File {
        /// The key in the settings.
        key: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("the file of tls.{key} holds nothing of the kind in PEM")]
    Pem {
        /// The key in the settings.
        key: &'static str,
    },
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("the certificate of tls.certificate cannot be served with the key of tls.key")]
    Mismatch(#[source] rustls::Error),
    /// A certificate that is not valid now.
    #[error("the certificate of tls.{key} {what}")]
    Date {
        /// The key in the settings.
        key: &'static str,
        /// What its dates say.
        what: &'static str,
    },
    /// An address that is none.
    #[error("the address of a service is not one")]
    Address(#[source] tonic::transport::Error),
}

/// The files, read.
#[derive(Clone, Default)]
pub struct Tls {
    shown: Option<Shown>,
    authorities: Option<Authorities>,
}

/// What callers are shown.
#[derive(Clone)]
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    identity: Identity,
    acceptor: TlsAcceptor,
    /// The first name in the certificate, by which this process calls itself.
    name: Option<String>,
}

#[derive(Clone)]
struct Authorities {
    path: PathBuf,
    pem: Vec<u8>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Tls {
    /// Reads the files, and refuses what could not be served with or believed.
    pub fn read(settings: &config::Tls) -> Result<Self, Error> {
        let shown = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => {
                Some(Shown::new(&bytes(certificate, "certificate")?, &bytes(key, "key")?)?)
            }
            (None, None) => None,
            _ => return Err(Error::HalfSet),
        };
        let authorities = settings.authorities.as_ref().map(|path| {
            let pem = bytes(path, "authorities")?;
            let certificates = certificates(&pem, "authorities")?;
            Ok(Authorities { path: path.clone(), pem, certificates })
        });
        Ok(Self { shown, authorities: authorities.transpose()? })
    }

    /// Whether what we show and whom we believe is valid at this time; of several authorities one is
    /// enough, because the next one is there before the last one ends.
    pub fn check_dates(&self, now: Timestamp) -> Result<(), Error> {
        if let Some(shown) = &self.shown {
            let wrong = shown.chain.iter().find_map(|one| out_of_date(one, now));
            wrong.map_or(Ok(()), |what| Err(Error::Date { key: "certificate", what }))?;
        }
        let Some(authorities) = &self.authorities else { return Ok(()) };
        let wrong: Option<Vec<_>> =
            authorities.certificates.iter().map(|one| out_of_date(one, now)).collect();
        match wrong.and_then(|wrong| wrong.first().copied()) {
            Some(what) => Err(Error::Date { key: "authorities", what }),
            None => Ok(()),
        }
    }

    /// The way to a service. One that begins with `https://` is taken with TLS or not at all.
    pub fn endpoint(&self, address: impl Into<String>) -> Result<Endpoint, Error> {
        reach(address.into(), self.trust())
    }

    /// The way to the port of this process, or of another with the same settings.
    pub fn own_endpoint(&self, address: SocketAddr) -> Result<Endpoint, Error> {
        let Some(shown) = &self.shown else { return self.endpoint(format!("http://{address}")) };
        let trust = match &shown.name {
            Some(name) => self.trust().domain_name(name),
            None => self.trust(),
        };
        reach(format!("https://{address}"), trust)
    }

    /// Whom we believe, for a client of gRPC's.
    pub(crate) fn trust(&self) -> ClientTlsConfig {
        let trust = ClientTlsConfig::new().timeout(HANDSHAKE_MAY_TAKE);
        match &self.authorities {
            Some(authorities) => trust.ca_certificate(Certificate::from_pem(&authorities.pem)),
            None => trust.with_native_roots(),
        }
    }

    /// How gRPC is served, if with TLS.
    pub(crate) fn grpc(&self) -> Option<ServerTlsConfig> {
        let shown = self.shown.as_ref()?;
        Some(ServerTlsConfig::new().identity(shown.identity.clone()).timeout(HANDSHAKE_MAY_TAKE))
    }

    /// How HTTP is served, if with TLS.
    pub(crate) fn http(&self) -> Option<TlsAcceptor> {
        self.shown.as_ref().map(|shown| shown.acceptor.clone())
    }

    /// The file of those whom we believe, for clients that read it themselves.
    #[must_use]
    pub fn authorities(&self) -> Option<&Path> {
        self.authorities.as_ref().map(|authorities| authorities.path.as_path())
    }

    /// The address of a PostgreSQL server, with our authorities where it asks to be verified and
    /// names none. The driver believes the public authorities as well.
    #[must_use]
    pub fn postgres(&self, address: &Secret) -> Secret {
        let text = address.reveal();
        match self.authorities() {
            Some(path) if text.contains("sslmode=verify-") && !text.contains("sslrootcert=") => {
                Secret::new(format!("{text}&sslrootcert={}", encoded(path)))
            }
            _ => address.clone(),
        }
    }
}

impl Shown {
    fn new(certificate: &[u8], key: &[u8]) -> Result<Self, Error> {
        let chain = certificates(certificate, "certificate")?;
        let private = PrivateKeyDer::from_pem_slice(key).map_err(|_| Error::Pem { key: "key" })?;
        let name = chain.first().and_then(first_name);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain.clone(), private))
            .map_err(Error::Mismatch)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        let identity = Identity::from_pem(certificate, key);
        Ok(Self { chain, identity, acceptor: TlsAcceptor::from(Arc::new(server)), name })
    }
}

fn reach(address: String, trust: ClientTlsConfig) -> Result<Endpoint, Error> {
    let protected = address.starts_with("https://");
    let endpoint = Endpoint::from_shared(address).map_err(Error::Address)?;
    let endpoint = endpoint
        .tcp_nodelay(true)
        .connect_timeout(CONNECTING_MAY_TAKE)
        .http2_keep_alive_interval(PEER_IS_ASKED_EVERY)
        .keep_alive_timeout(PEER_MAY_TAKE)
        .keep_alive_while_idle(true);
    if protected { endpoint.tls_config(trust).map_err(Error::Address) } else { Ok(endpoint) }
}

/// What is wrong with the dates of a certificate. Its dates are looked at before its issuer is looked
/// for, of whom nothing is known here.
fn out_of_date(certificate: &CertificateDer<'_>, now: Timestamp) -> Option<&'static str> {
    let since_epoch = Duration::from_secs(u64::try_from(now.as_second()).ok()?);
    let (now, usage) = (UnixTime::since_unix_epoch(since_epoch), webpki::KeyUsage::server_auth());
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    match certificate.verify_for_usage(&[], &[], &[], now, usage, None, None).err()? {
        webpki::Error::CertExpired { .. } => Some("has expired"),
        webpki::Error::CertNotValidYet { .. } => Some("is not valid yet: see the clock"),
        _ => None,
    }
}

/// A name that can be asked for, which one with a star cannot.
fn first_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let mut names = certificate.valid_dns_names();
    names.find(|name| !name.contains('*')).map(str::to_owned)
}

fn bytes(path: &Path, key: &'static str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::File { key, source })
}

fn certificates(pem: &[u8], key: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    found.ok().filter(|found| !found.is_empty()).ok_or(Error::Pem { key })
}

/// A path as a value in the query of an address.
fn encoded(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
