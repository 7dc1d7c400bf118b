//! What waits, for those who watch: how much of each lane is open, and since when the oldest should have
//! left. Bounded: a bulk run of a million costs no more to look at than one of twenty thousand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use sea_orm::{ConnectionTrait, QueryResult};

use super::{parsed, parts};
use crate::domain::NoticeKind;
use crate::routes::{Lane, Timing, route};

/// Chunks of a lane that are looked into, those first that have been due for longest.
const CHUNKS: u64 = 200;
/// Deliveries of a lane that are counted.
const DELIVERIES: u64 = 20_000;

/// What waits in a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages that are to leave, or to be asked about.
    pub open: u32,
    /// Messages that wait for a time of their own.
    pub held: u32,
    /// Since when the oldest waits of what should have left.
    pub since: Option<Timestamp>,
}

impl Waiting {
    fn is_as_old_as(&mut self, since: Option<i64>) {
        let since = since.map(from_micros);
        self.since = match (self.since, since) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
    }
}

/// What waits in each lane: in its chunks, in gatherings that should have left, in plans that are not written
/// out, and for next addresses.
pub async fn read(store: &Store, timing: &Timing, now: Timestamp) -> Result<BTreeMap<Lane, Waiting>, Error> {
    let mut lanes = BTreeMap::new();
    for lane in Lane::ALL {
        lanes.insert(lane, in_chunks(store, lane, now).await?);
    }
    let leaving = "SELECT kind, MIN(leaves_at) AS since FROM gatherings \
                   WHERE state = 'open' AND leaves_at <= $1 GROUP BY kind";
    let wanted = format!(
        "SELECT kind, MIN(since) AS since FROM (SELECT kind, updated_at AS since FROM deliveries \
         WHERE next_address AND updated_at <= $1 LIMIT {DELIVERIES}) AS wanted GROUP BY kind"
    );
    for sql in [leaving, &wanted] {
        for row in store.read().query_all_raw(store.statement(sql, [micros(now).into()])).await? {
            let kind: String = row.try_get("", "kind")?;
            let kind: NoticeKind = parsed(&kind, "kind of a gathering")?;
            lanes.entry(route(kind, timing).lane).or_default().is_as_old_as(row.try_get("", "since")?);
        }
    }
    for (lane, since) in parts::waiting(store).await? {
        lanes.entry(lane).or_default().is_as_old_as(Some(since));
    }
    Ok(lanes)
}

async fn in_chunks(store: &Store, lane: Lane, now: Timestamp) -> Result<Waiting, Error> {
    // What is tried again later has waited since it was made; what is held, since it might have left.
    let sql = format!(
        "SELECT COUNT(*) AS number, COALESCE(SUM(held), 0) AS held, MIN(since) AS since FROM (\
         SELECT CASE WHEN d.state = 'held' THEN 1 ELSE 0 END AS held, \
         CASE WHEN d.state <> 'held' THEN d.created_at WHEN c.due_at <= $2 THEN c.due_at END AS since \
         FROM (SELECT id, due_at FROM chunks WHERE lane = $1 ORDER BY due_at LIMIT {CHUNKS}) AS c \
         JOIN deliveries d ON d.chunk_id = c.id LIMIT {DELIVERIES}) AS waiting"
    );
    let values = [lane.order().into(), micros(now).into()];
    let Some(row) = store.read().query_one_raw(store.statement(&sql, values)).await? else {
        return Ok(Waiting::default());
    };
    let (all, held) = (number(&row, "number")?, number(&row, "held")?);
    let mut waiting = Waiting { open: all.saturating_sub(held), held, since: None };
    waiting.is_as_old_as(row.try_get("", "since")?);
    Ok(waiting)
}

fn number(row: &QueryResult, column: &str) -> Result<u32, Error> {
    let number: i64 = row.try_get("", column)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}
