//! Plans in which nothing is sent: what is too late for a message, and what a person has done
//! instead. Nobody falls out of them unsaid either.

use proto::ids::PupilId;

use super::{Later, Media, Plan, Wanted, plan};
use crate::domain::person::{PersonTask, not_reached};
use crate::domain::{NoticeKind, Reason};

/// A plan for what can no longer be told in time: everybody who should have been told is a
/// person's task.
#[must_use]
pub fn too_late(wanted: &Wanted<'_>) -> Plan {
    let nothing = Media { text: false, email: false };
    let mut plan = plan(&Wanted { media: nothing, ..*wanted });
    plan.decisions.retain(|decision| !matches!(decision.reason, Reason::NoChannel | Reason::Landline));
    for decision in &mut plan.decisions {
        if decision.reason == Reason::NoAddress {
            decision.reason = Reason::Expired;
        }
    }
    plan
}

/// The same when nobody can say whom it concerns: the contacts of a later step are known, those of
/// a first one are not, and then the pupils stand for them.
#[must_use]
pub fn too_late_for(kind: NoticeKind, pupils: &[PupilId], later: Option<&Later>) -> Plan {
    let mut plan = Plan::default();
    let Some(later) = later else {
        for pupil in pupils {
            plan.decide(None, *pupil, Reason::Expired);
            plan.tasks.push(PersonTask::NobodyToTell(*pupil));
        }
        return plan;
    };
    for (contact, pupil) in &later.members {
        plan.decide(Some(*contact), *pupil, Reason::Expired);
        if !later.emailed.contains(&(*contact, *pupil)) {
            plan.tasks.push(not_reached(kind, *contact, *pupil));
        }
    }
    plan
}

/// A plan for what a person has dealt with: nothing, and why.
#[must_use]
pub fn dealt_with<'a>(pupils: impl IntoIterator<Item = &'a PupilId>) -> Plan {
    let mut plan = Plan::default();
    for pupil in pupils {
        plan.decide(None, *pupil, Reason::HandledByPerson);
    }
    plan
}
