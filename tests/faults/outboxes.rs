//! The outboxes of all services, read beside them.

use schoolbell::app;
use schoolbell::settings::Settings;
use sea_orm::{ConnectionTrait, Database};
use tests::wait::until;

/// The addresses of the databases by service.
#[derive(Debug, Default)]
pub struct Outboxes(Vec<(String, String)>);

impl Outboxes {
    /// Those of an installation.
    pub fn of(settings: &Settings) -> Self {
        let address = |service: &str| match &settings.store.postgres {
            Some(server) => format!("{}/{}{service}", server.reveal(), settings.store.database_prefix),
            None => format!("sqlite://{}/{service}.db?mode=ro", settings.data.display()),
        };
        Self(app::all().into_iter().map(|service| (service.clone(), address(&service))).collect())
    }

    /// Those on a server, whose address has a user who may read all of them.
    pub fn on(server: &str) -> Self {
        let address = |service: &String| format!("{server}/schoolbell_{service}");
        Self(app::all().into_iter().map(|service| (service.clone(), address(&service))).collect())
    }

    /// Waits until every fact has been published.
    pub async fn are_empty(&self) {
        let mut open = Vec::new();
        for (service, address) in &self.0 {
            open.push((service, Database::connect(address).await.unwrap()));
        }
        let look = || async {
            let mut waiting = Vec::new();
            for (service, database) in &open {
                let sql = "SELECT subject FROM outbox WHERE sent_at IS NULL";
                let rows = database.query_all_raw(statement(database, sql)).await.unwrap();
                waiting.extend(rows.iter().map(|_| (*service).clone()));
            }
            waiting
        };
        until("publishing", look, Vec::is_empty).await;
        for (_, database) in open {
            database.close().await.unwrap();
        }
    }
}

fn statement(database: &impl ConnectionTrait, sql: &str) -> sea_orm::Statement {
    sea_orm::Statement::from_string(database.get_database_backend(), sql)
}
