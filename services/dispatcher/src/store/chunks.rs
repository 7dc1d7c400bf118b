//! Leasing work: a sender takes a chunk, keeps renewing its lease, and lets it go.
//!
//! A chunk whose sender died is free again when its lease has run out. Leases run on real time,
//! dues on the school's.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use proto::ids::SchoolId;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter};
use serde::Deserialize;

use super::gatherings::about;
use super::{among, parsed, rows};
use crate::channels::ChannelName;
use crate::domain::plan::Member;
use crate::domain::{About, DeliveryState, NoticeKind, Reason};
use crate::routes::Lane;

/// How long a lease lasts without being renewed.
pub const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// A leased chunk.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Its id.
    pub id: String,
    /// The school of its deliveries.
    pub school: SchoolId,
    /// By what they leave.
    pub channel: ChannelName,
    /// The lane that it came in.
    pub lane: Lane,
}

/// Chunks of one channel and lane that nobody works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// By what they leave.
    pub channel: String,
    /// The lane.
    pub lane: i64,
    /// When the first of them is due.
    pub due_at: Timestamp,
}

/// Whose chunks a sender's loop takes: each lane of each channel has loops of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Those of one lane of one channel.
    Of(ChannelName, Lane),
    /// Those of channels that are none of these, because they have been taken away since.
    Beside(Vec<ChannelName>),
}

impl Line {
    /// Whether these are of it.
    #[must_use]
    pub fn takes(&self, waiting: &Waiting) -> bool {
        match self {
            Self::Of(channel, lane) => channel.as_str() == waiting.channel && lane.order() == waiting.lane,
            Self::Beside(channels) => channels.iter().all(|channel| channel.as_str() != waiting.channel),
        }
    }

    /// The same in a statement. A channel's name is made of letters, digits and a dot only.
    fn condition(&self) -> String {
        match self {
            Self::Of(channel, lane) => format!("channel = '{channel}' AND lane = {}", lane.order()),
            Self::Beside(channels) if channels.is_empty() => "TRUE".to_owned(),
            Self::Beside(channels) => {
                let names: Vec<String> = channels.iter().map(|channel| format!("'{channel}'")).collect();
                format!("channel NOT IN ({})", names.join(", "))
            }
        }
    }
}

/// An open delivery of a chunk.
#[derive(Clone)]
pub struct Delivery {
    /// Its id, which is our reference at the provider.
    pub id: String,
    /// What it tells.
    pub kind: NoticeKind,
    /// The gathering.
    pub gathering: String,
    /// By what it goes.
    pub channel: ChannelName,
    /// Where it goes.
    pub address: String,
    /// What is known of it.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// Until when it is worth sending.
    pub valid_until: Timestamp,
    /// Until when this address is waited for; none before the first attempt.
    pub patience_until: Option<Timestamp>,
    /// Whether it has said nothing about any child so far, where that depends on who reads it; none
    /// before it was worded.
    pub general: Option<bool>,
}

/// A contact who learns about a pupil from a delivery.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// Who about whom.
    pub member: Member,
    /// Why there is nothing to tell any more, if there is not.
    pub withdrawn: Option<Reason>,
    /// The trace in which the fact was heard, if it is known.
    pub trace: Option<Arc<str>>,
}

#[expect(clippy::struct_field_names, reason = "they are called like the columns")]
#[derive(Deserialize)]
struct MemberOf {
    delivery_id: String,
    contact_id: String,
    pupil_id: String,
    notice_id: String,
}

#[derive(Deserialize)]
struct Open {
    id: String,
    kind: String,
    gathering_id: String,
    channel: String,
    address: String,
    state: String,
    attempts: i64,
    valid_until: i64,
    patience_until: Option<i64>,
    general: Option<bool>,
}

/// Takes the next chunk of a line that is due, the longest due first within a lane.
pub async fn claim(store: &Store, line: &Line, owner: &str) -> Result<Option<Chunk>, Error> {
    let lock = if store.backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "UPDATE chunks SET owner = $1, lease_until = $2 WHERE id = (\
         SELECT id FROM chunks WHERE due_at <= $3 AND (lease_until IS NULL OR lease_until < $4) \
         AND {} ORDER BY lane, due_at LIMIT 1 {lock}) RETURNING id, school, channel, lane",
        line.condition()
    );
    let (now, real) = (store.clock().now(), store.clock().real());
    let until = real.saturating_add(LEASE).unwrap_or(real);
    let values = [owner.into(), micros(until).into(), micros(now).into(), micros(real).into()];
    let tx = store.begin().await?;
    let row = tx.query_one_raw(store.statement(&sql, values)).await?;
    tx.commit().await?;
    row.map(|row| {
        let (school, channel): (String, String) = (row.try_get("", "school")?, row.try_get("", "channel")?);
        Ok(Chunk {
            id: row.try_get("", "id")?,
            school: parsed(&school, "school of a chunk")?,
            channel: parsed(&channel, "channel of a chunk")?,
            lane: Lane::by_order(row.try_get("", "lane")?)
                .ok_or(Error::Corrupt { what: "lane of a chunk" })?,
        })
    })
    .transpose()
}

/// Keeps a chunk; false when it is no longer ours.
pub async fn renew(store: &Store, chunk: &str, owner: &str) -> Result<bool, Error> {
    let real = store.clock().real();
    let until = real.saturating_add(LEASE).unwrap_or(real);
    let sql = "UPDATE chunks SET lease_until = $1 WHERE id = $2 AND owner = $3";
    changed(store, sql, [micros(until).into(), chunk.into(), owner.into()]).await
}

