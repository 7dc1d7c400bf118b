//! The providers of a school whose services speak TLS only: the relay takes mail with TLS, and receipts go
//! to a door with TLS. Texts go to Notify on this machine in plain text, which is all that production lets
//! pass: the certificates of a provider are believed only from the system's authorities.

use std::path::Path;
use std::sync::Arc;

use kit::config;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use simulator::{NotifyOptions, Options, Simulator, Tls, TlsMode};

use crate::apart::ground::{Ground, HERE};
use crate::installation::Installation;

/// The outside world.
pub(super) async fn phones(folder: &Path, ground: &Ground) -> Simulator {
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
pub(super) fn providers(installation: &Installation<'_>, ground: &Ground) -> String {
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
