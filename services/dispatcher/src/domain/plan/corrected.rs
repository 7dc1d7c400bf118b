//! Plans for what was told and does not hold: whoever was told is told so, by the addresses at which they
//! were told or were to be, and nobody is told the same thing as news beside it.

use std::collections::{BTreeMap, HashSet};

use proto::ids::ContactId;

use super::{Decision, Member, Plan, Planned, Wanted};
use crate::domain::Reason;
use crate::domain::audience::Address;
use crate::domain::person::PersonTask;

/// Where to correct whoever was told: where they were. Whoever can be told at none of these any more is corrected
/// where a plan for everybody tells them, because they have the wrong words all the same.
#[must_use]
pub fn to_correct(
    wanted: &Wanted<'_>,
    mut told: Vec<(Address, Member)>,
    everybody: &Plan,
) -> Vec<(Address, Member)> {
    let works = |(address, _): &&(Address, Member)| wanted.obstacle(address).is_none();
    let reached: HashSet<ContactId> = told.iter().filter(works).map(|(_, (contact, _))| *contact).collect();
    let mut cut_off: HashSet<ContactId> = told.iter().map(|(_, (contact, _))| *contact).collect();
    cut_off.retain(|contact| !reached.contains(contact));
    for message in &everybody.messages {
        let own = message.members.iter().filter(|(contact, _)| cut_off.contains(contact));
        told.extend(own.map(|member| (message.address.clone(), *member)));
    }
    told
}

/// A plan for exactly these addresses and people. Whether they may still be told is looked at when it
/// leaves; what cannot leave is a person's task, where the kind has any.
#[must_use]
pub fn corrected(wanted: &Wanted<'_>, told: &[(Address, Member)], because: Reason) -> Plan {
    let mut plan = Plan::default();
    let mut by_address: BTreeMap<String, Planned> = BTreeMap::new();
    for (address, member) in told {
        let (contact, pupil) = *member;
        if let Some(reason) = wanted.obstacle(address) {
            plan.decide(Some(contact), pupil, reason);
            plan.tasks.push(PersonTask::NotCorrected(contact, pupil));
            continue;
        }
        let held_until = wanted.held_until(address);
        plan.decide(Some(contact), pupil, because);
        if held_until.is_some() {
            plan.decide(Some(contact), pupil, Reason::QuietHours);
        }
        let message = by_address.entry(address.key()).or_insert_with(|| Planned {
            address: address.clone(),
            members: std::collections::BTreeSet::new(),
            held_until,
        });
        message.members.insert(*member);
    }
    plan.messages = by_address.into_values().collect();
    plan
}

/// What is left of a plan for those who were not told before: neither the people who were, nor the
/// addresses at which they were, because one who shares such an address reads what it carries.
#[must_use]
pub fn but_for_told(mut plan: Plan, told: &[(Address, Member)]) -> Plan {
    let contacts: HashSet<ContactId> = told.iter().map(|(_, (contact, _))| *contact).collect();
    let addresses: HashSet<String> = told.iter().map(|(address, _)| address.key()).collect();
    let was_told = |contact: &ContactId| contacts.contains(contact);
    plan.decisions.retain(|decision| !decision.contact.as_ref().is_some_and(was_told));
    for message in &mut plan.messages {
        message.members.retain(|(contact, _)| !was_told(contact));
        if addresses.contains(&message.address.key()) {
            let readers = std::mem::take(&mut message.members).into_iter();
            plan.decisions.extend(readers.map(|(contact, pupil)| Decision {
                contact: Some(contact),
                pupil,
                reason: Reason::AddressTold,
            }));
        }
    }
    plan.messages.retain(|message| !message.members.is_empty());
    plan
}
