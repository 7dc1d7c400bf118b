//! What a plan writes: deliveries with their members in chunks, every decision, and the tasks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Commit, Error, Store};
use proto::ids::{ChunkId, DeliveryId, NoticeId, PupilId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, Statement};

use super::gatherings::Gathering;
use super::{rows, waits};
use crate::channels::ChannelName;
use crate::domain::person::Asking;
use crate::domain::plan::{Decision, Media, Member, Plan, Planned};
use crate::domain::{AddressKind, DeliveryState, Reason};
use crate::routes::Lane;

/// How many deliveries a sender leases at once.
const CHUNK: usize = 1_000;

/// By which channel each medium leaves.
#[derive(Debug, Clone, Default)]
pub struct Outlets {
    /// Texts.
    pub text: Option<ChannelName>,
    /// E-mail.
    pub email: Option<ChannelName>,
}

impl Outlets {
    /// The media that have a channel.
    #[must_use]
    pub fn media(&self) -> Media {
        Media { text: self.text.is_some(), email: self.email.is_some() }
    }

    pub(crate) fn of(&self, kind: AddressKind) -> Option<&ChannelName> {
        match kind {
            AddressKind::Mobile => self.text.as_ref(),
            AddressKind::Email => self.email.as_ref(),
            AddressKind::Landline => None,
        }
    }
}

/// What every plan is written with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The store.
    pub store: &'a Store,
    /// The channels.
    pub outlets: &'a Outlets,
    /// Now.
    pub now: Timestamp,
}

/// Where a plan is written to.
#[derive(Clone, Copy)]
pub struct Writing<'a> {
    /// With what.
    pub desk: Desk<'a>,
    /// The gathering that it belongs to.
    pub gathering: &'a Gathering,
    /// The share of the provider's rate.
    pub lane: Lane,
}

/// Writes a gathering's first plan; a conflict when a notice came or went meanwhile.
pub fn first(writing: &Writing<'_>, plan: &Plan) -> Commit {
    let store = writing.desk.store;
    let id = &writing.gathering.id;
    let left = "UPDATE gatherings SET state = 'left' WHERE id = $1 AND state = 'open'";
    let commit =
        Commit::new().guarded(store.statement(left, [id.clone().into()])).execute(waits::over(store, id));
    let planned = store.statement(
        "UPDATE notices SET state = 'planned' WHERE gathering_id = $1 AND state = 'gathering'",
        [id.clone().into()],
    );
    let expected = u64::try_from(writing.gathering.notices.len()).unwrap_or(u64::MAX);
    let commit = commit.work(move |tx| {
        let planned = planned.clone();
        Box::pin(async move {
            use sea_orm::ConnectionTrait;
            let changed = tx.execute_raw(planned).await?.rows_affected();
            if changed == expected { Ok(()) } else { Err(Error::Conflict) }
        })
    });
    write(writing, plan, commit)
}

/// The rows of one chunk.
struct ChunkRows {
    id: String,
    channel: ChannelName,
    /// When it leaves: now, or when the quiet hours are over.
    due_at: Timestamp,
    deliveries: Vec<rows::deliveries::ActiveModel>,
    members: Vec<rows::members::ActiveModel>,
}

/// The messages of a plan in its order, each in a chunk of its channel and its time.
fn chunks_of(writing: &Writing<'_>, plan: &Plan) -> Vec<ChunkRows> {
    let mut chunks: Vec<ChunkRows> = Vec::new();
    for message in &plan.messages {
        let Some(channel) = writing.desk.outlets.of(message.address.kind) else { continue };
        let due_at = message.held_until.unwrap_or(writing.desk.now);
        let has_room = |chunk: &ChunkRows| {
            chunk.channel == *channel && chunk.due_at == due_at && chunk.deliveries.len() < CHUNK
        };
        let at = chunks.iter().position(has_room).unwrap_or_else(|| {
            let id = ChunkId::generate().to_string();
            let channel = channel.clone();
            chunks.push(ChunkRows { id, channel, due_at, deliveries: Vec::new(), members: Vec::new() });
            chunks.len() - 1
        });
        let Some(chunk) = chunks.get_mut(at) else { continue };
        let id = DeliveryId::generate().to_string();
        for (contact, pupil) in &message.members {
            let Some(notice) = writing.gathering.notice_of(*pupil) else { continue };
            chunk.members.push(member_row(&id, (contact.to_string(), *pupil), notice));
        }
        chunk.deliveries.push(delivery_row(writing, message, (id, channel, &chunk.id)));
    }
    chunks
}

/// Until when deliveries are held, by their ids: those of them that are.
pub async fn held_until(
    store: &Store,
    deliveries: &[rows::deliveries::Model],
) -> Result<BTreeMap<String, Timestamp>, Error> {
    let held = || deliveries.iter().filter(|row| row.state == DeliveryState::Held.as_str());
    let chunks: BTreeSet<&str> = held().filter_map(|row| row.chunk_id.as_deref()).collect();
    if chunks.is_empty() {
        return Ok(BTreeMap::new());
    }
    let chunks = rows::chunks::Entity::find().filter(rows::chunks::Column::Id.is_in(chunks));
    let chunks: BTreeMap<String, i64> =
        chunks.all(store.read()).await?.into_iter().map(|chunk| (chunk.id, chunk.due_at)).collect();
    let until = |row: &rows::deliveries::Model| {
        let due_at = chunks.get(row.chunk_id.as_deref()?)?;
        Some((row.id.clone(), from_micros(*due_at)))
    };
    Ok(held().filter_map(until).collect())
}

