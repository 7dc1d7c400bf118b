//! The plan: for every contact and pupil, one address to tell now, or why not.
//!
//! The same plan serves the first message and every later step: a step passes the addresses that
//! have been tried, and asks for some contacts only. Every entitled contact is told; nobody is
//! skipped because somebody else was told. What no address can carry becomes a person's task.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proto::ids::{ContactId, PupilId};

use super::entitlement::{Standing, entitled};
use super::{Address, AddressKind, Link, NoticeKind, Pupil, Reason};

/// One contact who is to learn about one pupil.
pub type Member = (ContactId, PupilId);

/// What the plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is to be told.
    pub kind: NoticeKind,
    /// About whom; a pupil who is not in `audience` is no longer on roll.
    pub pupils: &'a [PupilId],
    /// What the directory says.
    pub audience: &'a [Pupil],
    /// The media that have a channel.
    pub media: Media,
    /// What a later step knows; the first plan is for everybody.
    pub later: Option<&'a Later>,
}

/// What a later step of a gathering is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    /// Who is to be told about whom, because nothing else that went to them may have got there.
    pub members: BTreeSet<Member>,
    /// The addresses at which contacts have been tried, by [`key_of`](super::audience::key_of).
    pub tried: HashSet<(ContactId, String)>,
    /// The addresses that a message about a pupil is on its way to, or has reached, likewise.
    pub carried: HashSet<(String, PupilId)>,
}

/// Which media can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media {
    /// A channel for texts is set up.
    pub text: bool,
    /// A channel for e-mail is set up.
    pub email: bool,
}

/// A message to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Where it goes.
    pub address: Address,
    /// Whom it tells about whom.
    pub members: BTreeSet<Member>,
}

/// Why a contact is told about a pupil, or is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The contact; none when it is about everybody.
    pub contact: Option<ContactId>,
    /// The pupil.
    pub pupil: PupilId,
    /// Why.
    pub reason: Reason,
}

/// Something that a person must do because no message can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonTask {
    /// Nobody may be told about this pupil.
    NobodyToTell(PupilId),
    /// This contact should be told and cannot be.
    CannotBeReached(ContactId, PupilId),
    /// The address that would be used is used by somebody barred.
    AddressShared(ContactId, PupilId),
    /// No automation runs about this pupil.
    PersonOnly(PupilId),
    /// This contact should be told further, and may not be any more.
    NotCleared(ContactId, PupilId),
    /// This contact was told wrongly, and no message can say so.
    NotCorrected(ContactId, PupilId),
}

/// Who is told, how, who is not, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The messages, one per address.
    pub messages: Vec<Planned>,
    /// Every decision.
    pub decisions: Vec<Decision>,
    /// Contacts who are told by a message to their address that exists already.
    pub joins: Vec<(String, Member)>,
    /// What people must do.
    pub tasks: Vec<PersonTask>,
}

/// Makes the plan.
#[must_use]
pub fn plan(wanted: &Wanted<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut by_address: BTreeMap<String, Planned> = BTreeMap::new();
    for pupil_id in wanted.pupils {
        let Some(pupil) = wanted.audience.iter().find(|pupil| pupil.id == *pupil_id) else {
            plan.decide(None, *pupil_id, Reason::NotOnRoll);
            wanted.hand_over(*pupil_id, PersonTask::NobodyToTell(*pupil_id), &mut plan);
            continue;
        };
        if pupil.person_only {
            plan.decide(None, pupil.id, Reason::PersonOnly);
            wanted.hand_over(pupil.id, PersonTask::PersonOnly(pupil.id), &mut plan);
            continue;
        }
        let mut anybody = false;
        for link in pupil.links.iter().filter(|link| wanted.asks_for(link, pupil)) {
            if let Err(reason) = entitled(wanted.kind, Standing::of(link)) {
                plan.decide(Some(link.contact), pupil.id, reason);
                if wanted.later.is_some() {
                    plan.tasks.push(not_cleared(wanted.kind, link.contact, pupil.id));
                }
                continue;
            }
            anybody = true;
            let Some(address) = choose(wanted, link, pupil.id, &mut plan) else {
                plan.decide(Some(link.contact), pupil.id, Reason::NoAddress);
                plan.tasks.push(not_reached(wanted.kind, link.contact, pupil.id));
                continue;
            };
            if wanted.carries(address, pupil.id) {
                plan.joins.push((address.value.clone(), (link.contact, pupil.id)));
                plan.decide(Some(link.contact), pupil.id, Reason::AddressTold);
                continue;
            }
            let message = by_address
                .entry(address.key())
                .or_insert_with(|| Planned { address: address.clone(), members: BTreeSet::new() });
            let others = message.members.iter().any(|(contact, _)| *contact != link.contact);
            let reason = match (others, wanted.later) {
                (true, _) => Reason::AddressTold,
                (false, None) => Reason::Entitled,
                (false, Some(_)) => Reason::NextAddress,
            };
            message.members.insert((link.contact, pupil.id));
            plan.decide(Some(link.contact), pupil.id, reason);
        }
        for contact in wanted.contacts_of(pupil.id) {
            if !pupil.links.iter().any(|link| link.contact == contact) {
                plan.decide(Some(contact), pupil.id, Reason::NotLinked);
                plan.tasks.push(not_cleared(wanted.kind, contact, pupil.id));
            }
        }
        if !anybody && wanted.later.is_none() {
            plan.tasks.push(PersonTask::NobodyToTell(pupil.id));
        }
    }
    plan.messages = by_address.into_values().collect();
    plan
}

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
        plan.tasks.push(not_reached(kind, *contact, *pupil));
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

