//! Importing a roster: read, compare, and load all of it or nothing.

use jiff::Timestamp;
use kit::identity::Caller;
use kit::rejection::Rejection;
use kit::store::{Call, Commit, Error, once};
use proto::directory::v1 as pb;
use proto::events::directory::Restricted;
use proto::events::{About, Event};
use proto::ids::EventId;
use tonic::{Response, Status};

use super::change::restricted;
use super::{Directory, LARGEST_ARCHIVE, tasks, wire};
use crate::domain::described::{Zones, described};
use crate::domain::link::Bar;
use crate::domain::plan::{Barred, Plan, plan};
use crate::domain::roster::Roster;
use crate::import::{self, Fault};
use crate::store::present::{self, Snapshot};
use crate::store::school;
use crate::store::write::{self, Import};

/// Subjects of one audit entry.
const SUBJECTS: usize = 1_000;

impl Directory {
    pub(super) async fn import(
        &self,
        caller: Caller,
        request: pb::ImportRosterRequest,
    ) -> Result<Response<pb::ImportRosterResponse>, Status> {
        if request.archive.len() > LARGEST_ARCHIVE {
            return Err(Rejection::invalid("TOO_LARGE", "archive", "at most 32 MiB are taken").into());
        }
        if request.agreed_removals < 0 {
            let negative = "must not be negative";
            return Err(Rejection::invalid("INVALID_NUMBER", "agreed_removals", negative).into());
        }
        let call = Call { caller: &caller, rpc: "ImportRoster", request_id: &request.request_id };
        once(&self.store, call, &request, || self.decide_import(&caller, &request)).await
    }

    async fn decide_import(
        &self,
        caller: &Caller,
        request: &pb::ImportRosterRequest,
    ) -> Result<(Commit, pb::ImportRosterResponse), Status> {
        let now = self.store.clock().now();
        let (archive, test_numbers) = (request.archive.clone(), self.test_numbers);
        let read = tokio::task::spawn_blocking(move || import::read(&archive, test_numbers));
        let read = read.await.map_err(|_| Error::Corrupt { what: "archive" })?;
        let (roster, warnings) = match read {
            Ok(read) => (read.roster, read.warnings),
            Err(faults) => return Ok((looked(caller, now), faulty(faults))),
        };
        if let Some(fault) = self.other_school(caller, &roster).await? {
            return Ok((looked(caller, now), faulty(vec![fault])));
        }
        let today = school::today(&self.store, caller.tenant, now).await?;
        let mut snapshot = present::snapshot(&self.store, caller.tenant).await?;
        let plan = plan(&snapshot.present, &roster, today);
        let mut answer = answer(&plan, &roster, warnings);
        let removals = plan.removals.pupils + plan.removals.contacts;
        if plan.removals.ask_first && wire::count(removals) > request.agreed_removals {
            answer.removals_to_agree = wire::count(removals);
            return Ok((looked(caller, now), answer));
        }
        if request.dry_run {
            return Ok((looked(caller, now), answer));
        }
        answer.loaded = true;
        let commit = self.commit_of(caller, (&mut snapshot, &plan), now)?;
        Ok((commit, answer))
    }

    /// A token of one school with the roster of another would mix two schools' people.
    async fn other_school(&self, caller: &Caller, roster: &Roster) -> Result<Option<Fault>, Error> {
        let source_id = &roster.school.source_id;
        let taken = school::is_taken(&self.store, source_id, caller.tenant).await?;
        let standing = school::find(&self.store, caller.tenant).await?;
        let another = standing.is_some_and(|standing| standing.school.source_id != *source_id);
        let expected = match (another, taken) {
            (true, _) => "the org that belongs to the school of the token",
            (false, true) => {
                "a school that is not here yet; this one is here already: give --school with the id that its first \
                 import printed"
            }
            (false, false) => return Ok(None),
        };
        let column = "orgSourcedId".to_owned();
        Ok(Some(Fault { file: "school.csv", line: 2, column, expected: expected.to_owned() }))
    }

