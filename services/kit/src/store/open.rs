//! Opening a service's database, and making it when it is not there yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tokio::sync::Notify;

use super::migrate::{self, Migration};
use super::writer::Writer;
use super::{Error, Inner, Store};
use crate::clock::Clock;
use crate::config;

/// Where a service's database is.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Server { server: String, database: String, connections: u32 },
}

impl Store {
    /// Opens the database of `service`, makes it when it is missing and brings it up to date.
    pub async fn open(
        service: &str,
        settings: &config::Store,
        data: &Path,
        clock: Clock,
        migrations: &[Migration],
    ) -> Result<Self, Error> {
        let place = match &settings.postgres {
            None => Place::File(data.join(format!("{service}.db"))),
            Some(address) => Place::Server {
                server: address.reveal().trim_end_matches('/').to_owned(),
                database: format!("{}{service}", settings.database_prefix),
                connections: settings.connections,
            },
        };
        let (write, read) = match &place {
            Place::File(path) => open_file(path).await?,
            Place::Server { server, database, connections } => {
                let pool = open_server(server, database, *connections).await?;
                (pool.clone(), pool)
            }
        };
        migrate::up(&write, migrations).await?;
        let writer = Writer::start(write.clone());
        let outbox = Arc::new(Notify::new());
        Ok(Self { inner: Arc::new(Inner { write, read, clock, writer, outbox }) })
    }
}

async fn open_file(path: &Path) -> Result<(DatabaseConnection, DatabaseConnection), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::Folder)?;
    }
    let address = format!("sqlite://{}?mode=rwc", path.display());
    // One writer, so that transactions queue in our order instead of failing as busy.
    let write = Database::connect(file_options(&address, 1)).await?;
    let read = Database::connect(file_options(&address, 4)).await?;
    Ok((write, read))
}

fn file_options(address: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(address);
    options.max_connections(connections).sqlx_logging(false).acquire_timeout(Duration::from_secs(60));
    options.map_sqlx_sqlite_opts(|options| {
        options
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("busy_timeout", "10000")
            .pragma("foreign_keys", "ON")
            .pragma("cache_size", "-16000")
            .statement_cache_capacity(256)
    });
    options
}

async fn open_server(server: &str, database: &str, connections: u32) -> Result<DatabaseConnection, Error> {
    if !server.starts_with("postgres://") && !server.starts_with("postgresql://") {
        return Err(Error::Address);
    }
    let known = database
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if !known {
        return Err(Error::Address);
    }
    let keeper = Database::connect(server_options(&format!("{server}/postgres"), 1)).await?;
    let exists = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT 1 FROM pg_database WHERE datname = $1",
        [database.into()],
    );
    if keeper.query_one_raw(exists).await?.is_none() {
        // Another replica may be a moment faster; then the database is there, which is all we want.
        let created = keeper.execute_unprepared(&format!("CREATE DATABASE {database}")).await;
        let exists = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT 1 FROM pg_database WHERE datname = $1",
            [database.into()],
        );
        if keeper.query_one_raw(exists).await?.is_none() {
            created?;
        }
    }
    keeper.close().await?;
    Ok(Database::connect(server_options(&format!("{server}/{database}"), connections)).await?)
}

fn server_options(address: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(address);
    options
        .max_connections(connections)
        .sqlx_logging(false)
        .acquire_timeout(Duration::from_secs(60))
        .connect_timeout(Duration::from_secs(10));
    options
}
