//! What is served with TLS is served to nobody who cannot be sure of us, and what must be verified
//! is not spoken to when it cannot be.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, Database};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::super::peers;
use super::{Bell, Told, hearers, settings};
use crate::clock::Clock;
use crate::config::{self, Secret};
use crate::fixtures::{LEDGER, number};
use crate::runner::{Host, Running};
use crate::service::Parts;
use crate::store::Store;
use crate::testing::authority::{Authority, Issued};
use crate::testing::{Postgres, eventually};
use crate::tls::{Error, Tls};
use crate::unreached::Why;

const HERE: &[&str] = &["localhost", "127.0.0.1"];

async fn serving(data: &Path, tls: config::Tls) -> Running {
    let mut settings = settings(data);
    settings.tls = tls;
    let mut host = Host::bind(settings, hearers()).await.unwrap();
    host.add::<Bell>((Told::default(), Parts::new()));
    host.run().await.unwrap()
}

async fn stop(running: Running) {
    running.stop_token().cancel();
    running.wait().await.unwrap();
}

/// Whether a caller who believes as `tls` says is answered at this address.
async fn answered(tls: &config::Tls, address: String) -> bool {
    let Ok(channel) = Tls::read(tls).unwrap().endpoint(address).unwrap().connect().await else {
        return false;
    };
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_answers_only_who_knows_our_authority_and_calls_us_by_our_name() {
    let (authority, other) = (Authority::new(), Authority::new());
    let [folder, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let running = serving(folder.path(), authority.settings(folder.path(), &["localhost"])).await;
    let port = running.grpc.port();
    let (known, stranger) = (authority.trust(folder.path()), other.trust(elsewhere.path()));
    assert!(answered(&known, format!("https://localhost:{port}")).await);
    for (who, address, why) in [
        (&stranger, format!("https://localhost:{port}"), "another authority"),
        (&config::Tls::default(), format!("https://localhost:{port}"), "the system's authorities"),
        (&known, format!("https://127.0.0.1:{port}"), "a name that is not in the certificate"),
        (&known, format!("http://localhost:{port}"), "plain text"),
    ] {
        assert!(!answered(who, address).await, "{why}");
    }
    stop(running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_of_one_process_call_each_other_by_the_name_in_its_certificate() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let tls = authority.settings(folder.path(), &["*.example.org", "school.example.org"]);
    let running = serving(folder.path(), tls.clone()).await;
    let own = Tls::read(&tls).unwrap().own_endpoint(running.grpc).unwrap();
    let mut client = HealthClient::new(own.connect().await.unwrap());
    client.check(HealthCheckRequest::default()).await.unwrap();
    stop(running).await;
}

/// The answer of `/health` to a caller who believes the authorities in a file.
async fn health(port: SocketAddr, tls: &config::Tls) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(tls.authorities.as_ref().unwrap()).unwrap() {
        roots.add(authority.unwrap()).unwrap();
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(port).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_speaks_tls_only_and_waits_for_nobody_who_does_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    let [folder, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let running = serving(folder.path(), authority.settings(folder.path(), HERE)).await;
    // Callers who never say a word are in the middle of their handshakes.
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(tokio::net::TcpStream::connect(running.http).await.unwrap());
    }
    let answer = health(running.http, &authority.trust(folder.path())).await.unwrap();
    assert!(answer.ends_with("serving"), "{answer}");
    assert!(health(running.http, &other.trust(elsewhere.path())).await.is_err());
    let mut plain = tokio::net::TcpStream::connect(running.http).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Closed, or closed with an alert: either way without a word of HTTP.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"));
    stop(running).await;
}

#[test]
fn files_that_protect_nothing_are_refused_by_their_key() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let whole = authority.settings(folder.path(), HERE);
    assert!(Tls::read(&whole).is_ok());
    let refused = |change: &dyn Fn(&mut config::Tls)| {
        let mut tls = whole.clone();
        change(&mut tls);
        Tls::read(&tls).err().unwrap()
    };
    assert!(matches!(refused(&|tls| tls.key = None), Error::HalfSet));
    assert!(matches!(refused(&|tls| tls.certificate = None), Error::HalfSet));
    let missing = refused(&|tls| tls.key = Some("/nonexistent".into()));
    assert!(matches!(missing, Error::File { key: "key", .. }));
    let certificate = whole.certificate.clone();
    assert!(matches!(refused(&|tls| tls.key = certificate.clone()), Error::Pem { key: "key" }));
    let key = whole.key.clone();
    assert!(matches!(refused(&|tls| tls.authorities = key.clone()), Error::Pem { key: "authorities" }));
    let other = folder.path().join("other.pem");
    std::fs::write(&other, authority.issue(HERE).key).unwrap();
    assert!(matches!(refused(&|tls| tls.key = Some(other.clone())), Error::Mismatch(_)));
}

#[test]
fn a_database_that_asks_to_be_verified_is_verified_by_our_authorities() {
    let (authority, parent) = (Authority::new(), tempfile::tempdir().unwrap());
    let folder = parent.path().join("a b");
    std::fs::create_dir(&folder).unwrap();
    let tls = Tls::read(&authority.trust(&folder)).unwrap();
    let said = |address: &str| tls.postgres(&Secret::new(address)).reveal().to_owned();
    let added = said("postgres://u:p@h?sslmode=verify-full");
    assert!(added.starts_with("postgres://u:p@h?sslmode=verify-full&sslrootcert=/"), "{added}");
    assert!(added.ends_with("/a%20b/authorities.pem"), "{added}");
    for left in ["postgres://u:p@h", "postgres://u:p@h?sslmode=verify-full&sslrootcert=/own.pem"] {
        assert_eq!(said(left), left);
    }
}

/// A server of the test's own, because it is told to speak TLS.
struct Server(Postgres);

impl Server {
    /// Lets the server show a certificate from now on.
    async fn show(&self, issued: &Issued) {
        let server = Database::connect(format!("{}/postgres", self.0.address)).await.unwrap();
        for (text, file) in [(&issued.certificate, "server.crt"), (&issued.key, "server.key")] {
            // A line of the file is a row. The server refuses a key that others may read.
            let rows = format!("SELECT unnest(string_to_array('{}', E'\\n'))", text.trim());
            let write = format!("COPY ({rows}) TO PROGRAM 'umask 077; cat >{file}'");
            server.execute_unprepared(&write).await.unwrap();
        }
        server.execute_unprepared("ALTER SYSTEM SET ssl = on").await.unwrap();
        server.execute_unprepared("SELECT pg_reload_conf()").await.unwrap();
        server.close().await.unwrap();
    }

    async fn open(&self, authorities: &config::Tls) -> Option<Store> {
        let address = Secret::new(format!("{}?sslmode=verify-full", self.0.address));
        let address = Tls::read(authorities).unwrap().postgres(&address);
        let settings =
            config::Store { postgres: Some(address), database_prefix: "tls_".to_owned(), connections: 2 };
        Store::open("bell", &settings, Path::new("/nonexistent"), Clock::system(), LEDGER).await.ok()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_prove_its_name_is_not_spoken_to() {
    let (authority, other) = (Authority::new(), Authority::new());
    let [folder, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (known, stranger) = (authority.trust(folder.path()), other.trust(elsewhere.path()));
    let server = Server(Postgres::start().await);
    assert!(server.open(&known).await.is_none(), "a server without TLS");
    server.show(&authority.issue(HERE)).await;
    eventually("a server with TLS", true, || async {
        let Some(store) = server.open(&known).await else { return false };
        let protected = "SELECT COUNT(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
        assert_eq!(number(&store, protected).await, 1);
        store.close().await.unwrap();
        true
    })
    .await;
    assert!(server.open(&stranger).await.is_none(), "another authority");
    server.show(&authority.issue(&["elsewhere.example.org"])).await;
    eventually("a server that shows another name", true, || async { server.open(&known).await.is_none() })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_cannot_be_asked_is_said_with_what_stands_in_the_way() {
    let (authority, other) = (Authority::new(), Authority::new());
    let [folder, elsewhere, open] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let closed = serving(folder.path(), authority.settings(folder.path(), &["localhost"])).await;
    let expired = authority.expired(elsewhere.path(), HERE);
    let expired = serving(elsewhere.path(), expired).await;
    let open = serving(open.path(), config::Tls::default()).await;
    let (known, stranger) = (authority.trust(folder.path()), other.trust(elsewhere.path()));
    let [port, past, plain] = [&closed, &expired, &open].map(|running| running.grpc.port());
    for (who, address, said) in [
        (&known, format!("https://localhost:{port}"), Ok(())),
        (&known, format!("http://localhost:{plain}"), Ok(())),
        (&stranger, format!("https://localhost:{port}"), Err(Why::Stranger)),
        (&known, format!("https://127.0.0.1:{port}"), Err(Why::OtherName)),
        (&known, format!("https://localhost:{past}"), Err(Why::Expired)),
        (&known, format!("https://localhost:{plain}"), Err(Why::PlainText)),
        (&known, format!("http://localhost:{port}"), Err(Why::OnlyTls)),
        (&known, "https://localhost:1".to_owned(), Err(Why::Nobody)),
    ] {
        let endpoint = Tls::read(who).unwrap().endpoint(address.clone()).unwrap();
        assert_eq!(peers::ask(&endpoint).await, said, "{address}");
    }
    for running in [closed, expired, open] {
        stop(running).await;
    }
}

#[test]
fn a_certificate_is_looked_at_before_others_find_that_it_is_out_of_date() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let now = Clock::system().real();
    assert!(Tls::read(&authority.settings(folder.path(), HERE)).unwrap().check_dates(now).is_ok());
    let expired = Tls::read(&authority.expired(folder.path(), HERE)).unwrap();
    let said = expired.check_dates(now).unwrap_err().to_string();
    assert_eq!(said, "the certificate of tls.certificate has expired");
    assert!(Tls::default().check_dates(now).is_ok());
}
