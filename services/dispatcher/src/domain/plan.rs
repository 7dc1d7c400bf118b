//! The plan: for every contact and pupil, one address to tell now, or why not.
//!
//! The same plan serves the first message and every later step: a step passes the addresses that
//! have been tried, and asks for some contacts only. Every entitled contact is told; nobody is
//! skipped because somebody else was told. What no address can carry becomes a person's task.
//! A message leaves now or is held until the quiet hours are over; everything else is a skip.

mod addresses;
mod corrected;
mod late;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use proto::ids::{ContactId, PupilId};

use super::entitlement::{Matter, Standing, entitled};
use super::person::{PersonTask, not_cleared, not_reached};
use super::{Address, AddressKind, Link, NoticeKind, Pupil, Reason, Suppressed, Texts};

pub use corrected::{but_for_told, corrected, to_correct};
pub use late::{dealt_with, too_late, too_late_for};

/// One contact who is to learn about one pupil.
pub type Member = (ContactId, PupilId);

/// What the plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is to be told.
    pub matter: Matter,
    /// About whom; a pupil who is not in `audience` is no longer on roll.
    pub pupils: &'a [PupilId],
    /// What the directory says.
    pub audience: &'a [Pupil],
    /// The media that have a channel, and words.
    pub media: Media,
    /// What becomes of texts just now.
    pub texts: Texts,
    /// The addresses that are not used like others.
    pub suppressed: &'a Suppressed,
    /// What a later step knows; the first plan is for everybody.
    pub later: Option<&'a Later>,
}

/// What a later step of a gathering is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    /// Who is to be told about whom, because nothing else that went to them may have got there.
    pub members: BTreeSet<Member>,
    /// Those of them to whom an e-mail about it went that may have got there. A text is sooner
    /// noticed, so their next number is tried; when there is none, nobody is asked.
    pub emailed: BTreeSet<Member>,
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
    /// Until when it is held; none when it leaves now.
    pub held_until: Option<Timestamp>,
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
    /// Contacts who take no voice calls, so that nobody is asked to ring them without being told.
    pub no_voice: BTreeSet<ContactId>,
}

impl Media {
    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { text: self.text && other.text, email: self.email && other.email }
    }
}

/// Makes the plan.
#[must_use]
pub fn plan(wanted: &Wanted<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut by_address: BTreeMap<String, Planned> = BTreeMap::new();
    let audience: HashMap<PupilId, &Pupil> = wanted.audience.iter().map(|pupil| (pupil.id, pupil)).collect();
    for pupil_id in wanted.pupils {
        let Some(pupil) = audience.get(pupil_id).copied() else {
            plan.decide(None, *pupil_id, Reason::NotOnRoll);
            wanted.hand_over(*pupil_id, PersonTask::NobodyToTell(*pupil_id), &mut plan);
            continue;
        };
        if pupil.person_only && wanted.matter.asks_a_person_first() {
            plan.decide(None, pupil.id, Reason::PersonOnly);
            wanted.hand_over(pupil.id, PersonTask::PersonOnly(pupil.id), &mut plan);
            continue;
        }
        let silent = pupil.links.iter().filter(|link| link.no_voice);
        plan.no_voice.extend(silent.map(|link| link.contact));
        let kind = wanted.matter.kind;
        let mut told = Vec::new();
        for link in pupil.links.iter().filter(|link| wanted.asks_for(link, pupil)) {
            match entitled(wanted.matter, Standing::of(link)) {
                Ok(()) => {
                    told.push(link.contact);
                    tell(wanted, (link, pupil.id), &mut by_address, &mut plan);
                }
                Err(reason) => {
                    plan.decide(Some(link.contact), pupil.id, reason);
                    if wanted.later.is_some() && !wanted.was_emailed((link.contact, pupil.id)) {
                        plan.tasks.push(not_cleared(kind, link.contact, pupil.id));
                    }
                }
            }
        }
        for contact in wanted.contacts_of(pupil.id) {
            if !pupil.links.iter().any(|link| link.contact == contact) {
                plan.decide(Some(contact), pupil.id, Reason::NotLinked);
                if !wanted.was_emailed((contact, pupil.id)) {
                    plan.tasks.push(not_cleared(kind, contact, pupil.id));
                }
            }
        }
        if wanted.later.is_some() {
            continue;
        }
        if told.is_empty() {
            plan.tasks.push(PersonTask::NobodyToTell(pupil.id));
        } else if kind == NoticeKind::HeadInjury {
            let last = pupil.links.iter().filter(|link| Standing::of(link) == Standing::EmergencyOnly);
            told.extend(last.map(|link| link.contact));
            plan.tasks.push(PersonTask::Ring(pupil.id, told));
        }
    }
    plan.messages = by_address.into_values().collect();
    plan
}

