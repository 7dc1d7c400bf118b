//! Answers of many rows, read whole.
//!
//! SQLite's thread hands over row by row, each column of each a value of its own, and wakes whoever
//! waits. As one JSON text the rows of a batch cross once.

use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, Iterable, QueryTrait,
    Select, Value,
};
use serde::de::DeserializeOwned;

use super::{Error, Store};

impl Store {
    /// All rows of a selection, in its order. Its table has no column of bytes.
    pub async fn all<E>(&self, wanted: Select<E>) -> Result<Vec<E::Model>, Error>
    where
        E: EntityTrait,
        E::Model: DeserializeOwned,
    {
        if self.backend() == DbBackend::Postgres {
            return Ok(wanted.all(self.read()).await?);
        }
        let kind = |column: &E::Column| match column.def().get_column_type() {
            ColumnType::Boolean => "BOOLEAN",
            _ => "",
        };
        let columns: Vec<E::Column> = E::Column::iter().collect();
        let columns: Vec<(&str, &str)> =
            columns.iter().map(|column| (column.as_str(), kind(column))).collect();
        let wanted = wanted.build(self.backend());
        self.rows(&wanted.sql, &columns, wanted.values.map_or_else(Vec::new, |values| values.0)).await
    }

    /// All rows that a statement selects, in its order. `columns` are what it selects, each with its type;
    /// only that of a `BOOLEAN` matters.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        columns: &[(&str, &str)],
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>, Error> {
        let whole = if self.backend() == DbBackend::Postgres {
            format!("SELECT CAST(COALESCE(json_agg(t), '[]') AS TEXT) AS whole FROM ({sql}) AS t")
        } else {
            let columns: Vec<String> = columns.iter().map(|column| member(*column)).collect();
            format!("SELECT json_group_array(json_object({})) AS whole FROM ({sql})", columns.join(", "))
        };
        let row = self.read().query_one_raw(self.statement(&whole, values)).await?;
        let whole: String = row.ok_or(Error::Corrupt { what: "answer" })?.try_get("", "whole")?;
        serde_json::from_str(&whole).map_err(|_| Error::Corrupt { what: "answer" })
    }
}

/// SQLite keeps a truth as a number, which JSON does not take for one.
fn member((name, kind): (&str, &str)) -> String {
    match kind {
        "BOOLEAN" => format!("'{name}', CASE {name} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"),
        _ => format!("'{name}', {name}"),
    }
}
