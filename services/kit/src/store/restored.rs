//! That a database was put back to an earlier state, and when.
//!
//! What was said before that moment may have had its effect already, although the database does
//! not know it: [`bus::consumer`](crate::bus::consumer) puts such facts aside for a person, and a
//! service holds back what it had open (see [`Service::hold_back`](crate::service::Service)). The
//! mark is written while nothing runs and read once, when the store is opened.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::{Commit, Error, Store};
use crate::clock::{from_micros, micros};

impl Store {
    /// When the database was put back last, by real time; none when it never was.
    #[must_use]
    pub fn restored_at(&self) -> Option<Timestamp> {
        self.inner.restored_at
    }

    /// Whether a moment of real time lies before the last restore.
    #[must_use]
    pub fn is_before_a_restore(&self, real: Timestamp) -> bool {
        self.restored_at().is_some_and(|restored_at| real < restored_at)
    }

    /// Marks the database as put back at a moment of real time, with what is held back because of
    /// it. Nobody else may have it open; it counts from the next time that it is opened.
    pub async fn mark_restored(&self, at: Timestamp, held_back: Commit) -> Result<(), Error> {
        let mark = self.statement("INSERT INTO restores (at) VALUES ($1)", [micros(at).into()]);
        self.commit(held_back.execute(mark)).await.map(|_| ())
    }
}

pub(super) async fn last(db: &DatabaseConnection, backend: DbBackend) -> Result<Option<Timestamp>, Error> {
    let latest = Statement::from_string(backend, "SELECT MAX(at) AS at FROM restores");
    let row = db.query_one_raw(latest).await?.ok_or(Error::Corrupt { what: "mark of a restore" })?;
    let at: Option<i64> = row.try_get("", "at")?;
    Ok(at.map(from_micros))
}
