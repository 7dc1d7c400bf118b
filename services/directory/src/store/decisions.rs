//! What was decided about links and pupils, kept for ever: the evidence of a restriction that has
//! ended no longer stands on its link, and somebody may ask for it.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::Error;
use proto::ids::{ContactId, PupilId, SchoolId};
use sea_orm::Set;

use super::present::Snapshot;
use super::rows::{decisions, read};
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

impl Decision {
    /// As it is stored.
    pub fn row(self) -> decisions::ActiveModel {
        let (what, value, contact) = match &self.subject {
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
        let restriction = match &self.subject {
            Subject::Restriction(_, restriction) => restriction.as_ref(),
            Subject::Standing(..) | Subject::PersonOnly(_) => None,
        };
        decisions::ActiveModel {
            school: Set(self.school.to_string()),
            pupil_id: Set(self.pupil.to_string()),
            contact_id: Set(contact.map(ToString::to_string)),
            what: Set(what.to_owned()),
            value: Set(value),
            value_from: Set(restriction.map(|restriction| restriction.from.to_string())),
            value_until: Set(restriction
                .and_then(|restriction| restriction.until)
                .map(|until| until.to_string())),
            evidence: Set(self.evidence),
            decided_by: Set(self.by.0),
            decided_at: Set(micros(self.by.1)),
            ..Default::default()
        }
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