/// Adds the rows of a plan to a commit.
pub fn write(writing: &Writing<'_>, plan: &Plan, mut commit: Commit) -> Commit {
    for chunk in chunks_of(writing, plan) {
        commit = insert_chunk(commit, writing, chunk);
    }
    for (address, member) in &plan.joins {
        commit = commit.guarded(join(writing, address, *member));
    }
    commit = insert_decisions(
        commit,
        plan.decisions.iter().map(|decision| decision_row(writing, decision)).collect(),
    );
    let Writing { desk, gathering, .. } = writing;
    let asking = Asking {
        school: gathering.school,
        kind: gathering.kind,
        account: gathering.about.account(),
        from: &gathering.id,
        no_voice: &plan.no_voice,
        now: desk.now,
    };
    asking.tasks(&plan.tasks).into_iter().fold(commit, Commit::task)
}

fn delivery_row(
    writing: &Writing<'_>,
    message: &Planned,
    (id, channel, chunk): (String, &ChannelName, &str),
) -> rows::deliveries::ActiveModel {
    let (state, why) = match message.held_until {
        Some(_) => (DeliveryState::Held, Reason::QuietHours),
        None => (DeliveryState::Due, Reason::Due),
    };
    rows::deliveries::ActiveModel {
        id: Set(id),
        chunk_id: Set(Some(chunk.to_owned())),
        school: Set(writing.gathering.school.to_string()),
        gathering_id: Set(writing.gathering.id.clone()),
        kind: Set(writing.gathering.kind.as_str().to_owned()),
        channel: Set(channel.to_string()),
        address: Set(message.address.value.clone()),
        state: Set(state.as_str().to_owned()),
        why: Set(why.code().to_owned()),
        attempts: Set(0),
        reference: Set(None),
        created_at: Set(micros(writing.desk.now)),
        updated_at: Set(micros(writing.desk.now)),
        valid_until: Set(micros(writing.gathering.valid_until)),
        patience_until: Set(None),
        next_address: Set(false),
        general: Set(None),
        erased_at: Set(None),
    }
}

fn member_row(delivery: &str, member: (String, PupilId), notice: NoticeId) -> rows::members::ActiveModel {
    let (contact, pupil) = member;
    rows::members::ActiveModel {
        delivery_id: Set(delivery.to_owned()),
        contact_id: Set(contact),
        pupil_id: Set(pupil.to_string()),
        notice_id: Set(notice.to_string()),
        told: Set(false),
        why: Set(String::new()),
        corrected_by: Set(None),
    }
}

/// Makes a contact a member of the message that tells their address about the pupil already, so
/// that whatever becomes of it becomes of them too.
fn join(writing: &Writing<'_>, address: &str, member: Member) -> Statement {
    let (contact, pupil) = member;
    let carrying = DeliveryState::listed(|state| state.is_open() || state.may_have_told());
    let sql = format!(
        "INSERT INTO members (delivery_id, contact_id, pupil_id, notice_id, told, why, corrected_by) \
         SELECT m.delivery_id, $1, m.pupil_id, m.notice_id, m.told, '', m.corrected_by \
         FROM members m JOIN deliveries d ON d.id = m.delivery_id \
         WHERE d.gathering_id = $2 AND lower(d.address) = lower($3) AND m.pupil_id = $4 AND m.why = '' \
         AND d.state IN ({carrying}) ORDER BY d.id DESC LIMIT 1"
    );
    let values = [
        contact.to_string().into(),
        writing.gathering.id.clone().into(),
        address.into(),
        pupil.to_string().into(),
    ];
    writing.desk.store.statement(&sql, values)
}

fn insert_chunk(commit: Commit, writing: &Writing<'_>, rows: ChunkRows) -> Commit {
    let ChunkRows { id, channel, due_at, deliveries, members } = rows;
    let chunk = rows::chunks::ActiveModel {
        id: Set(id),
        school: Set(writing.gathering.school.to_string()),
        channel: Set(channel.to_string()),
        lane: Set(writing.lane.order()),
        due_at: Set(micros(due_at)),
        owner: Set(None),
        lease_until: Set(None),
    };
    commit.work(move |tx| {
        let (chunk, deliveries, members) = (chunk.clone(), deliveries.clone(), members.clone());
        Box::pin(async move {
            rows::chunks::Entity::insert(chunk).exec_without_returning(tx).await?;
            rows::deliveries::Entity::insert_many(deliveries).exec_without_returning(tx).await?;
            for members in members.chunks(2_000) {
                rows::members::Entity::insert_many(members.to_vec()).exec_without_returning(tx).await?;
            }
            Ok(())
        })
    })
}

fn decision_row(writing: &Writing<'_>, decision: &Decision) -> rows::decisions::ActiveModel {
    rows::decisions::ActiveModel {
        gathering_id: Set(writing.gathering.id.clone()),
        contact_id: Set(decision.contact.map(|contact| contact.to_string())),
        pupil_id: Set(decision.pupil.to_string()),
        why: Set(decision.reason.code().to_owned()),
        at: Set(micros(writing.desk.now)),
        ..Default::default()
    }
}

fn insert_decisions(commit: Commit, decisions: Vec<rows::decisions::ActiveModel>) -> Commit {
    if decisions.is_empty() {
        return commit;
    }
    commit.work(move |tx| {
        let decisions = decisions.clone();
        Box::pin(async move {
            for decisions in decisions.chunks(2_000) {
                rows::decisions::Entity::insert_many(decisions.to_vec()).exec_without_returning(tx).await?;
            }
            Ok(())
        })
    })
}
