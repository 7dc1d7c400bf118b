//! Statements that the commits of one batch share: each is executed once for all of them, with the
//! values of every commit as a row of one JSON array.
//!
//! A statement costs its way to the database and back, whatever it changes; for a batch of small
//! commits that way is most of what they cost.

use std::sync::OnceLock;

use sea_orm::{DbBackend, Statement};
use serde_json::Value;

/// How many rows one array carries at most, and how many bytes more or less.
const MOST_ROWS: usize = 1_000;
const MOST_BYTES: usize = 4 << 20;

/// What a column of the rows holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, or nothing.
    Text,
    /// A whole number, or nothing.
    Number,
    /// Yes or no, or nothing.
    Flag,
    /// Bytes, written as hexadecimal digits.
    Bytes,
}

/// A statement over rows. Made once, as a `static`: which statement it is, is where it stands.
#[derive(Debug)]
pub struct Together {
    sql: &'static str,
    columns: &'static [(&'static str, Kind)],
    on_sqlite: OnceLock<String>,
    on_postgres: OnceLock<String>,
}

/// The values of one row, as a JSON array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(String);

impl Together {
    /// A statement in which `{{rows}}` stands in the place of a table named `j`, whose columns are
    /// these, and `place`, where in the array a row stands. One that changes something changes one row
    /// of the database for each row of `j`; a question begins its answers with the `place`.
    #[must_use]
    pub const fn new(sql: &'static str, columns: &'static [(&'static str, Kind)]) -> Self {
        Self { sql, columns, on_sqlite: OnceLock::new(), on_postgres: OnceLock::new() }
    }

    /// The statement for these rows.
    pub(super) fn with(&self, backend: DbBackend, rows: &[&Row]) -> Statement {
        Statement::from_sql_and_values(backend, self.sql(backend), [array(rows).into()])
    }

    /// Its words, with `$1` for the rows.
    pub(super) fn sql(&self, backend: DbBackend) -> &str {
        let built = match backend {
            DbBackend::Postgres => &self.on_postgres,
            _ => &self.on_sqlite,
        };
        built.get_or_init(|| {
            let sql = self.sql.replace("{{rows}}", &source(backend, self.columns));
            if backend == DbBackend::Postgres { sql } else { without_way_back(sql) }
        })
    }
}

impl Row {
    pub(crate) fn of(values: impl IntoIterator<Item = Value>) -> Self {
        Self(Value::Array(values.into_iter().collect()).to_string())
    }
}

fn source(backend: DbBackend, columns: &[(&str, Kind)]) -> String {
    let column = |(place, (name, kind)): (usize, &(&str, Kind))| {
        let value = format!("value ->> {place}");
        let value = match (backend, kind) {
            (DbBackend::Postgres, Kind::Number) => format!("({value})::BIGINT"),
            (DbBackend::Postgres, Kind::Flag) => format!("({value})::BOOLEAN"),
            (DbBackend::Postgres, Kind::Bytes) => format!("decode({value}, 'hex')"),
            (_, Kind::Bytes) => format!("unhex({value})"),
            (DbBackend::Postgres, Kind::Text) | (_, Kind::Text | Kind::Number | Kind::Flag) => value,
        };
        format!("{value} AS {name}")
    };
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    let elements = match backend {
        DbBackend::Postgres => "ordinality - 1 AS place FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY",
        _ => "key AS place FROM json_each($1)",
    };
    format!("(SELECT {}, {elements}) AS j", columns.join(", "))
}

/// SQLite notes each page before a statement changes it, to undo what a statement did that fails halfway.
/// What is executed here takes its whole transaction with it when it fails.
fn without_way_back(sql: String) -> String {
    match sql.split_once(' ') {
        Some((verb @ ("INSERT" | "UPDATE"), rest)) => format!("{verb} OR FAIL {rest}"),
        _ => sql,
    }
}

pub(super) fn array(rows: &[&Row]) -> String {
    let mut array = String::with_capacity(rows.iter().map(|row| row.0.len() + 1).sum::<usize>() + 1);
    for row in rows {
        array.push(if array.is_empty() { '[' } else { ',' });
        array.push_str(&row.0);
    }
    array.push(']');
    array
}

/// The rows in parts that a statement can carry.
pub(super) fn parts<'a, 'r>(rows: &'a [&'r Row]) -> impl Iterator<Item = &'a [&'r Row]> {
    let mut left = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&&Row| {
            bytes += row.0.len();
            bytes <= MOST_BYTES
        };
        let count = left.iter().take(MOST_ROWS).take_while(fits).count().max(1);
        let (part, rest) = left.split_at_checked(count)?;
        left = rest;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_so_many_rows_and_bytes_and_at_least_one() {
        let lengths = |rows: &[Row]| {
            let rows: Vec<&Row> = rows.iter().collect();
            parts(&rows).map(<[&Row]>::len).collect::<Vec<_>>()
        };
        let small = Row::of(["a".into(), 1.into()]);
        assert_eq!(lengths(&[]), [0; 0]);
        assert_eq!(lengths(&vec![small.clone(); 2_001]), [1_000, 1_000, 1]);
        let large = Row::of(["x".repeat(3 << 20).into()]);
        let huge = Row::of(["x".repeat(5 << 20).into()]);
        assert_eq!(lengths(&[small.clone(), large.clone(), large, huge, small]), [2, 1, 1, 1]);
    }
}
