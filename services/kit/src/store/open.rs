//! Opening a service's database, and making it when it is not there yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tokio::sync::Notify;

use super::kept::{Kept, Writes};
use super::lending::Readers;
use super::migrate::{self, Migration};
use super::reader::Reader;
use super::writer::Writer;
use super::{Error, Inner, Store, restored};
use crate::audit::Looks;
use crate::clock::Clock;
use crate::config;
use crate::faults::Faults;
use crate::folder::make_private;
use crate::unreached::{Why, place};

const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// How long anybody waits for a connection: long, because on a busy machine everything is slow. That
/// the server is away is found out by [`presence`](super::presence), and sooner.
const CONNECTION_MAY_TAKE: Duration = Duration::from_secs(15);

/// How many rows of an answer SQLite's thread may be ahead of whoever reads them: with few, the two
/// wake each other row by row.
const ROWS_AT_ONCE: usize = 4_096;

/// Questions to a file that are answered at once.
const READERS: u32 = 4;

/// Pages in memory, in kibibytes (SQLite reads a negative number so). Readers are four for each file, and find
/// theirs with the system.
const WRITING_CACHE: &str = "-16000";
const READING_CACHE: &str = "-4000";

/// A connection that has been idle for so long is tested before it is used.
const TESTED_AFTER: Duration = Duration::from_secs(1);

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
            None => {
                make_private(data).map_err(Error::Folder)?;
                Place::File(data.join(format!("{service}.db")))
            }
            Some(address) => Place::Server {
                server: address.reveal().trim_end_matches('/').to_owned(),
                database: format!("{}{service}", settings.database_prefix),
                connections: settings.connections,
            },
        };
        let (write, read) = match &place {
            Place::File(path) => {
                make_file_private(path).map_err(Error::Folder)?;
                let write = Database::connect(writing(path)).await?;
                migrate::up(&write, migrations).await?;
                (write, Readers::of_file(reading(path), READERS))
            }
            Place::Server { server, database, connections } => {
                let keeper = lock_server(server, database).await?;
                make_database(&keeper, database).await?;
                let pool = connect(server, database, *connections).await?;
                migrate::up(&pool, migrations).await?;
                keeper.close().await?;
                (pool.clone(), Readers::of_server(pool))
            }
        };
        let restored_at = restored::last(&write, write.get_database_backend()).await?;
        let outbox = Arc::new(Notify::new());
        let count = Arc::new(Writes::default());
        let writer = Writer::start(write.clone(), Arc::clone(&count), Arc::clone(&outbox));
        let reader = Reader::start(read.clone());
        let (kept, looks) = (Kept::new(Arc::clone(&count)), Looks::default());
        let inner = Arc::new(Inner {
            write,
            read,
            clock,
            restored_at,
            reader,
            writer,
            writes: count,
            kept,
            looks,
            outbox,
        });
        Ok(Self { inner, faults: Faults::default() })
    }
}

/// The version of the server that the settings name, which holds the database of `service` if it is
/// there already. Makes nothing.
pub async fn probe(service: &str, settings: &config::Store) -> Result<Option<String>, Error> {
    let Some(address) = &settings.postgres else { return Ok(None) };
    let server = address.reveal().trim_end_matches('/');
    let database = format!("{}{service}", settings.database_prefix);
    if !server.starts_with("postgres://") && !server.starts_with("postgresql://") {
        return Err(Error::Address);
    }
    // The pool would go on knocking at a closed door.
    knock(server, "postgres").await?;
    let found = connect(server, "postgres", 1).await?;
    let statement = |sql: &str| Statement::from_string(DbBackend::Postgres, sql);
    let version = found.query_one_raw(statement("SHOW server_version")).await?;
    let version = version.ok_or(Error::Corrupt { what: "version of the server" })?.try_get_by_index(0)?;
    let exists = "SELECT 1 FROM pg_database WHERE datname = $1";
    let exists = Statement::from_sql_and_values(DbBackend::Postgres, exists, [database.as_str().into()]);
    let exists = found.query_one_raw(exists).await?.is_some();
    found.close().await?;
    if exists {
        connect(server, &database, 1).await?.close().await?;
    }
    Ok(Some(version))
}

/// Nobody else reads it, wherever it is copied to; SQLite gives the files beside it the same rights.
fn make_file_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

