//! The rows of a plan: chunks of deliveries with their members, and every decision. A closure makes
//! thousands, so they go as JSON texts that the database turns into rows.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error};
use proto::ids::{ChunkId, DeliveryId};
use sea_orm::Value;
use serde::Serialize;

use super::json_rows;
use super::plans::Writing;
use crate::channels::ChannelName;
use crate::domain::plan::Plan;
use crate::domain::{DeliveryState, Reason};

/// How many deliveries a sender leases at once.
const CHUNK: usize = 1_000;
/// How many decisions one statement writes.
const DECISIONS: usize = 5_000;

/// The rows of one chunk.
struct Chunk<'a> {
    id: String,
    channel: &'a ChannelName,
    /// Until when the quiet hours last in which it would have left.
    held_until: Option<Timestamp>,
    deliveries: Vec<Delivery<'a>>,
    members: Vec<Member>,
}

#[derive(Serialize)]
struct Delivery<'a> {
    id: String,
    address: &'a str,
}

#[expect(clippy::struct_field_names, reason = "they are called like the columns")]
#[derive(Serialize)]
struct Member {
    delivery_id: String,
    contact_id: String,
    pupil_id: String,
    notice_id: String,
}

#[derive(Serialize)]
struct Decision<'a> {
    contact_id: Option<String>,
    pupil_id: String,
    why: &'a str,
}

/// Adds the rows of a plan to a commit.
pub(super) fn insert(writing: &Writing<'_>, plan: &Plan, mut commit: Commit) -> Result<Commit, Error> {
    for chunk in chunks_of(writing, plan) {
        commit = insert_chunk(commit, writing, &chunk)?;
    }
    let columns = [("contact_id", "TEXT"), ("pupil_id", "TEXT"), ("why", "TEXT")];
    let sql = format!(
        "INSERT INTO decisions (gathering_id, contact_id, pupil_id, why, at) \
         SELECT $2, j.contact_id, j.pupil_id, j.why, CAST($3 AS BIGINT) FROM {}",
        json_rows(writing.desk.store.backend(), &columns)
    );
    for decisions in plan.decisions.chunks(DECISIONS) {
        let row = |decision: &crate::domain::plan::Decision| Decision {
            contact_id: decision.contact.map(|contact| contact.to_string()),
            pupil_id: decision.pupil.to_string(),
            why: decision.reason.code(),
        };
        let rows = json(&decisions.iter().map(row).collect::<Vec<_>>())?;
        let values = [rows, writing.gathering.id.clone().into(), micros(writing.desk.now).into()];
        commit = commit.execute(writing.desk.store.statement(&sql, values));
    }
    Ok(commit)
}

/// The messages of a plan in its order, each in a chunk of its channel and its time.
fn chunks_of<'a>(writing: &Writing<'a>, plan: &'a Plan) -> Vec<Chunk<'a>> {
    let mut chunks: Vec<Chunk<'a>> = Vec::new();
    for message in &plan.messages {
        let Some(channel) = writing.desk.outlets.of(message.address.kind) else { continue };
        let held_until = message.held_until;
        let has_room = |chunk: &Chunk<'_>| {
            chunk.channel == channel && chunk.held_until == held_until && chunk.deliveries.len() < CHUNK
        };
        // The one that has room is among the last: there are a few kinds of chunks, and each is filled first.
        let at = chunks.iter().rposition(has_room).unwrap_or_else(|| {
            let id = ChunkId::generate().to_string();
            chunks.push(Chunk { id, channel, held_until, deliveries: Vec::new(), members: Vec::new() });
            chunks.len() - 1
        });
        let Some(chunk) = chunks.get_mut(at) else { continue };
        let id = DeliveryId::generate().to_string();
        for (contact, pupil) in &message.members {
            let Some(notice) = writing.gathering.notice_of(*pupil) else { continue };
            chunk.members.push(Member {
                delivery_id: id.clone(),
                contact_id: contact.to_string(),
                pupil_id: pupil.to_string(),
                notice_id: notice.to_string(),
            });
        }
        chunk.deliveries.push(Delivery { id, address: &message.address.value });
    }
    chunks
}

fn insert_chunk(commit: Commit, writing: &Writing<'_>, chunk: &Chunk<'_>) -> Result<Commit, Error> {
    let Writing { desk, gathering, lane } = writing;
    let store = desk.store;
    let leased = "INSERT INTO chunks (id, school, channel, lane, due_at) VALUES ($1, $2, $3, $4, $5)";
    let id = || Value::from(chunk.id.as_str());
    let school = || Value::from(gathering.school.to_string());
    let channel = || Value::from(chunk.channel.as_str());
    let due_at = micros(chunk.held_until.unwrap_or(desk.now));
    let values = [id(), school(), channel(), lane.order().into(), due_at.into()];
    let commit = commit.execute(store.statement(leased, values));
    let deliveries = format!(
        "INSERT INTO deliveries (id, chunk_id, school, gathering_id, kind, channel, address, state, why, \
         attempts, created_at, updated_at, valid_until, next_address) \
         SELECT j.id, $2, $3, $4, $5, $6, j.address, $7, $8, 0, CAST($9 AS BIGINT), CAST($9 AS BIGINT), \
         CAST($10 AS BIGINT), FALSE FROM {}",
        json_rows(store.backend(), &[("id", "TEXT"), ("address", "TEXT")])
    );
    let (state, why) = match chunk.held_until {
        Some(_) => (DeliveryState::Held, Reason::QuietHours),
        None => (DeliveryState::Due, Reason::Due),
    };
    let values = [
        json(&chunk.deliveries)?,
        id(),
        school(),
        gathering.id.clone().into(),
        gathering.kind.as_str().into(),
        channel(),
        state.as_str().into(),
        why.code().into(),
        micros(desk.now).into(),
        micros(gathering.valid_until).into(),
    ];
    let commit = commit.execute(store.statement(&deliveries, values));
    let columns =
        [("delivery_id", "TEXT"), ("contact_id", "TEXT"), ("pupil_id", "TEXT"), ("notice_id", "TEXT")];
    let members = format!(
        "INSERT INTO members (delivery_id, contact_id, pupil_id, notice_id, told, why) \
         SELECT j.delivery_id, j.contact_id, j.pupil_id, j.notice_id, FALSE, '' FROM {}",
        json_rows(store.backend(), &columns)
    );
    Ok(commit.execute(store.statement(&members, [json(&chunk.members)?])))
}

fn json(rows: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_string(rows).map(Value::from).map_err(|_| Error::Corrupt { what: "batch" })
}
