//! A copy of a database file that somebody else is writing to: whole, and as of one moment.
//!
//! `schoolbell backup` takes it and `schoolbell restore` reads it again. A server's databases are
//! copied by its own tools.

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use super::Error;

/// Writes what stands in the database `from` into the new file `to`, which is on the disk when
/// this returns.
pub async fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let source = open(from, Mode::Shared).await?;
    let into = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "VACUUM INTO $1",
        [to.to_string_lossy().into_owned().into()],
    );
    let copied = source.execute_raw(into).await;
    source.close().await?;
    copied?;
    std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(Error::Folder)
}

/// The number of rows of every table of a file that nobody writes to, which is found to be sound
/// first.
pub async fn count_rows(file: &Path) -> Result<BTreeMap<String, i64>, Error> {
    let db = open(file, Mode::Alone).await?;
    let counted = count(&db).await;
    db.close().await?;
    counted
}

async fn count(db: &DatabaseConnection) -> Result<BTreeMap<String, i64>, Error> {
    let query = |sql: String| Statement::from_string(DbBackend::Sqlite, sql);
    let sound = db.query_one_raw(query("PRAGMA integrity_check".to_owned())).await?;
    let sound = sound.ok_or(Error::Corrupt { what: "database" })?.try_get_by_index::<String>(0)?;
    if sound != "ok" {
        return Err(Error::Corrupt { what: "database" });
    }
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut counts = BTreeMap::new();
    for row in db.query_all_raw(query(tables.to_owned())).await? {
        let name: String = row.try_get("", "name")?;
        let rows = format!("SELECT COUNT(*) AS rows FROM \"{}\"", name.replace('"', "\"\""));
        let rows = db.query_one_raw(query(rows)).await?.ok_or(Error::Corrupt { what: "table" })?;
        counts.insert(name, rows.try_get("", "rows")?);
    }
    Ok(counts)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Others write.
    Shared,
    /// Nobody does, and nothing is left beside the file.
    Alone,
}

async fn open(path: &Path, mode: Mode) -> Result<DatabaseConnection, Error> {
    // The path is set below, because an address would read `%` and `?` in it as its own.
    let mut options = ConnectOptions::new("sqlite://below");
    options.max_connections(1).sqlx_logging(false);
    let path = path.to_owned();
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options.filename(&path).create_if_missing(false).pragma("busy_timeout", "10000");
        if mode == Mode::Alone { options.immutable(true) } else { options }
    });
    Ok(Database::connect(options).await?)
}
