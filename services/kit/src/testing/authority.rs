//! Certificates that are good for one test, and some that are not good any more.

#![expect(clippy::expect_used, reason = "only tests call this, and they should stop here")]

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::config;

/// Somebody who issues certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The certificate that others believe, in PEM.
    pub pem: String,
}

/// A certificate and its key, in PEM.
pub struct Issued {
    /// What is shown.
    pub certificate: String,
    /// What is kept.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// Another one each time.
    ///
    /// # Panics
    /// When there is no certificate to be had.
    #[must_use]
    pub fn new() -> Self {
        super::choose_tls();
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for these names and addresses.
    ///
    /// # Panics
    /// When there is none to be had.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Issued {
        self.sign(&params(names))
    }

    /// A certificate that was good until 2020.
    ///
    /// # Panics
    /// When there is none to be had.
    #[must_use]
    pub fn issue_expired(&self, names: &[&str]) -> Issued {
        let mut params = params(names);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// The settings of somebody who shows a certificate for these names and believes this authority.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn settings(&self, folder: &Path, names: &[&str]) -> config::Tls {
        self.shown(folder, &self.issue(names))
    }

    /// The same with a certificate that has expired.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn expired(&self, folder: &Path, names: &[&str]) -> config::Tls {
        self.shown(folder, &self.issue_expired(names))
    }

    fn shown(&self, folder: &Path, issued: &Issued) -> config::Tls {
        std::fs::create_dir_all(folder).expect("a folder");
        let [certificate, key] = ["chain.pem", "key.pem"].map(|name| folder.join(name));
        std::fs::write(&certificate, &issued.certificate).expect("a file");
        std::fs::write(&key, &issued.key).expect("a file");
        config::Tls { certificate: Some(certificate), key: Some(key), ..self.trust(folder) }
    }

    /// The settings of somebody who believes this authority and shows nothing.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn trust(&self, folder: &Path) -> config::Tls {
        let authorities = folder.join("authorities.pem");
        std::fs::write(&authorities, &self.pem).expect("a file");
        config::Tls { authorities: Some(authorities), ..config::Tls::default() }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names")
}