/// Tells one contact about one pupil, by each address that is to be used now.
fn tell(
    wanted: &Wanted<'_>,
    (link, pupil): (&Link, PupilId),
    by_address: &mut BTreeMap<String, Planned>,
    plan: &mut Plan,
) {
    let addresses = addresses::choose(wanted, link, pupil, plan);
    if let Some(asked) = addresses::none_works(wanted, link) {
        plan.tasks.push(PersonTask::NoWorkingAddress(link.contact, pupil, asked));
    }
    if addresses.is_empty() && wanted.was_emailed((link.contact, pupil)) {
        plan.decide(Some(link.contact), pupil, Reason::Emailed);
    } else if addresses.is_empty() {
        plan.decide(Some(link.contact), pupil, Reason::NoAddress);
        plan.tasks.push(not_reached(wanted.matter.kind, link.contact, pupil));
    }
    for address in addresses {
        if wanted.carries(address, pupil) {
            plan.joins.push((address.value.clone(), (link.contact, pupil)));
            plan.decide(Some(link.contact), pupil, Reason::AddressTold);
            continue;
        }
        let message = by_address.entry(address.key()).or_insert_with(|| Planned {
            address: address.clone(),
            members: BTreeSet::new(),
            held_until: wanted.held_until(address),
        });
        let others = message.members.iter().any(|(contact, _)| *contact != link.contact);
        let reason = match (others, wanted.later) {
            (true, _) => Reason::AddressTold,
            (false, None) => Reason::Entitled,
            (false, Some(_)) => Reason::NextAddress,
        };
        message.members.insert((link.contact, pupil));
        let held = message.held_until.is_some();
        plan.decide(Some(link.contact), pupil, reason);
        if held {
            plan.decide(Some(link.contact), pupil, Reason::QuietHours);
        }
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
        if self.matter.kind == NoticeKind::AbsenceCorrection && self.later.is_some() {
            let wrong = self.contacts_of(pupil).map(|contact| PersonTask::NotCorrected(contact, pupil));
            plan.tasks.extend(wrong);
        } else {
            plan.tasks.push(task);
        }
    }

    fn asks_for(&self, link: &Link, pupil: &Pupil) -> bool {
        self.later.is_none_or(|later| later.members.contains(&(link.contact, pupil.id)))
    }

    fn was_emailed(&self, member: Member) -> bool {
        self.later.is_some_and(|later| later.emailed.contains(&member))
    }

    fn was_tried(&self, contact: ContactId, address: &Address) -> bool {
        self.later.is_some_and(|later| later.tried.contains(&(contact, address.key())))
    }

    fn carries(&self, address: &Address, pupil: PupilId) -> bool {
        self.later.is_some_and(|later| later.carried.contains(&(address.key(), pupil)))
    }

    fn held_until(&self, address: &Address) -> Option<Timestamp> {
        match self.texts {
            Texts::WaitUntil(end) if address.kind == AddressKind::Mobile => Some(end),
            Texts::WaitUntil(_) | Texts::Go | Texts::ComeTooLate => None,
        }
    }
}

impl Plan {
    /// Both plans as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.messages.extend(other.messages);
        self.decisions.extend(other.decisions);
        self.joins.extend(other.joins);
        self.tasks.extend(other.tasks);
        self.no_voice.extend(other.no_voice);
        self
    }

    fn decide(&mut self, contact: Option<ContactId>, pupil: PupilId, reason: Reason) {
        self.decisions.push(Decision { contact, pupil, reason });
    }
}

#[cfg(test)]
mod tests;
