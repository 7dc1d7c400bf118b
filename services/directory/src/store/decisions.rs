//! What was decided about links and pupils, kept for ever: the evidence of a restriction that has
//! ended no longer stands on its link, and somebody may ask for it.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Kind, Together};
use proto::ids::{ContactId, PupilId, SchoolId};

use super::present::Snapshot;
use super::rows::read;
use super::write::Import;
use crate::domain::link::{Link, Restriction};
use crate::domain::plan::Plan;

/// What a decision was about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The restriction of a link; none is its end.
    Restriction(ContactId, Option<Restriction>),
    /// What a contact is to a pupil.
    Standing(ContactId, Link),
    /// "Person only" of a pupil: whether it stands.
    PersonOnly(bool),
}

/// One decision.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// What was decided.
    pub subject: Subject,
    /// What it rests on.
    pub evidence: String,
    /// Who decided, and when.
    pub by: (String, Timestamp),
}

static DECIDED: Together = Together::new(
    "INSERT INTO decisions (school, pupil_id, contact_id, what, value, evidence, value_from, value_until, \
     decided_by, decided_at) SELECT school, pupil_id, contact_id, what, value, evidence, value_from, \
     value_until, decided_by, decided_at FROM {{rows}}",
    &[
        ("school", Kind::Text),
        ("pupil_id", Kind::Text),
        ("contact_id", Kind::Text),
        ("what", Kind::Text),
        ("value", Kind::Text),
        ("evidence", Kind::Text),
        ("value_from", Kind::Text),
        ("value_until", Kind::Text),
        ("decided_by", Kind::Text),
        ("decided_at", Kind::Number),
    ],
);

impl Decision {
    /// Keeps it with its evidence.
    pub fn keep(commit: Commit, decision: Self) -> Commit {
        let (what, value, contact) = match &decision.subject {
            Subject::Restriction(contact, restriction) => {
                let value = restriction.as_ref().map_or("none", |restriction| restriction.bar.word());
                ("restriction", value.to_owned(), Some(contact))
            }
            Subject::Standing(contact, link) => {
                let (role, responsibility) = (link.role.word(), link.responsibility.word());
                let value = format!("{role} {responsibility} emergency_only={}", link.emergency_only);
                ("standing", value, Some(contact))
            }
            Subject::PersonOnly(stands) => ("person_only", stands.to_string(), None),
        };
        let restriction = match &decision.subject {
            Subject::Restriction(_, restriction) => restriction.as_ref(),
            Subject::Standing(..) | Subject::PersonOnly(_) => None,
        };
        let until = restriction.and_then(|restriction| restriction.until);
        let values = [
            decision.school.to_string().into(),
            decision.pupil.to_string().into(),
            contact.map(ToString::to_string).into(),
            what.into(),
            value.into(),
            decision.evidence.into(),
            restriction.map(|restriction| restriction.from.to_string()).into(),
            until.map(|until| until.to_string()).into(),
            decision.by.0.into(),
            micros(decision.by.1).into(),
        ];
        commit.row(&DECIDED, values)
    }
}

/// The decisions that a roster brings: restrictions and "person only" that differ from what stood.
pub fn of_plan(snapshot: &Snapshot, plan: &Plan, import: &Import) -> Result<Vec<Decision>, Error> {
    let by = (import.by.clone(), import.at);
    let mut decisions = Vec::new();
    for write in &plan.pupils {
        let before =
            snapshot.present.pupils.get(&write.key).and_then(|stored| stored.value.person_only.as_ref());
        let Some(reason) = write.stored.value.person_only.as_ref().filter(|reason| Some(*reason) != before)
        else {
            continue;
        };
        let (pupil, _) = *read("pupil", snapshot.pupils.get(&write.key))?;
        let subject = Subject::PersonOnly(true);
        let (school, evidence, by) = (import.school, reason.clone(), by.clone());
        decisions.push(Decision { school, pupil, subject, evidence, by });
    }
    for write in &plan.links {
        let before =
            snapshot.present.links.get(&write.key).and_then(|stored| stored.value.restriction.as_ref());
        let after = write.stored.value.restriction.as_ref();
        let Some(restriction) = after.filter(|restriction| Some(*restriction) != before) else { continue };
        let (pupil, _) = *read("pupil", snapshot.pupils.get(&write.key.0))?;
        let (contact, _) = *read("contact", snapshot.contacts.get(&write.key.1))?;
        let subject = Subject::Restriction(contact, Some(restriction.clone()));
        let (school, evidence, by) = (import.school, restriction.evidence.clone(), by.clone());
        decisions.push(Decision { school, pupil, subject, evidence, by });
    }
    Ok(decisions)
}
