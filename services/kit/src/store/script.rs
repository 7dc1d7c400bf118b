//! Many statements that go to SQLite's thread in one way, and come back as the number of rows that they
//! have changed together.
//!
//! Each statement changes at most one row for each row of its own, so when the sum is right each of them
//! is. PostgreSQL takes no such script.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use super::Error;
use super::together::{Row, Together, array, parts};

/// Statements with their rows, in the order in which they are executed.
#[derive(Default)]
pub(super) struct Script {
    sql: String,
    arrays: Vec<Value>,
    rows: u64,
}

impl Script {
    pub fn add(&mut self, statement: &Together, rows: &[&Row]) {
        for part in parts(rows) {
            self.arrays.push(array(part).into());
            self.rows += u64::try_from(part.len()).unwrap_or(u64::MAX);
            // What a statement would return is of no use when all of it must be new.
            let sql = statement.sql(DbBackend::Sqlite);
            let sql = sql.split(" RETURNING ").next().unwrap_or_default();
            self.sql.push_str(&sql.replace("$1", &format!("${}", self.arrays.len())));
            self.sql.push_str(";\n");
        }
    }

    /// Whether each row has changed exactly one. If not, nothing of it may stay.
    pub async fn run(self, tx: &DatabaseTransaction) -> Result<bool, Error> {
        if self.arrays.is_empty() {
            return Ok(true);
        }
        let script = Statement::from_sql_and_values(DbBackend::Sqlite, self.sql, self.arrays);
        Ok(tx.execute_raw(script).await?.rows_affected() == self.rows)
    }
}