fn writing(path: &Path) -> ConnectOptions {
    // The path is set below, because an address would read `%` and `?` in it as its own.
    let mut options = ConnectOptions::new("sqlite://below");
    // One writer, so that transactions queue in our order instead of failing as busy.
    options.max_connections(1).sqlx_logging(false).acquire_timeout(Duration::from_mins(1));
    // A file does not go away, and each test is a way to the connection's thread and back.
    options.test_before_acquire(false);
    // SQLite ends a transaction by itself when a write fails, as on a full disk. The driver does not learn that
    // and goes on counting: later transactions on the connection would be parts of one that is never committed,
    // though each commit is answered. Such a connection is closed, and another one opened.
    options.map_sqlx_sqlite_before_acquire(|connection, _| {
        let is_sound = !connection.is_in_transaction();
        Box::pin(async move { Ok(is_sound) })
    });
    let path = path.to_owned();
    options.map_sqlx_sqlite_opts(move |options| {
        file(options, &path).create_if_missing(true).pragma("cache_size", WRITING_CACHE)
    });
    options
}

fn reading(path: &Path) -> SqliteConnectOptions {
    let options = file(SqliteConnectOptions::new(), path);
    options.pragma("cache_size", READING_CACHE).pragma("query_only", "ON").disable_statement_logging()
}

fn file(options: SqliteConnectOptions, path: &Path) -> SqliteConnectOptions {
    options
        .filename(path)
        .pragma("journal_mode", "WAL")
        .pragma("synchronous", "FULL")
        .pragma("busy_timeout", "10000")
        .pragma("foreign_keys", "ON")
        // Pages that change with every batch are carried into the file once for many: 16 MB of them.
        .pragma("wal_autocheckpoint", "4000")
        .statement_cache_capacity(256)
        .row_buffer_size(ROWS_AT_ONCE)
}

/// A connection that holds the lock on making and changing this database: of several replicas
/// that start at once, one does it and the others wait. Closing it gives the lock back.
async fn lock_server(server: &str, database: &str) -> Result<DatabaseConnection, Error> {
    if !server.starts_with("postgres://") && !server.starts_with("postgresql://") {
        return Err(Error::Address);
    }
    let known = database
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if !known {
        return Err(Error::Address);
    }
    let keeper = connect(server, "postgres", 1).await?;
    let lock = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
    keeper.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, lock, [database.into()])).await?;
    Ok(keeper)
}

async fn make_database(keeper: &DatabaseConnection, database: &str) -> Result<(), Error> {
    let exists = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT 1 FROM pg_database WHERE datname = $1",
        [database.into()],
    );
    if keeper.query_one_raw(exists).await?.is_none() {
        keeper.execute_unprepared(&format!("CREATE DATABASE {database}")).await?;
    }
    Ok(())
}

/// The address of a database on a server, whose own address may end with options
/// (`?sslmode=verify-full`).
pub(super) fn address_of(server: &str, database: &str) -> String {
    match server.split_once('?') {
        Some((server, options)) => format!("{}/{database}?{options}", server.trim_end_matches('/')),
        None => format!("{server}/{database}"),
    }
}

/// Connections to a database of a server. A server that is not there yet is waited for a moment.
async fn connect(server: &str, database: &str, connections: u32) -> Result<DatabaseConnection, Error> {
    let connected = Database::connect(server_options(&address_of(server, database), connections)).await;
    match connected {
        Ok(pool) => Ok(pool),
        // The pool says at last that it has waited; once more without it, to hear for what.
        Err(error) => knock(server, database).await.and(Err(error.into())),
    }
}

/// Connects once and leaves, and says what is wrong if that is not possible.
async fn knock(server: &str, database: &str) -> Result<(), Error> {
    let address = address_of(server, database);
    let connecting = tokio::time::timeout(ANSWERS_WITHIN, PgConnection::connect(&address)).await;
    let why = match connecting {
        Ok(Ok(connection)) => {
            // Nothing was said that could be lost.
            let _ = connection.close().await;
            return Ok(());
        }
        Ok(Err(error)) => Why::of(&error),
        Err(_) => Why::Silent,
    };
    Err(Error::Server { place: place(server), database: database.to_owned(), why })
}

fn server_options(address: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(address);
    options.max_connections(connections).sqlx_logging(false).acquire_timeout(CONNECTION_MAY_TAKE);
    // What was given back a moment ago was tested then.
    options.test_before_acquire_if_idle_for(TESTED_AFTER);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_a_server_are_kept() {
        assert_eq!(address_of("postgres://u:p@h:1", "db"), "postgres://u:p@h:1/db");
        assert_eq!(
            address_of("postgres://u:p@h:1/?sslmode=require", "db"),
            "postgres://u:p@h:1/db?sslmode=require"
        );
    }
}
