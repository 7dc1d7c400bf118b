//! Many values in one bind: a JSON text, which both databases turn into rows. The statement stays
//! the same however many there are, so that it is prepared once.

use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;

use super::Store;

/// The `FROM` part that turns the JSON array of objects in `$1` into rows named `j`.
#[must_use]
pub fn json_rows(backend: DbBackend, columns: &[(&str, &str)]) -> String {
    if backend == DbBackend::Postgres {
        let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        return format!("jsonb_to_recordset($1::jsonb) AS j({})", columns.join(", "));
    }
    let columns: Vec<String> =
        columns.iter().map(|(name, _)| format!("json_extract(value, '$.{name}') AS {name}")).collect();
    format!("(SELECT {} FROM json_each($1)) AS j", columns.join(", "))
}

/// That a text column is one of the JSON array of texts in `$1`.
#[must_use]
pub fn among(backend: DbBackend, column: &str) -> String {
    let values = match backend {
        DbBackend::Postgres => "SELECT jsonb_array_elements_text($1::jsonb)",
        _ => "SELECT value FROM json_each($1)",
    };
    one_of(backend, column, values)
}

/// That a column is one of a few values that are selected.
#[must_use]
pub fn one_of(backend: DbBackend, column: &str, values: &str) -> String {
    match backend {
        // An array is looked up in an index, value by value. Rows to be joined are unfolded anew for each row
        // of the table, or all of the table is read, because PostgreSQL cannot know how few they are.
        DbBackend::Postgres => format!("{column} = ANY(ARRAY({values}))"),
        _ => format!("{column} IN ({values})"),
    }
}

impl Store {
    /// That a text column has one of these values.
    pub fn among<T: AsRef<str>>(&self, column: &'static str, values: impl IntoIterator<Item = T>) -> Expr {
        let values: Vec<serde_json::Value> = values.into_iter().map(|value| value.as_ref().into()).collect();
        // Within a query that is built, SQLite's values have no numbers.
        let among = match self.backend() {
            DbBackend::Postgres => among(DbBackend::Postgres, column),
            backend => among(backend, column).replace("$1", "?"),
        };
        Expr::cust_with_values(among, [serde_json::Value::from(values).to_string()])
    }
}
