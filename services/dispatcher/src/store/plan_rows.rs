//! The rows of a plan: chunks of deliveries with their members, and every decision. A closure makes
//! thousands, so they go as JSON texts that the database turns into rows.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::ids::{ChunkId, DeliveryId};
use sea_orm::Value;
use serde::{Deserialize, Serialize};

use super::json_rows;
use super::plans::Writing;
use crate::domain::plan::Plan;
use crate::domain::{DeliveryState, Reason};

/// How many deliveries a sender leases at once, and how many decisions are written beside them.
const CHUNK: usize = 1_000;

/// Rows that are written together: a chunk, or decisions, or both.
#[derive(Serialize, Deserialize)]
pub(super) struct Part {
    school: String,
    gathering: String,
    kind: String,
    lane: i64,
    planned_at: i64,
    valid_until: i64,
    chunk: Option<Chunk>,
    decisions: Vec<Decision>,
}

/// The rows of one chunk.
#[derive(Serialize, Deserialize)]
struct Chunk {
    id: String,
    channel: String,
    /// Until when the quiet hours last in which it would have left.
    held_until: Option<Timestamp>,
    deliveries: Vec<Delivery>,
    members: Vec<Member>,
}

#[derive(Serialize, Deserialize)]
struct Delivery {
    id: String,
    address: String,
}

#[expect(clippy::struct_field_names, reason = "they are called like the columns")]
#[derive(Serialize, Deserialize)]
struct Member {
    delivery_id: String,
    contact_id: String,
    pupil_id: String,
    notice_id: String,
}

#[derive(Serialize, Deserialize)]
struct Decision {
    contact_id: Option<String>,
    pupil_id: String,
    why: String,
}

/// A plan in parts of a size that can be written without holding up others for long.
pub(super) fn parts_of(writing: &Writing<'_>, plan: &Plan) -> Vec<Part> {
    let mut chunks = chunks_of(writing, plan).into_iter();
    let mut decisions = plan.decisions.chunks(CHUNK);
    let part = |_| {
        let (chunk, decisions) = (chunks.next(), decisions.next());
        (chunk.is_some() || decisions.is_some()).then(|| Part {
            school: writing.gathering.school.to_string(),
            gathering: writing.gathering.id.clone(),
            kind: writing.gathering.kind.as_str().to_owned(),
            lane: writing.lane.order(),
            planned_at: micros(writing.desk.now),
            valid_until: micros(writing.gathering.valid_until),
            chunk,
            decisions: decisions.into_iter().flatten().map(Decision::of).collect(),
        })
    };
    (0..).map_while(part).collect()
}

/// The messages of a plan in its order, each in a chunk of its channel and its time.
fn chunks_of(writing: &Writing<'_>, plan: &Plan) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for message in &plan.messages {
        let Some(channel) = writing.desk.outlets.of(message.address.kind) else { continue };
        let held_until = message.held_until;
        let has_room = |chunk: &Chunk| {
            chunk.channel == channel.as_str()
                && chunk.held_until == held_until
                && chunk.deliveries.len() < CHUNK
        };
        // The one that has room is among the last: there are a few kinds of chunks, and each is filled first.
        let at = chunks.iter().rposition(has_room).unwrap_or_else(|| {
            let (id, channel) = (ChunkId::generate().to_string(), channel.to_string());
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
        chunk.deliveries.push(Delivery { id, address: message.address.value.clone() });
    }
    chunks
}

impl Decision {
    fn of(decision: &crate::domain::plan::Decision) -> Self {
        Self {
            contact_id: decision.contact.map(|contact| contact.to_string()),
            pupil_id: decision.pupil.to_string(),
            why: decision.reason.code().to_owned(),
        }
    }
}

impl Part {
    /// Adds its rows to a commit.
    pub(super) fn write(&self, store: &Store, mut commit: Commit) -> Result<Commit, Error> {
        if let Some(chunk) = &self.chunk {
            commit = self.insert(store, commit, chunk)?;
        }
        if self.decisions.is_empty() {
            return Ok(commit);
        }
        let columns = [("contact_id", "TEXT"), ("pupil_id", "TEXT"), ("why", "TEXT")];
        let sql = format!(
            "INSERT INTO decisions (gathering_id, contact_id, pupil_id, why, at) \
             SELECT $2, j.contact_id, j.pupil_id, j.why, CAST($3 AS BIGINT) FROM {}",
            json_rows(store.backend(), &columns)
        );
        let values = [json(&self.decisions)?, self.gathering.as_str().into(), self.planned_at.into()];
        Ok(commit.execute(store.statement(&sql, values)))
    }

    fn insert(&self, store: &Store, commit: Commit, chunk: &Chunk) -> Result<Commit, Error> {
        let leased = "INSERT INTO chunks (id, school, channel, lane, due_at) VALUES ($1, $2, $3, $4, $5)";
        let id = || Value::from(chunk.id.as_str());
        let school = || Value::from(self.school.as_str());
        let channel = || Value::from(chunk.channel.as_str());
        let due_at = chunk.held_until.map_or(self.planned_at, micros);
        let values = [id(), school(), channel(), self.lane.into(), due_at.into()];
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
            self.gathering.as_str().into(),
            self.kind.as_str().into(),
            channel(),
            state.as_str().into(),
            why.code().into(),
            self.planned_at.into(),
            self.valid_until.into(),
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
}

fn json(rows: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_string(rows).map(Value::from).map_err(|_| Error::Corrupt { what: "batch" })
}
