//! What a plan writes: deliveries with their members in chunks, every decision, and the tasks.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::ids::{ChunkId, DeliveryId, NoticeId, PupilId};
use proto::options::v1::Role;
use sea_orm::{EntityTrait, Set, Statement};

use super::gatherings::Gathering;
use super::{rows, waits};
use crate::channels::ChannelName;
use crate::domain::plan::{Decision, Member, PersonTask, Plan, Planned};
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

/// Adds the rows of a plan to a commit.
pub fn write(writing: &Writing<'_>, plan: &Plan, mut commit: Commit) -> Commit {
    let mut delivery_of: HashMap<(String, PupilId), String> = HashMap::new();
    for chunk in plan.messages.chunks(CHUNK) {
        let chunk_id = ChunkId::generate().to_string();
        let (mut deliveries, mut members) = (Vec::new(), Vec::new());
        for message in chunk {
            let Some(delivery) = delivery_row(writing, message, &chunk_id) else { continue };
            for (contact, pupil) in &message.members {
                let Some(notice) = writing.gathering.notice_of(*pupil) else { continue };
                members.push(member_row(&delivery.0, (contact.to_string(), *pupil), notice));
                delivery_of.insert((contact.to_string(), *pupil), delivery.0.clone());
            }
            deliveries.push(delivery.1);
        }
        commit = insert_chunk(commit, writing, chunk_id, deliveries, members);
    }
    for (address, member) in &plan.joins {
        commit = commit.guarded(join(writing, address, *member));
    }
    let decisions: Vec<_> =
        plan.decisions.iter().map(|decision| decision_row(writing, decision, &delivery_of)).collect();
    commit = insert_decisions(commit, decisions);
    for task in &plan.tasks {
        commit = commit.task(new_task(writing, task));
    }
    commit
}

fn delivery_row(
    writing: &Writing<'_>,
    message: &Planned,
    chunk_id: &str,
) -> Option<(String, rows::deliveries::ActiveModel)> {
    let channel = writing.desk.outlets.of(message.address.kind)?;
    let id = DeliveryId::generate().to_string();
    let row = rows::deliveries::ActiveModel {
        id: Set(id.clone()),
        chunk_id: Set(Some(chunk_id.to_owned())),
        school: Set(writing.gathering.school.to_string()),
        gathering_id: Set(writing.gathering.id.clone()),
        kind: Set(writing.gathering.kind.as_str().to_owned()),
        channel: Set(channel.to_string()),
        address: Set(message.address.value.clone()),
        state: Set(DeliveryState::Due.as_str().to_owned()),
        why: Set(Reason::Due.code().to_owned()),
        attempts: Set(0),
        reference: Set(None),
        created_at: Set(micros(writing.desk.now)),
        updated_at: Set(micros(writing.desk.now)),
        valid_until: Set(micros(writing.gathering.valid_until)),
        patience_until: Set(None),
        next_address: Set(false),
    };
    Some((id, row))
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

fn insert_chunk(
    commit: Commit,
    writing: &Writing<'_>,
    id: String,
    deliveries: Vec<rows::deliveries::ActiveModel>,
    members: Vec<rows::members::ActiveModel>,
) -> Commit {
    if deliveries.is_empty() {
        return commit;
    }
    let chunk = rows::chunks::ActiveModel {
        id: Set(id),
        school: Set(writing.gathering.school.to_string()),
        lane: Set(writing.lane.order()),
        due_at: Set(micros(writing.desk.now)),
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

fn decision_row(
    writing: &Writing<'_>,
    decision: &Decision,
    delivery_of: &HashMap<(String, PupilId), String>,
) -> rows::decisions::ActiveModel {
    let contact = decision.contact.map(|contact| contact.to_string());
    let told = matches!(
        decision.reason,
        Reason::Entitled | Reason::NextAddress | Reason::AddressTold | Reason::ToldWrongly
    );
    let delivery = contact
        .clone()
        .filter(|_| told)
        .and_then(|contact| delivery_of.get(&(contact, decision.pupil)).cloned());
    rows::decisions::ActiveModel {
        gathering_id: Set(writing.gathering.id.clone()),
        contact_id: Set(contact),
        pupil_id: Set(decision.pupil.to_string()),
        delivery_id: Set(delivery),
        why: Set(decision.reason.code().to_owned()),
        at: Set(micros(writing.desk.now)),
        ..Default::default()
    }
}

pub(super) fn insert_decisions(commit: Commit, decisions: Vec<rows::decisions::ActiveModel>) -> Commit {
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

/// The task that says what no message can. Absences are followed up before half past nine, so a
/// person has a quarter of an hour.
fn new_task(writing: &Writing<'_>, task: &PersonTask) -> NewTask {
    let (school, id) = (writing.gathering.school, &writing.gathering.id);
    let due = (writing.desk.now, SignedDuration::from_mins(15));
    match task {
        PersonTask::NobodyToTell(pupil) => NewTask::new(school, "nobody_to_tell", Role::AttendanceOfficer, due)
            .about([pupil.to_string()])
            .because("nobody who may be told about this pupil can be told automatically: ring or visit")
            .once(format!("nobody:{id}:{pupil}")),
        PersonTask::CannotBeReached(contact, pupil) => {
            NewTask::new(school, "not_reached", Role::AttendanceOfficer, due)
                .about([contact.to_string(), pupil.to_string()])
                .because("this contact should know about the pupil and no message reached them: ring them")
                .once(format!("not_reached:{id}:{contact}:{pupil}"))
        }
        PersonTask::AddressShared(contact, pupil) => {
            NewTask::new(school, "address_shared", Role::DesignatedSafeguardingLead, due)
                .about([contact.to_string(), pupil.to_string()])
                .because("this contact's address is used by somebody who may not learn of the pupil: nothing was sent to it")
                .once(format!("shared:{id}:{contact}:{pupil}"))
        }
        PersonTask::PersonOnly(pupil) => {
            NewTask::new(school, "person_only", Role::DesignatedSafeguardingLead, due)
                .about([pupil.to_string()])
                .because("for this pupil nothing is sent automatically: decide who is told, and tell them")
                .once(format!("person_only:{id}:{pupil}"))
        }
        PersonTask::NotCleared(contact, pupil) => {
            NewTask::new(school, "not_cleared", Role::DesignatedSafeguardingLead, due)
                .about([contact.to_string(), pupil.to_string()])
                .because("no message reached this contact, who may not be told about the pupil any more: see that somebody knows")
                .once(format!("not_cleared:{id}:{contact}:{pupil}"))
        }
        PersonTask::NotCorrected(contact, pupil) => {
            NewTask::new(school, "not_corrected", Role::DesignatedSafeguardingLead, due)
                .about([contact.to_string(), pupil.to_string()])
                .because("this contact was told that the pupil was missing, and no message can say that it was wrong: ring them, if they may know")
                .once(format!("not_corrected:{id}:{contact}:{pupil}"))
        }
    }
}
