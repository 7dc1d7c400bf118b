//! Erasing what the common tables hold of people's words: the content of dead letters, what somebody wrote when
//! a task was done, and the reasons that stand in the audit. That they were there, why, when and who did it stays.
//!
//! A service calls this that keeps such things no longer than somebody has said; nothing here runs by
//! itself.

use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use super::{Error, Store};
use crate::clock::micros;

/// Rows per transaction, so that commits need not wait for a large broom.
const STROKE: u64 = 1_000;

/// What stands in the place of the words.
pub const ERASED: &str = "(erased: it was kept for long enough)";

/// Erases what is from before an instant; answers with how many rows that were. A dead letter goes also
/// when nobody has put it through by then. What a person still has to do is not touched.
pub async fn erase(store: &Store, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
    let letters = format!(
        "UPDATE dead_letters SET body = $1, erased_at = $2 WHERE id IN \
         (SELECT id FROM dead_letters WHERE erased_at IS NULL AND died_at < $3 LIMIT {STROKE})"
    );
    let values = [Vec::<u8>::new().into(), micros(now).into(), micros(before).into()];
    let letters = store.statement(&letters, values);
    let outcomes = format!(
        "UPDATE tasks SET outcome = $1 WHERE id IN (SELECT id FROM tasks WHERE state = 'done' \
         AND opened_at < $2 AND outcome <> '' AND outcome <> $1 LIMIT {STROKE})"
    );
    let outcomes = store.statement(&outcomes, [ERASED.into(), micros(before).into()]);
    let reasons = format!(
        "UPDATE audit SET why = $1 WHERE id IN (SELECT id FROM audit WHERE at < $2 AND why <> '' AND why <> $1 \
         LIMIT {STROKE})"
    );
    let reasons = store.statement(&reasons, [ERASED.into(), micros(before).into()]);
    let mut erased = 0;
    for statement in [letters, outcomes, reasons] {
        loop {
            let tx = store.begin().await?;
            let rows = tx.execute_raw(statement.clone()).await?.rows_affected();
            tx.commit().await?;
            erased += rows;
            if rows < STROKE {
                break;
            }
        }
    }
    Ok(erased)
}
