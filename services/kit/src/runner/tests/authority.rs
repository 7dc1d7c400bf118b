//! Certificates that are good for one test.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::config;

/// Somebody who issues certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key.
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        // Choosing twice is no fault: another test may have been faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub fn issue(&self, names: &[&str]) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// The settings of somebody who shows a certificate for these names and believes this authority.
    pub fn settings(&self, folder: &Path, names: &[&str]) -> config::Tls {
        let issued = self.issue(names);
        std::fs::create_dir_all(folder).unwrap();
        let [certificate, key] = ["chain.pem", "key.pem"].map(|name| folder.join(name));
        std::fs::write(&certificate, issued.certificate).unwrap();
        std::fs::write(&key, issued.key).unwrap();
        config::Tls { certificate: Some(certificate), key: Some(key), ..self.trust(folder) }
    }

    /// The settings of somebody who believes this authority and shows nothing.
    pub fn trust(&self, folder: &Path) -> config::Tls {
        let authorities = folder.join("authorities.pem");
        std::fs::write(&authorities, &self.pem).unwrap();
        config::Tls { authorities: Some(authorities), ..config::Tls::default() }
    }
}
