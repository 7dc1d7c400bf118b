//! What a plan writes: deliveries with their members in chunks, every decision, and the tasks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kit::clock::from_micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use super::gatherings::{self, Gathering};
use super::plan_rows::{Part, parts_of};
use super::{facts, parts, rows, waits};
use crate::channels::ChannelName;
use crate::domain::person::Asking;
use crate::domain::plan::{Media, Member, Plan};
use crate::domain::{AddressKind, DeliveryState, NoticeKind};
use crate::routes::Lane;

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

/// Writes a gathering's first plan; a conflict when a notice came or went meanwhile. What concerns many is put by in
/// [`parts`], to be written out after this commit.
pub fn first(writing: &Writing<'_>, plan: &Plan) -> Result<Commit, Error> {
    let (store, gathering) = (writing.desk.store, writing.gathering);
    let id = &gathering.id;
    // Its news is a notice that whoever hears the next correction meanwhile would not see.
    let corrects = gathering.kind == NoticeKind::AnnouncementCorrection && gathering.scope().is_some();
    let commit = Commit::new();
    let commit =
        if corrects && !gathering.drill { facts::are_newest(store, commit, gathering)? } else { commit };
    let left = "UPDATE gatherings SET state = 'left' WHERE id = $1 AND state = 'open'";
    let commit = commit.guarded(store.statement(left, [id.clone().into()])).execute(waits::over(store, id));
    let planned = store.statement(
        "UPDATE notices SET state = 'planned' WHERE gathering_id = $1 AND state = 'gathering'",
        [id.clone().into()],
    );
    // Looked at before it is written: while thousands of facts still come in, plan after plan finds more than it was
    // made for, and PostgreSQL keeps a version of every row that such a plan would have changed.
    let counted = "SELECT COUNT(*) AS number FROM notices WHERE gathering_id = $1 AND state = 'gathering'";
    let counted = store.statement(counted, [id.clone().into()]);
    let expected = u64::try_from(gathering.notices.len()).unwrap_or(u64::MAX);
    let commit = commit.work(move |tx| {
        let counted = counted.clone();
        Box::pin(async move {
            let row = tx.query_one_raw(counted).await?.ok_or(Error::Corrupt { what: "number of notices" })?;
            let number: i64 = row.try_get("", "number")?;
            if u64::try_from(number) == Ok(expected) { Ok(()) } else { Err(Error::Conflict) }
        })
    });
    let commit = commit.changes(expected, planned);
    if gathering.scope().is_none() {
        return write(writing, plan, commit);
    }
    let put_by = |commit, part: &Part| parts::put_by(writing, commit, part);
    let commit = parts_of(writing, plan).iter().try_fold(commit, put_by)?;
    Ok(tasks(writing, plan).into_iter().fold(commit, Commit::task))
}

/// Writes a gathering that leaves together with another, for those of its scope who are told in another way:
/// a notice of the same fact, and its own plan, put by like the other's.
pub fn beside(
    writing: &Writing<'_>,
    plan: &Plan,
    (commit, of): (Commit, &Gathering),
) -> Result<Commit, Error> {
    let Writing { desk: Desk { store, now, .. }, gathering, .. } = *writing;
    let mut commit = commit.execute(gatherings::insert(store, gathering, "left", now)?);
    for (notice, _) in &gathering.notices {
        let sql = "INSERT INTO notices \
                   (id, school, kind, gathering_id, event_id, subject, pupil_id, state, why, created_at, valid_until, \
                   traceparent) SELECT $1, school, $2, $3, event_id, subject, pupil_id, state, why, created_at, \
                   valid_until, traceparent FROM notices WHERE gathering_id = $4 AND state = 'planned'";
        let values = [
            notice.to_string().into(),
            gathering.kind.as_str().into(),
            gathering.id.clone().into(),
            of.id.clone().into(),
        ];
        commit = commit.guarded(store.statement(sql, values));
    }
    let put_by = |commit, part: &Part| parts::put_by(writing, commit, part);
    let commit = parts_of(writing, plan).iter().try_fold(commit, put_by)?;
    Ok(tasks(writing, plan).into_iter().fold(commit, Commit::task))
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
pub fn write(writing: &Writing<'_>, plan: &Plan, commit: Commit) -> Result<Commit, Error> {
    let written = |commit, part: &Part| part.write(writing.desk.store, commit);
    let mut commit = parts_of(writing, plan).iter().try_fold(commit, written)?;
    for (address, member) in &plan.joins {
        commit = commit.guarded(join(writing, address, *member));
    }
    Ok(tasks(writing, plan).into_iter().fold(commit, Commit::task))
}

/// What people are asked to do because of a plan.
pub fn tasks(writing: &Writing<'_>, plan: &Plan) -> Vec<NewTask> {
    let Writing { desk, gathering, .. } = writing;
    // An exercise asks nobody to ring anybody.
    if gathering.drill {
        return Vec::new();
    }
    let asking = Asking {
        school: gathering.school,
        kind: gathering.kind,
        account: gathering.about.account(),
        from: &gathering.id,
        no_voice: &plan.no_voice,
        now: desk.now,
    };
    asking.tasks(&plan.tasks)
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
