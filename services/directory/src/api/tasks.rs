//! What the designated safeguarding lead is asked when something was kept against a file or an
//! office's change. Each question is asked once; none of them carries a name or an address.

use jiff::{SignedDuration, Timestamp};
use kit::identity::Caller;
use kit::store::Error;
use kit::tasks::NewTask;
use proto::ids::{ContactId, PupilId};
use proto::options::v1::Role;

use crate::domain::plan::{GivenUp, Kept, Left, Plan};
use crate::domain::roster::SourceId;
use crate::store::present::Snapshot;

/// Nothing here hurries: what stands is the narrower.
const DUE: SignedDuration = SignedDuration::from_hours(24);

/// How many questions an import asks.
pub fn number(plan: &Plan) -> usize {
    plan.kept.len() + plan.given_up.len() + plan.left.len()
}

/// Everything that an import asks.
pub fn of_plan(
    caller: &Caller,
    snapshot: &Snapshot,
    plan: &Plan,
    now: Timestamp,
) -> Result<Vec<NewTask>, Error> {
    let kept = plan.kept.iter().map(|kept| would_weaken(caller, snapshot, kept, now));
    let given_up = plan.given_up.iter().map(|given_up| {
        let GivenUp { contact, pupils, columns } = given_up;
        let pupils = pupils.iter().map(|key| pupil(snapshot, key)).collect::<Result<Vec<_>, _>>()?;
        Ok(address_given_up(caller, contact_of(snapshot, contact)?, (&pupils, columns), now))
    });
    let left = plan.left.iter().map(|left| withdrawn(caller, snapshot, left, now));
    kept.chain(given_up).chain(left).collect()
}

/// A shared address that a restricted contact has given up. `revision` is the contact's after that.
pub fn address_given_up(
    caller: &Caller,
    (contact, revision): (ContactId, i64),
    (pupils, columns): (&[PupilId], &[&str]),
    now: Timestamp,
) -> NewTask {
    let why = format!(
        "a contact under a restriction no longer has an address that somebody else uses, too ({}); it \
         stays barred until a person ends the restriction",
        columns.join(" ")
    );
    let subjects = pupils.iter().map(ToString::to_string).chain([contact.to_string()]);
    task(caller, "barred_address_given_up", now)
        .about(subjects)
        .because(why)
        .once(format!("barred_address_given_up {contact} {revision}"))
}

fn would_weaken(caller: &Caller, snapshot: &Snapshot, kept: &Kept, now: Timestamp) -> Result<NewTask, Error> {
    let mut subjects = vec![pupil(snapshot, &kept.pupil)?.to_string()];
    if let Some(contact) = &kept.contact {
        subjects.push(contact_of(snapshot, contact)?.0.to_string());
    }
    let why = format!(
        "the school's file asks for what only a person may decide ({}); what stood was kept",
        kept.asked
    );
    let key = format!("import_would_weaken {} {}", subjects.join(" "), kept.asked);
    Ok(task(caller, "import_would_weaken", now).about(subjects).because(why).once(key))
}

fn withdrawn(caller: &Caller, snapshot: &Snapshot, left: &Left, now: Timestamp) -> Result<NewTask, Error> {
    let mut subjects = vec![pupil(snapshot, &left.pupil)?.to_string()];
    for successor in &left.successors {
        subjects.push(pupil(snapshot, successor)?.to_string());
    }
    let why = if left.successors.is_empty() {
        "a pupil who is person only or whose contact is restricted left the school's file; should the \
         child come back under another id, a person must say so"
    } else {
        "a pupil who is person only or whose contact is restricted left the school's file; the others \
         named here may be the same child or live in the same home and inherited what stood until a \
         person decides"
    };
    let key = format!("restricted_pupil_withdrawn {}", subjects.join(" "));
    Ok(task(caller, "restricted_pupil_withdrawn", now).about(subjects).because(why).once(key))
}

fn task(caller: &Caller, kind: &'static str, now: Timestamp) -> NewTask {
    NewTask::new(caller.tenant, kind, Role::DesignatedSafeguardingLead, (now, DUE))
}

fn pupil(snapshot: &Snapshot, key: &SourceId) -> Result<PupilId, Error> {
    snapshot.pupils.get(key).map(|(id, _)| *id).ok_or(Error::Corrupt { what: "id" })
}

fn contact_of(snapshot: &Snapshot, key: &SourceId) -> Result<(ContactId, i64), Error> {
    snapshot.contacts.get(key).copied().ok_or(Error::Corrupt { what: "id" })
}
