//! Erasing what says where somebody can be found, and what was told: the addresses of deliveries with the
//! provider's reference, what the words of a gathering were made from, and what people wrote when they
//! recalled something, asked for it again or did a task, and dead addresses that were kept aside. The fact of a delivery stays: whom it told of
//! whom, by which channel, when, what became of it and why.
//!
//! What it leaves alone: a gathering that has not left or is not written out whole, or of which a message is still open, waits for
//! its receipt or wants a next address. Each stroke is one short transaction and finds by itself what is
//! left to do, so a kill costs nothing.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Error, Store, erase as common};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{among, suppressions};

/// Gatherings that are worked on together.
const GATHERINGS: u64 = 200;

/// How many rows one transaction may change.
#[derive(Debug, Clone, Copy)]
pub struct Stroke(pub u64);

/// Long enough to be quick, short enough to keep no sender waiting.
pub const STROKE: Stroke = Stroke(1_000);

/// Nothing more comes of a delivery by itself.
const ENDED: &str = "chunk_id IS NULL AND NOT next_address AND patience_until IS NULL";

/// How much was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Addresses of deliveries, and those that were known to be dead.
    pub addresses: u64,
    /// Gatherings, with what their words were made from.
    pub gatherings: u64,
    /// What people wrote, and what was put aside.
    pub words: u64,
}

/// Erases what was over before an instant. Again, it changes nothing.
pub async fn erase(
    store: &Store,
    before: Timestamp,
    now: Timestamp,
    stroke: Stroke,
) -> Result<Erased, Error> {
    let mut erased = Erased::default();
    loop {
        let over = over(store, before).await?;
        if over.is_empty() {
            break;
        }
        let ids = serde_json::to_string(&over).map_err(|_| Error::Corrupt { what: "batch" })?;
        loop {
            let addresses = changed(store, addresses(store, &ids, now, stroke)).await?;
            erased.addresses += addresses;
            if addresses < stroke.0 {
                break;
            }
        }
        let gatherings = changed(store, matters(store, &ids, now)).await?;
        erased.gatherings += gatherings;
        // Another replica has them in hand, or one of them has woken up.
        if gatherings == 0 {
            break;
        }
    }
    for table in ["recalls", "redeliveries"] {
        erased.words += changed(store, whys(store, table, before)).await?;
    }
    erased.addresses += changed(store, suppressions::erased(store, before)).await?;
    erased.words += common::erase(store, before, now).await?;
    Ok(erased)
}

/// The gatherings of which nothing was worth telling any more, the oldest first.
async fn over(store: &Store, before: Timestamp) -> Result<Vec<String>, Error> {
    let sql = format!(
        "SELECT id FROM gatherings g WHERE erased_at IS NULL AND valid_until < $1 AND state = 'left' \
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE gathering_id = g.id AND NOT ({ENDED})) \
         AND NOT EXISTS (SELECT 1 FROM parts WHERE gathering_id = g.id) \
         ORDER BY valid_until LIMIT {GATHERINGS}"
    );
    let found = store.read().query_all_raw(store.statement(&sql, [micros(before).into()])).await?;
    found.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

fn addresses(store: &Store, gatherings: &str, now: Timestamp, stroke: Stroke) -> Statement {
    // Two replicas do not wait for each other.
    let lock = if store.backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let (these, most) = (among(store.backend(), "gathering_id"), stroke.0);
    let sql = format!(
        "UPDATE deliveries SET address = '', reference = NULL, erased_at = $2 WHERE id IN \
         (SELECT id FROM deliveries WHERE {these} AND erased_at IS NULL AND {ENDED} \
         LIMIT {most} {lock})"
    );
    store.statement(&sql, [gatherings.into(), micros(now).into()])
}

fn matters(store: &Store, gatherings: &str, now: Timestamp) -> Statement {
    let these = among(store.backend(), "id");
    let sql = format!(
        "UPDATE gatherings SET about = '', erased_at = $2 WHERE {these} AND erased_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.gathering_id = gatherings.id AND d.erased_at IS NULL)"
    );
    store.statement(&sql, [gatherings.into(), micros(now).into()])
}

/// People write a few words a week here, so one stroke takes them all.
fn whys(store: &Store, table: &str, before: Timestamp) -> Statement {
    let sql = format!("UPDATE {table} SET why = $1 WHERE at < $2 AND why <> $1");
    store.statement(&sql, [common::ERASED.into(), micros(before).into()])
}

async fn changed(store: &Store, statement: Statement) -> Result<u64, Error> {
    let tx = store.begin().await?;
    let rows = tx.execute_raw(statement).await?.rows_affected();
    tx.commit().await?;
    Ok(rows)
}
