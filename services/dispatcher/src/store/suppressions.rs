//! Addresses that are not used like others, for each school: written with the outcome or the
//! receipt that condemns them, read by every plan, lifted by what is delivered there after all.
//!
//! The key is the address as it is compared. A keyed hash would hide nothing from whoever reads this
//! database, where the key would stand beside it and numbers can be counted through; and erasing
//! somebody's address finds it here by its value.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Error, Store};
use proto::ids::SchoolId;
use sea_orm::{ConnectionTrait, Statement};

use super::parsed;
use super::settle::Finished;
use crate::domain::{Suppressed, Suppression};

/// The addresses of a school that are not used like others.
pub async fn of(store: &Store, school: SchoolId) -> Result<Suppressed, Error> {
    let sql = "SELECT address, kind, delivery_id FROM suppressions WHERE school = $1";
    let mut suppressed = Suppressed::none();
    for row in store.read().query_all_raw(store.statement(sql, [school.to_string().into()])).await? {
        let kind: String = row.try_get("", "kind")?;
        let kind: Suppression = parsed(&kind, "kind of a suppression")?;
        suppressed = suppressed.with(row.try_get("", "address")?, kind, row.try_get("", "delivery_id")?);
    }
    Ok(suppressed)
}

/// What a code says about the address of a delivery as such: the statement that keeps it, if it
/// condemns the address. The first word stands, but for an opt-out, which outlives any failure.
#[must_use]
pub fn condemned(store: &Store, delivery: &str, code: &str, now: Timestamp) -> Option<Statement> {
    let kind = Suppression::by_code(code)?;
    let sql = "INSERT INTO suppressions (school, address, kind, why, delivery_id, at) \
               SELECT school, lower(address), $1, $2, id, $3 FROM deliveries \
               WHERE id = $4 AND state <> 'delivered' AND address <> '' \
               ON CONFLICT (school, address) DO UPDATE SET kind = excluded.kind, why = excluded.why, \
               delivery_id = excluded.delivery_id, at = excluded.at \
               WHERE suppressions.kind = 'dead' AND excluded.kind <> 'dead'";
    let values = [kind.as_str().into(), code.into(), micros(now).into(), delivery.into()];
    Some(store.statement(sql, values))
}

/// The same for what came of a batch.
pub(super) fn after<'a>(
    store: &'a Store,
    batch: &'a [Finished],
    now: Timestamp,
) -> impl Iterator<Item = Statement> {
    let of = move |finished: &'a Finished| condemned(store, &finished.delivery, finished.settled.code, now);
    batch.iter().filter_map(of)
}

/// Something got there after all, so that the addresses of these deliveries are not dead: for the rows
/// of a batch.
#[must_use]
pub(super) fn alive(rows: &str) -> String {
    format!(
        "DELETE FROM suppressions WHERE kind = 'dead' AND (school, address) IN \
         (SELECT d.school, lower(d.address) FROM deliveries d JOIN {rows} ON d.id = j.id)"
    )
}

/// An address that was dead for as long as addresses are kept is forgotten: it is condemned again when it
/// is tried again. Whose owner asked for no more messages is kept for as long as that is respected.
#[must_use]
pub(super) fn erased(store: &Store, before: Timestamp) -> Statement {
    let sql = "DELETE FROM suppressions WHERE kind = 'dead' AND at < $1";
    store.statement(sql, [micros(before).into()])
}

/// Whoever has an address asks for messages again: the only thing that lifts an opt-out.
#[must_use]
pub fn asked_for_messages(store: &Store, school: SchoolId, key: &str) -> Statement {
    let sql = "DELETE FROM suppressions WHERE school = $1 AND address = $2";
    store.statement(sql, [school.to_string().into(), key.into()])
}
