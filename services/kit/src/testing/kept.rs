//! What a decision left behind in a store, for one tenant: facts, tasks and who did what.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "only tests call this, and they should stop here"
)]

use sea_orm::{ConnectionTrait, QueryResult};

use crate::Tenant;
use crate::store::Store;

/// A task, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is to be done.
    pub kind: String,
    /// Whose it is.
    pub role: String,
    /// Whom it is about.
    pub subjects: Vec<String>,
    /// Why.
    pub why: String,
}

/// The rows of a query whose only parameter, `$1`, is the tenant.
pub async fn rows(store: &Store, tenant: Tenant, sql: &str) -> Vec<QueryResult> {
    let statement = store.statement(sql, [tenant.to_string().into()]);
    store.read().query_all_raw(statement).await.unwrap()
}

/// A column that holds text.
pub fn text(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap()
}

/// Every fact so far, oldest first.
pub async fn facts(store: &Store, tenant: Tenant) -> Vec<serde_json::Value> {
    let statement = store.statement("SELECT body FROM outbox ORDER BY id", []);
    let bodies = store.read().query_all_raw(statement).await.unwrap();
    let facts = bodies.iter().map(|row| serde_json::from_str(&text(row, "body")).unwrap());
    facts.filter(|fact: &serde_json::Value| fact["school"] == tenant.to_string()).collect()
}

/// Every task so far, by kind, and of one kind the oldest first.
pub async fn tasks(store: &Store, tenant: Tenant) -> Vec<Task> {
    let sql = "SELECT kind, role, subjects, why FROM tasks WHERE tenant = $1 ORDER BY kind, id";
    let rows = rows(store, tenant, sql).await;
    let task = |row: &QueryResult| Task {
        kind: text(row, "kind"),
        role: text(row, "role"),
        subjects: serde_json::from_str(&text(row, "subjects")).unwrap(),
        why: text(row, "why"),
    };
    rows.iter().map(task).collect()
}

/// Who did what to whose data, oldest first.
pub async fn audit(store: &Store, tenant: Tenant) -> Vec<(String, String, String)> {
    let sql = "SELECT who, rpc, subjects FROM audit WHERE tenant = $1 ORDER BY id";
    let rows = rows(store, tenant, sql).await;
    rows.iter().map(|row| (text(row, "who"), text(row, "rpc"), text(row, "subjects"))).collect()
}
