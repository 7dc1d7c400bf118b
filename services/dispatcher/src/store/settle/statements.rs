//! The statements of a settlement: one for everything of a kind in a batch.

use kit::store::Error;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::domain::DeliveryState;
use crate::store::{among, json_rows};

/// Where deliveries stand now.
pub(super) async fn update_deliveries(tx: &DatabaseTransaction, json: &str, now: i64) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let from = json_rows(
        backend,
        &[
            ("id", "TEXT"),
            ("chunk_id", "TEXT"),
            ("state", "TEXT"),
            ("why", "TEXT"),
            ("attempts", "BIGINT"),
            ("reference", "TEXT"),
            ("patience_until", "BIGINT"),
            ("next_address", "BOOLEAN"),
        ],
    );
    // A receipt may have been faster, and a recall may have come while the request was under way:
    // what is known better stays, and what was really accepted is accepted.
    let step = |next: DeliveryState| {
        let from = DeliveryState::listed(|state| state.may_settle_as(next));
        format!("(j.state = '{}' AND deliveries.state IN ({from}))", next.as_str())
    };
    let steps = DeliveryState::ALL.map(step);
    let sql = format!(
        "UPDATE deliveries SET chunk_id = j.chunk_id, state = j.state, why = j.why, attempts = j.attempts, \
         reference = COALESCE(j.reference, deliveries.reference), patience_until = j.patience_until, \
         next_address = j.next_address, updated_at = $2 FROM {from} \
         WHERE deliveries.id = j.id AND ({})",
        steps.join(" OR ")
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [json.into(), now.into()])).await?;
    Ok(())
}

/// A receipt or a recall that was faster leaves nothing to start.
pub(super) async fn mark_started(tx: &DatabaseTransaction, starting: &str, now: i64) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let (these, from) = (among(backend, "id"), DeliveryState::listed(DeliveryState::is_open));
    let sql = format!(
        "UPDATE deliveries SET state = '{}', updated_at = $2 WHERE {these} AND state IN ({from})",
        DeliveryState::Started.as_str()
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [starting.into(), now.into()])).await?;
    Ok(())
}

/// Whoever was named in a message that left, or may have left, counts as told.
pub(super) async fn mark_told(tx: &DatabaseTransaction, left: &str) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let these = among(backend, "delivery_id");
    let sql = format!(
        "UPDATE members SET told = TRUE WHERE {these} AND why = '' AND NOT EXISTS \
         (SELECT 1 FROM deliveries WHERE deliveries.id = members.delivery_id AND deliveries.state = '{}')",
        DeliveryState::Failed.as_str()
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [left.into()])).await?;
    Ok(())
}

/// The requests.
pub(super) async fn insert_attempts(tx: &DatabaseTransaction, json: &str, now: i64) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let columns = [("id", "TEXT"), ("started_at", "BIGINT"), ("state", "TEXT"), ("why", "TEXT")];
    let sql = format!(
        "INSERT INTO attempts (delivery_id, started_at, ended_at, state, why) \
         SELECT j.id, j.started_at, CAST($2 AS BIGINT), j.state, j.why FROM {}",
        json_rows(backend, &columns)
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [json.into(), now.into()])).await?;
    Ok(())
}