/// Gives a chunk back, to be taken again at a time.
pub async fn release(store: &Store, chunk: &str, owner: &str, due_at: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE chunks SET owner = NULL, lease_until = NULL, due_at = $1 WHERE id = $2 AND owner = $3";
    changed(store, sql, [micros(due_at).into(), chunk.into(), owner.into()]).await
}

/// Removes a chunk in which nothing is open any more.
pub async fn close(store: &Store, chunk: &str, owner: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM chunks WHERE id = $1 AND owner = $2 \
               AND NOT EXISTS (SELECT 1 FROM deliveries WHERE chunk_id = $1)";
    changed(store, sql, [chunk.into(), owner.into()]).await
}

async fn changed(
    store: &Store,
    sql: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Result<bool, Error> {
    let tx = store.begin().await?;
    let affected = tx.execute_raw(store.statement(sql, values)).await?.rows_affected();
    tx.commit().await?;
    Ok(affected == 1)
}

/// What nobody works on, whenever it is due.
pub async fn waiting(store: &Store) -> Result<Vec<Waiting>, Error> {
    let sql = "SELECT channel, lane, MIN(due_at) AS due_at FROM chunks \
               WHERE lease_until IS NULL OR lease_until < $1 GROUP BY channel, lane";
    let real = micros(store.clock().real());
    let rows = store.read().query_all_raw(store.statement(sql, [real.into()])).await?;
    rows.iter()
        .map(|row| {
            let due_at = from_micros(row.try_get("", "due_at")?);
            Ok(Waiting { channel: row.try_get("", "channel")?, lane: row.try_get("", "lane")?, due_at })
        })
        .collect()
}

/// The open deliveries of a chunk, in the order of their ids.
pub async fn open_deliveries(store: &Store, chunk: &str, most: u64) -> Result<Vec<Delivery>, Error> {
    let sql = "SELECT id, kind, gathering_id, channel, address, state, attempts, valid_until, patience_until, \
               general FROM deliveries WHERE chunk_id = $1 ORDER BY id LIMIT $2";
    let values = [chunk.into(), i64::try_from(most).unwrap_or(i64::MAX).into()];
    let columns = [
        ("id", "TEXT"),
        ("kind", "TEXT"),
        ("gathering_id", "TEXT"),
        ("channel", "TEXT"),
        ("address", "TEXT"),
        ("state", "TEXT"),
        ("attempts", "BIGINT"),
        ("valid_until", "BIGINT"),
        ("patience_until", "BIGINT"),
        ("general", "BOOLEAN"),
    ];
    let rows: Vec<Open> = store.rows(sql, &columns, values).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Delivery {
                kind: parsed(&row.kind, "kind of a delivery")?,
                channel: parsed(&row.channel, "channel of a delivery")?,
                state: parsed(&row.state, "state of a delivery")?,
                attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
                valid_until: from_micros(row.valid_until),
                patience_until: row.patience_until.map(from_micros),
                id: row.id,
                gathering: row.gathering_id,
                address: row.address,
                general: row.general,
            })
        })
        .collect()
}

/// The members of deliveries who were not dropped, and whether their notices still hold.
pub async fn members(store: &Store, deliveries: &[String]) -> Result<Vec<(String, MemberRow)>, Error> {
    let deliveries = serde_json::to_string(deliveries).map_err(|_| Error::Corrupt { what: "batch" })?;
    let sql = format!(
        "SELECT delivery_id, contact_id, pupil_id, notice_id FROM members WHERE {} AND why = ''",
        among(store.backend(), "delivery_id")
    );
    let columns =
        [("delivery_id", "TEXT"), ("contact_id", "TEXT"), ("pupil_id", "TEXT"), ("notice_id", "TEXT")];
    let rows: Vec<MemberOf> = store.rows(&sql, &columns, [deliveries.into()]).await?;
    let notices: BTreeSet<&str> = rows.iter().map(|row| row.notice_id.as_str()).collect();
    let notices: HashMap<String, (Option<Reason>, Option<Arc<str>>)> = rows::notices::Entity::find()
        .filter(rows::notices::Column::Id.is_in(notices))
        .all(store.read())
        .await?
        .into_iter()
        .map(|notice| {
            let why = || Reason::by_code(&notice.why).unwrap_or(Reason::Recalled);
            let withdrawn = (notice.state == "withdrawn").then(why);
            (notice.id, (withdrawn, notice.traceparent.map(Arc::from)))
        })
        .collect();
    rows.into_iter()
        .map(|row| {
            let member = (
                parsed(&row.contact_id, "contact of a member")?,
                parsed(&row.pupil_id, "pupil of a member")?,
            );
            let (withdrawn, trace) = notices.get(&row.notice_id).cloned().unwrap_or_default();
            Ok((row.delivery_id, MemberRow { member, withdrawn, trace }))
        })
        .collect()
}

/// What a gathering carries.
pub struct Carried {
    /// What it is about.
    pub about: About,
    /// An exercise: nothing of it leaves.
    pub drill: bool,
}

/// What gatherings carry.
pub async fn matters(
    store: &Store,
    gatherings: &BTreeSet<String>,
) -> Result<HashMap<String, Carried>, Error> {
    let rows = rows::gatherings::Entity::find()
        .filter(rows::gatherings::Column::Id.is_in(gatherings.iter().map(String::as_str)))
        .all(store.read())
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.id.clone(), Carried { about: about(&row)?, drill: row.drill })))
        .collect()
}
