//! What services stand on that run apart as in production: keys and passwords that were made as an
//! operator makes them, a nats-server with `deploy/nats.conf`, a PostgreSQL that `deploy/postgres/init.sql`
//! has prepared, and certificates of one authority for all of them. Each server can be taken away.

use std::path::{Path, PathBuf};

use kit::config;
use kit::testing::authority::Authority;
use tokio::process::Command;

use super::binary;
use super::compose::{Compose, Translation, root};
use crate::given::nats::GivenNats;
use crate::given::postgres::GivenPostgres;

/// The name by which everybody is called here.
pub const HERE: &str = "localhost";

/// Servers, keys and certificates.
pub struct Ground {
    /// The bus.
    pub nats: GivenNats,
    /// The databases.
    pub postgres: GivenPostgres,
    /// Who issued every certificate.
    pub authority: Authority,
    /// The folder of `schoolbell keys`.
    pub secrets: PathBuf,
    /// Whom everybody believes.
    pub trust: config::Tls,
    folder: PathBuf,
}

impl Ground {
    /// Prepares all of it under `folder`.
    pub async fn start(folder: &Path) -> Self {
        let (secrets, authority, compose) = (folder.join("secrets"), Authority::new(), Compose::read());
        let made = Command::new(binary()).arg("keys").arg(&secrets).output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let translation = Translation::with_variables(&secrets.join("compose.env"));
        let environment = translation.environment(&compose.services["nats"]);
        let shown = authority.settings(&folder.join("nats-tls"), &[HERE]);
        let nats = GivenNats::start_as_deployed(&folder.join("nats"), environment, shown).await;
        let postgres = GivenPostgres::start_with(&authority.issue(&[HERE])).await;
        let prepared = Command::new(postgres.program("psql"))
            .arg(format!("{}/postgres", postgres.address()))
            .args(["--quiet", "--no-psqlrc", "--file"])
            .arg(root().join("deploy/postgres/init.sql"))
            .envs(translation.environment(&compose.services["postgres"]))
            .output()
            .await
            .unwrap();
        assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
        let trust = authority.trust(folder);
        Self { nats, postgres, authority, secrets, trust, folder: folder.to_owned() }
    }

    /// What stands for the names that only a container has, here and with TLS.
    #[must_use]
    pub fn translation(&self) -> Translation {
        let mut translation = Translation::with_variables(&self.secrets.join("compose.env"));
        translation.put("nats://nats:4222", self.nats.url());
        let server = format!("@{HERE}:{}?sslmode=verify-full", self.postgres.port());
        translation.put("@postgres:5432", server);
        translation
    }

    /// A certificate for a process of a service, in a folder of its own.
    #[must_use]
    pub fn certificate(&self, service: &str) -> config::Tls {
        let issued = self.authority.settings(&self.folder.join(format!("tls-{service}")), &[service, HERE]);
        config::Tls { authorities: self.trust.authorities.clone(), ..issued }
    }

    /// Ends the servers.
    pub async fn stop(self) {
        self.nats.stop().await;
        self.postgres.stop().await;
    }
}
