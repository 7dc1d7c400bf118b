//! What a database's failure means to the caller: decide again, try later, or a fault.
//!
//! Nothing here looks at a message's text.

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

use super::Error;

/// What PostgreSQL calls a transaction that lost against another: a serialization failure, a
/// deadlock.
const LOST_A_RACE: [&str; 2] = ["40001", "40P01"];

impl Error {
    /// Somebody else was a moment faster, perhaps in another process: what was decided on has
    /// changed. Every other failure stays what it is.
    pub(super) fn or_conflict(self) -> Self {
        match &self {
            Self::Database(error) if is_race(error) => Self::Conflict,
            _ => self,
        }
    }

    /// The database cannot be talked to, so the next commit would fail like this one; it is not
    /// that it refuses what it was asked.
    #[must_use]
    pub fn is_away(&self) -> bool {
        let error = match self {
            Self::Stopping | Self::Server { .. } => return true,
            Self::Database(error) => error,
            Self::Conflict
            | Self::Folder(_)
            | Self::Address
            | Self::TooLarge { .. }
            | Self::Corrupt { .. } => {
                return false;
            }
        };
        if matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_)) {
            return true;
        }
        match sqlx_error(error) {
            Some(
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
            ) => true,
            Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| is_outage(&code)),
            _ => false,
        }
    }

    /// The same failure for another caller of the batch.
    pub(super) fn copy(&self) -> Self {
        match self {
            Self::Conflict => Self::Conflict,
            Self::Database(error) => Self::Database(error.clone()),
            Self::Corrupt { what } => Self::Corrupt { what },
            Self::TooLarge { what } => Self::TooLarge { what },
            Self::Folder(_) | Self::Address | Self::Server { .. } | Self::Stopping => Self::Stopping,
        }
    }
}

/// PostgreSQL's classes for connections, resources and an operator's hand; SQLite's busy, locked,
/// full and unreadable files.
fn is_outage(code: &str) -> bool {
    let class = code.get(..2).filter(|_| code.len() == 5);
    class.is_some_and(|class| ["08", "53", "57"].contains(&class))
        || code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14))
}

fn is_race(error: &DbErr) -> bool {
    if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
        return true;
    }
    let code = sqlx_error(error).and_then(|error| error.as_database_error()?.code());
    code.is_some_and(|code| LOST_A_RACE.contains(&&*code))
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}
