//! One database per service: SQLite in a file, or a database on a PostgreSQL server.
//!
//! [`Store::commit`] is how a decision becomes durable: rows, facts, tasks, audit entries and the
//! stored answer in one transaction, committed together with those of other callers. Nothing here
//! is held across the network, and no service opens another's database.

mod batch;
mod commit;
mod common;
mod copy;
pub mod erase;
mod failure;
pub(crate) mod housekeeping;
mod kept;
mod lending;
mod many;
mod migrate;
mod once;
mod open;
pub(crate) mod presence;
mod reader;
mod restored;
pub(crate) mod rows;
mod script;
#[cfg(test)]
mod tests;
mod together;
mod whole;
mod writer;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::Notify;

use commit::Answer;
pub use commit::{Commit, Committed, Outgoing, Work};
pub use copy::{copy_file, count_rows};
pub use kept::{Reading, Transaction};
pub use lending::Readers;
pub use many::{among, json_rows, one_of};
pub use migrate::Migration;
pub use once::{Call, decide_once, once};
pub use open::probe;
pub(crate) use together::Row;
pub use together::{Kind, Together};

use crate::audit::Looks;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::unreached::Why;

/// Why something was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was decided on has changed since: decide again.
    #[error("what was decided on has changed")]
    Conflict,
    /// The database could not do it.
    #[error("the database could not do it")]
    Database(#[from] DbErr),
    /// The PostgreSQL server cannot be reached, cannot be believed, or refuses us.
    #[error("the database {database} of the server at {place} cannot be used")]
    Server {
        /// Where, as it stands in the settings.
        place: String,
        /// The database.
        database: String,
        /// What is wrong.
        #[source]
        why: Why,
    },
    /// The file or folder of the database cannot be used.
    #[error("the folder of the database cannot be used")]
    Folder(#[source] std::io::Error),
    /// The address of the PostgreSQL server is not one. (The address itself may hold a password.)
    #[error("store.postgres is not an address of the form postgres://user:password@host:port")]
    Address,
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// A fact that no server would take: see [`MOST_BYTES`](crate::bus::MOST_BYTES).
    #[error("a {what} fact is too large")]
    TooLarge {
        /// The fact's name.
        what: &'static str,
    },
    /// A stored row does not read as what it should be.
    #[error("the stored {what} cannot be read")]
    Corrupt {
        /// What was read.
        what: &'static str,
    },
}

/// A service's database.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    faults: Faults,
}

struct Inner {
    write: DatabaseConnection,
    read: Readers,
    clock: Clock,
    restored_at: Option<Timestamp>,
    reader: reader::Reader,
    writer: writer::Writer,
    writes: Arc<kept::Writes>,
    kept: kept::Kept,
    looks: Looks,
    outbox: Arc<Notify>,
}

impl Store {
    /// The connections for reading. SQLite refuses a write through them; PostgreSQL would take it,
    /// past everything that a commit promises.
    #[must_use]
    pub fn read(&self) -> &Readers {
        &self.inner.read
    }

    /// The rows that answer a question. Callers who ask the same at once, each with other values, share
    /// one statement; keep it short, because they wait for each other.
    pub async fn ask<const N: usize>(
        &self,
        question: &'static Together,
        values: [serde_json::Value; N],
    ) -> Result<Vec<QueryResult>, Error> {
        self.inner.reader.ask(question, Row::of(values)).await
    }

    /// Which database it is, for the few statements that differ.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.inner.write.get_database_backend()
    }

    /// The clock that stamps the rows.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The same store, whose users fail as they are told.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// What is to fail.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A statement with `$1 …` placeholders, which both databases understand.
    #[must_use]
    pub fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.backend(), sql, values)
    }

    /// A transaction of one's own, for work that is a batch already. Keep it short and away from
    /// the network; commands go through [`commit`](Self::commit).
    pub async fn begin(&self) -> Result<Transaction, Error> {
        let writing = self.inner.writes.begin();
        Ok(Transaction { tx: begin(&self.inner.write).await?, writing })
    }

    /// Makes a decision durable, in one transaction with whatever else is being committed at the
    /// moment. [`Error::Conflict`] means that the caller must read and decide again: a guarded
    /// statement found something else, or a row of the same key is there meanwhile.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        self.inner.writer.submit(commit).await
    }

    /// Which looks are written down already.
    pub(crate) fn looks(&self) -> &Looks {
        &self.inner.looks
    }

    /// Signalled when a fact has been put in the outbox.
    #[must_use]
    pub fn outbox_wake(&self) -> Arc<Notify> {
        Arc::clone(&self.inner.outbox)
    }

    /// Closes every connection. Commits that are under way finish first.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.writer.stop().await;
        self.inner.read.close().await?;
        self.inner.write.clone().close().await?;
        Ok(())
    }
}

async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, Error> {
    // On SQLite a transaction that starts by reading and then writes could fail in the middle;
    // taking the write lock first cannot.
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    Ok(db.begin_with_options(options).await?)
}

/// Writes a file that only its owner can read.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
