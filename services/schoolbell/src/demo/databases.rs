//! This run's own databases on somebody's PostgreSQL server: a prefix that nobody else has, and the end
//! of them. The services make them; nothing else on the server is touched.

use anyhow::Context;
use kit::config::Secret;
use proto::ids::SchoolId;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};

use crate::app;

/// The databases of one run.
#[derive(Debug)]
pub struct Databases {
    /// The server's address.
    pub server: Secret,
    /// What stands before the service's name.
    pub prefix: String,
}

impl Databases {
    /// Databases that are not there yet.
    pub fn on(server: Secret) -> Self {
        // The bits of any new id are unique, and letters and digits only.
        let prefix = format!("demo_{}_", SchoolId::generate().uuid().simple());
        Self { server, prefix }
    }

    /// Drops what the services made, whoever is still connected.
    pub async fn drop_all(&self) -> anyhow::Result<()> {
        let address = format!("{}/postgres", self.server.reveal().trim_end_matches('/'));
        let mut options = ConnectOptions::new(address);
        options.max_connections(1).sqlx_logging(false);
        // The error of a connection could repeat the address with its password.
        let server =
            Database::connect(options).await.ok().context("the server of the databases cannot be reached")?;
        let mut outcome = Ok(());
        for service in app::all() {
            let statement = format!("DROP DATABASE IF EXISTS {}{service} WITH (FORCE)", self.prefix);
            let dropped = server.execute_unprepared(&statement).await;
            outcome = outcome
                .and(dropped.map(|_| ()).with_context(|| format!("a database of {service} stays behind")));
        }
        server.close().await.context("the server of the databases does not let go")?;
        outcome
    }
}