    fn commit_of(
        &self,
        caller: &Caller,
        (snapshot, plan): (&mut Snapshot, &Plan),
        now: Timestamp,
    ) -> Result<Commit, Error> {
        let import = Import { school: caller.tenant, by: caller.subject.clone(), at: now };
        let mut commit = looked(caller, now).execute(school::imported(&self.store, caller.tenant, now));
        if plan.writes_something() {
            commit = write::import(&self.store, commit, snapshot, plan, &import)?;
        }
        for subjects in subjects(snapshot, plan).chunks(SUBJECTS) {
            commit = commit.audit(caller, "ImportRoster", subjects, now);
        }
        commit = tell_the_public(commit, caller, (snapshot, plan), now)?;
        for barred in &plan.barred {
            let (fact, version) = said(snapshot, barred)?;
            commit = restricted(commit, caller, fact, (version, now))?;
        }
        Ok(tasks::of_plan(caller, snapshot, plan, now)?.into_iter().fold(commit, Commit::task))
    }
}

/// That somebody imported, also when nothing changed.
fn looked(caller: &Caller, now: Timestamp) -> Commit {
    Commit::new().audit(caller, "ImportRoster", &[caller.tenant.to_string()], now)
}

/// Says what the public may know of the school, when that is not what it was.
fn tell_the_public(
    commit: Commit,
    caller: &Caller,
    (snapshot, plan): (&Snapshot, &Plan),
    time: Timestamp,
) -> Result<Commit, Error> {
    let before = snapshot.time_zone.as_deref();
    let after = match (&plan.school, before) {
        (None, Some(stays)) => stays,
        (Some(_), _) | (None, None) => write::TIME_ZONE,
    };
    let Some(fact) = described(&snapshot.present, plan, Zones { before, after }) else { return Ok(commit) };
    let version = u64::try_from(snapshot.version + 1).map_err(|_| Error::Corrupt { what: "version" })?;
    let about = About { school: caller.tenant, subject: caller.tenant.to_string(), version, time };
    commit.fact(&Event::new(EventId::generate(), about, fact))
}

fn faulty(faults: Vec<Fault>) -> pb::ImportRosterResponse {
    let faults = faults.into_iter().map(wire::fault).collect();
    pb::ImportRosterResponse { faults, ..Default::default() }
}

fn answer(plan: &Plan, roster: &Roster, warnings: Vec<Fault>) -> pb::ImportRosterResponse {
    pb::ImportRosterResponse {
        changes: plan.changes.iter().map(wire::change).collect(),
        pupils: wire::count(roster.pupils.len()),
        contacts: wire::count(roster.contacts.len()),
        links: wire::count(roster.links.len()),
        tasks: wire::count(tasks::number(plan)),
        warnings: warnings.into_iter().map(wire::fault).collect(),
        ..Default::default()
    }
}

/// Everybody whose data changes.
fn subjects(snapshot: &Snapshot, plan: &Plan) -> Vec<String> {
    let pupils = plan.pupils.iter().filter_map(|write| snapshot.pupils.get(&write.key));
    let linked = plan.links.iter().flat_map(|write| {
        let pupil = snapshot.pupils.get(&write.key.0).map(|(id, _)| id.to_string());
        let contact = snapshot.contacts.get(&write.key.1).map(|(id, _)| id.to_string());
        pupil.into_iter().chain(contact)
    });
    let contacts = plan.contacts.iter().filter_map(|write| snapshot.contacts.get(&write.key));
    let mut subjects: Vec<String> = pupils
        .map(|(id, _)| id.to_string())
        .chain(contacts.map(|(id, _)| id.to_string()))
        .chain(linked)
        .collect();
    subjects.sort();
    subjects.dedup();
    subjects
}

fn said(snapshot: &Snapshot, barred: &Barred) -> Result<(Restricted, i64), Error> {
    let missing = || Error::Corrupt { what: "id" };
    Ok(match barred {
        Barred::Pupil(pupil) => {
            let (pupil_id, revision) = *snapshot.pupils.get(pupil).ok_or_else(missing)?;
            (Restricted { pupil_id, contact_id: None, no_contact: false }, revision)
        }
        Barred::Link { pupil, contact, bar } => {
            let (pupil_id, _) = *snapshot.pupils.get(pupil).ok_or_else(missing)?;
            let (contact_id, revision) = *snapshot.contacts.get(contact).ok_or_else(missing)?;
            let no_contact = *bar == Bar::Contact;
            (Restricted { pupil_id, contact_id: Some(contact_id), no_contact }, revision)
        }
    })
}
