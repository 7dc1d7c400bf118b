//! A school whose services run apart and speak TLS only, and its providers: the relay takes mail with TLS, and receipts go
//! to a door with TLS. Texts go to Notify on this machine in plain text, which is all that production lets
//! pass: the certificates of a provider are believed only from the system's authorities.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kit::config::{self, Secret};
use proto::ids::SchoolId;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use schoolbell::app;
use simulator::{NotifyOptions, Options, Simulator, Tls, TlsMode};

use super::{Home, School};
use crate::Roster;
use crate::apart::ground::{Ground, HERE};
use crate::apart::protected::{Protected, Standing};
use crate::installation::{Backend, GATHERS, Installation};

impl School {
    /// Starts a school whose services run in processes of their own on a ground of the test's, with TLS
    /// between all of them.
    pub async fn start_protected(roster: Roster, ground: &Ground, standing: Standing) -> Self {
        app::choose_tls();
        let data = tempfile::tempdir().unwrap();
        let phones = phones(data.path(), ground).await;
        let token = Secret::random();
        let folder = data.path();
        let backend = Backend::Postgres;
        let installation =
            Installation { folder, backend, phones: &phones, receipts_token: &token, gathers: GATHERS };
        let providers = providers(&installation, ground);
        let mut home = Protected::on(ground, folder, standing, &providers);
        home.start_all(ground).await;
        let mut school = Self {
            id: SchoolId::generate(),
            phones,
            pupils: BTreeMap::new(),
            classes: BTreeMap::new(),
            channel: home.channel("directory").await,
            http: home.http("dispatcher"),
            roster,
            signer: home.signer(),
            home: Home::Protected(Box::new(home)),
            elsewhere: BTreeMap::new(),
            receipts_token: token,
            data,
        };
        school.find_services().await;
        school.import().await;
        school
    }

    /// Its processes.
    ///
    /// # Panics
    /// When it was not started on a ground of the test's.
    pub fn protected(&self) -> &Protected {
        let protected = match &self.home {
            Home::Protected(protected) => Some(protected),
            Home::Here(_) | Home::Apart(_) | Home::Overheard(_) | Home::Mortal(_) => None,
        };
        protected.expect("services with TLS")
    }

    /// Ends its processes and does something before it starts them again.
    ///
    /// # Panics
    /// When it was not started on a ground of the test's.
    pub async fn meanwhile(&mut self, ground: &Ground, something: impl AsyncFnOnce(&Protected)) {
        self.elsewhere.clear();
        let home = match &mut self.home {
            Home::Protected(home) => Some(home),
            Home::Here(_) | Home::Apart(_) | Home::Overheard(_) | Home::Mortal(_) => None,
        };
        let home = home.expect("services with TLS");
        home.stop().await;
        something(home).await;
        home.start_all(ground).await;
        self.channel = home.channel("directory").await;
        self.http = home.http("dispatcher");
        self.find_services().await;
    }
}

/// The outside world.
async fn phones(folder: &Path, ground: &Ground) -> Simulator {
    let mut believed = RootCertStore::empty();
    believed.add(CertificateDer::from_pem_slice(ground.authority.pem.as_bytes()).unwrap()).unwrap();
    let notify = NotifyOptions { receipts_authorities: believed, ..NotifyOptions::default() };
    let relay = Tls { config: Arc::new(shown(&ground.certificate("relay"))), mode: TlsMode::Implicit };
    let options = Options { notify, smtp_tls: Some(relay), ..Options::new(folder.join("phones.jsonl")) };
    simulator::start(options).await.unwrap()
}

fn shown(tls: &config::Tls) -> ServerConfig {
    let [certificate, key] = [&tls.certificate, &tls.key].map(|path| path.as_ref().unwrap());
    let chain = CertificateDer::pem_file_iter(certificate).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

/// The dispatcher's part of the settings.
fn providers(installation: &Installation<'_>, ground: &Ground) -> String {
    let authorities = ground.trust.authorities.as_ref().unwrap().display().to_string();
    let mut text = installation.providers();
    for (plain, protected) in [
        (
            "security = \"plain\"".to_owned(),
            format!("security = \"tls\"\nca_certificates_file = {authorities:?}"),
        ),
        (format!("host = \"{}\"", installation.phones.smtp_address().ip()), format!("host = {HERE:?}")),
    ] {
        assert!(text.contains(&plain), "the settings of the providers have no {plain}");
        text = text.replace(&plain, &protected);
    }
    text
}
