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

/// The subselect that turns the JSON array of texts in `$1` into rows.
#[must_use]
pub fn json_texts(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "SELECT jsonb_array_elements_text($1::jsonb)",
        _ => "SELECT value FROM json_each($1)",
    }
}

impl Store {
    /// That a text column has one of these values.
    pub fn among<T: AsRef<str>>(&self, column: &'static str, values: impl IntoIterator<Item = T>) -> Expr {
        let values: Vec<serde_json::Value> = values.into_iter().map(|value| value.as_ref().into()).collect();
        // Within a query that is built, SQLite's values have no numbers.
        let among = match self.backend() {
            DbBackend::Postgres => format!("{column} IN ({})", json_texts(DbBackend::Postgres)),
            backend => format!("{column} IN ({})", json_texts(backend).replace("$1", "?")),
        };
        Expr::cust_with_values(among, [serde_json::Value::from(values).to_string()])
    }
}