/// The task about a contact whom no address reaches.
fn not_reached(kind: NoticeKind, contact: ContactId, pupil: PupilId) -> PersonTask {
    match kind {
        NoticeKind::AbsenceUnexplained => PersonTask::CannotBeReached(contact, pupil),
        NoticeKind::AbsenceCorrection => PersonTask::NotCorrected(contact, pupil),
    }
}

/// The task about a contact who was to be told and may not be any more. Never one that says to
/// ring them: whether they may know is for the safeguarding lead to say.
fn not_cleared(kind: NoticeKind, contact: ContactId, pupil: PupilId) -> PersonTask {
    match kind {
        NoticeKind::AbsenceUnexplained => PersonTask::NotCleared(contact, pupil),
        NoticeKind::AbsenceCorrection => PersonTask::NotCorrected(contact, pupil),
    }
}

impl Wanted<'_> {
    /// The contacts whom a later step is to tell about a pupil.
    fn contacts_of(&self, pupil: PupilId) -> impl Iterator<Item = ContactId> {
        let members = self.later.into_iter().flat_map(|later| &later.members);
        members.filter(move |(_, about)| *about == pupil).map(|(contact, _)| *contact)
    }

    /// Nothing is sent about a pupil: what a person does about an absence is about the pupil, and
    /// about a correction it is about everybody who was told wrongly.
    fn hand_over(&self, pupil: PupilId, task: PersonTask, plan: &mut Plan) {
        match self.kind {
            NoticeKind::AbsenceCorrection if self.later.is_some() => {
                let wrong = self.contacts_of(pupil).map(|contact| PersonTask::NotCorrected(contact, pupil));
                plan.tasks.extend(wrong);
            }
            NoticeKind::AbsenceUnexplained | NoticeKind::AbsenceCorrection => plan.tasks.push(task),
        }
    }

    fn asks_for(&self, link: &Link, pupil: &Pupil) -> bool {
        self.later.is_none_or(|later| later.members.contains(&(link.contact, pupil.id)))
    }

    fn was_tried(&self, contact: ContactId, address: &Address) -> bool {
        self.later.is_some_and(|later| later.tried.contains(&(contact, address.key())))
    }

    fn carries(&self, address: &Address, pupil: PupilId) -> bool {
        self.later.is_some_and(|later| later.carried.contains(&(address.key(), pupil)))
    }
}

/// The first address that has not been tried and can carry this: texts go to mobiles, never to
/// landlines; what a barred person also uses carries nothing.
fn choose<'a>(wanted: &Wanted<'_>, link: &'a Link, pupil: PupilId, plan: &mut Plan) -> Option<&'a Address> {
    for address in &link.addresses {
        if wanted.was_tried(link.contact, address) {
            continue;
        }
        if address.barred {
            plan.decide(Some(link.contact), pupil, Reason::AddressShared);
            plan.tasks.push(PersonTask::AddressShared(link.contact, pupil));
            continue;
        }
        match (address.kind, wanted.media) {
            (AddressKind::Mobile, Media { text: true, .. })
            | (AddressKind::Email, Media { email: true, .. }) => {
                return Some(address);
            }
            (AddressKind::Landline, _) => plan.decide(Some(link.contact), pupil, Reason::Landline),
            (AddressKind::Mobile | AddressKind::Email, _) => {
                plan.decide(Some(link.contact), pupil, Reason::NoChannel);
            }
        }
    }
    None
}

impl Plan {
    /// Both plans as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.messages.extend(other.messages);
        self.decisions.extend(other.decisions);
        self.joins.extend(other.joins);
        self.tasks.extend(other.tasks);
        self
    }

    fn decide(&mut self, contact: Option<ContactId>, pupil: PupilId, reason: Reason) {
        self.decisions.push(Decision { contact, pupil, reason });
    }
}

#[cfg(test)]
mod tests;
