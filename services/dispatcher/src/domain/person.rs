//! What people must do because no message can: who is asked, by when, and in which words. Nothing
//! here holds anybody's data but ids.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kit::tasks::NewTask;
use proto::ids::{ContactId, PupilId, SchoolId};
use proto::options::v1::Role;

use super::{Account, NoticeKind};

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
    /// None of this contact's addresses works; the text names the records of it.
    NoWorkingAddress(ContactId, PupilId, String),
    /// A person speaks with somebody, whatever the messages do: these contacts, in this order.
    Ring(PupilId, Vec<ContactId>),
}

/// The task about a contact whom no address reaches.
#[must_use]
pub fn not_reached(kind: NoticeKind, contact: ContactId, pupil: PupilId) -> PersonTask {
    match kind {
        NoticeKind::AbsenceCorrection => PersonTask::NotCorrected(contact, pupil),
        NoticeKind::AbsenceUnexplained
        | NoticeKind::FirstAid
        | NoticeKind::HeadInjury
        | NoticeKind::ClosureDeclared
        | NoticeKind::ClosureChanged
        | NoticeKind::Reopening
        | NoticeKind::Announcement
        | NoticeKind::AnnouncementCorrection => PersonTask::CannotBeReached(contact, pupil),
    }
}

/// The task about a contact who was to be told and may not be any more. Never one that says to
/// ring them: whether they may know is for the safeguarding lead to say.
#[must_use]
pub fn not_cleared(kind: NoticeKind, contact: ContactId, pupil: PupilId) -> PersonTask {
    match kind {
        NoticeKind::AbsenceCorrection => PersonTask::NotCorrected(contact, pupil),
        NoticeKind::AbsenceUnexplained
        | NoticeKind::FirstAid
        | NoticeKind::HeadInjury
        | NoticeKind::ClosureDeclared
        | NoticeKind::ClosureChanged
        | NoticeKind::Reopening
        | NoticeKind::Announcement
        | NoticeKind::AnnouncementCorrection => PersonTask::NotCleared(contact, pupil),
    }
}

/// What a task is about, besides the people in it.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The school.
    pub school: SchoolId,
    /// What was to be told.
    pub kind: NoticeKind,
    /// Whether a person may have been asked because of the same accident before.
    pub account: Account,
    /// The gathering or the delivery that it came from: each asks once.
    pub from: &'a str,
    /// Contacts who take no voice calls.
    pub no_voice: &'a BTreeSet<ContactId>,
    /// Now.
    pub now: Timestamp,
}

/// What keeps a person from taking an amendment for another accident.
const SAME_ACCIDENT: &str =
    "the account of the accident was amended: it is the one that was told before, not another";

/// For whoever rings. Relay UK puts a person between who speaks and who types.
const NO_VOICE: &str = "do not ring who takes no voice calls, but text them, visit, or use Relay UK";

const LEAD: Role = Role::DesignatedSafeguardingLead;

impl Asking<'_> {
    /// The tasks of a plan. Of what is said to many, a person is asked once for a contact, and once
    /// for everybody who has nobody to tell, with all the pupils: a list can be worked through, a
    /// thousand tasks cannot.
    #[must_use]
    pub fn tasks(&self, tasks: &[PersonTask]) -> Vec<NewTask> {
        if !self.kind.is_for_many() {
            return tasks.iter().filter_map(|task| self.task(task)).collect();
        }
        let mut asked = Vec::new();
        let mut together: BTreeMap<Option<ContactId>, (&PersonTask, BTreeSet<PupilId>)> = BTreeMap::new();
        for task in tasks {
            let (contact, pupil) = match task {
                PersonTask::CannotBeReached(contact, pupil) => (Some(*contact), *pupil),
                PersonTask::NobodyToTell(pupil) => (None, *pupil),
                PersonTask::AddressShared(..)
                | PersonTask::PersonOnly(_)
                | PersonTask::NotCleared(..)
                | PersonTask::NotCorrected(..)
                | PersonTask::NoWorkingAddress(..)
                | PersonTask::Ring(..) => {
                    asked.extend(self.task(task));
                    continue;
                }
            };
            together.entry(contact).or_insert_with(|| (task, BTreeSet::new())).1.insert(pupil);
        }
        for (contact, (task, pupils)) in together {
            let Some(words) = self.words(task) else { continue };
            // Later steps may ask about other pupils: the set is a part of the key, whatever its size.
            let set = pupils.iter().fold(0, |set, pupil| set ^ pupil.uuid().as_u128());
            let contact = contact.map(|contact| contact.to_string());
            let key = format!("{}:{set:032x}", contact.as_deref().unwrap_or_default());
            let subjects = contact.into_iter().chain(pupils.iter().map(ToString::to_string));
            asked.push(self.open(words, subjects.collect(), &key, &self.not_to_ring(task)));
        }
        asked
    }

    /// The task; none when nobody is harmed by not being told, which the counts show all the same.
    #[must_use]
    pub fn task(&self, task: &PersonTask) -> Option<NewTask> {
        let words = self.words(task)?;
        let (subjects, key) = match task {
            PersonTask::NobodyToTell(pupil) | PersonTask::PersonOnly(pupil) => {
                (vec![pupil.to_string()], pupil.to_string())
            }
            PersonTask::CannotBeReached(contact, pupil)
            | PersonTask::AddressShared(contact, pupil)
            | PersonTask::NotCleared(contact, pupil)
            | PersonTask::NotCorrected(contact, pupil) => {
                (vec![contact.to_string(), pupil.to_string()], format!("{contact}:{pupil}"))
            }
            PersonTask::NoWorkingAddress(contact, pupil, records) => {
                // Once for each address, whatever is to be told.
                let (name, role, why) = words;
                let due = (self.now, SignedDuration::from_hours(24));
                let new = NewTask::new(self.school, name, role, due).because(why);
                let subjects = [contact.to_string(), pupil.to_string()];
                return Some(new.about(subjects).once(format!("{name}:{contact}:{records}")));
            }
            PersonTask::Ring(pupil, contacts) => {
                let contacts = contacts.iter().map(ToString::to_string);
                (std::iter::once(pupil.to_string()).chain(contacts).collect(), pupil.to_string())
            }
        };
        Some(self.open(words, subjects, &key, &self.not_to_ring(task)))
    }

    /// What whoever rings is told about contacts who take no voice calls.
    fn not_to_ring(&self, task: &PersonTask) -> String {
        let contacts: &[ContactId] = match task {
            PersonTask::CannotBeReached(contact, _) | PersonTask::NotCorrected(contact, _) => {
                std::slice::from_ref(contact)
            }
            PersonTask::Ring(_, contacts) => contacts,
            PersonTask::NobodyToTell(_)
            | PersonTask::PersonOnly(_)
            | PersonTask::AddressShared(..)
            | PersonTask::NotCleared(..)
            | PersonTask::NoWorkingAddress(..) => &[],
        };
        let silent: Vec<String> = contacts
            .iter()
            .filter(|contact| self.no_voice.contains(contact))
            .map(ToString::to_string)
            .collect();
        match silent.as_slice() {
            [] => String::new(),
            silent => format!("; {NO_VOICE}: {}", silent.join(", ")),
        }
    }

    fn open(
        &self,
        words: (&'static str, Role, &'static str),
        subjects: Vec<String>,
        key: &str,
        not_to_ring: &str,
    ) -> NewTask {
        let (name, role, why) = words;
        let why = match self.account {
            Account::First => format!("{why}{not_to_ring}"),
            Account::Amended => format!("{why}{not_to_ring} ({SAME_ACCIDENT})"),
        };
        let new = NewTask::new(self.school, name, role, (self.now, self.minutes()));
        new.about(subjects).because(why).once(format!("{name}:{}:{key}", self.from))
    }

    /// How long a person has. Absences are followed up before half past nine.
    fn minutes(&self) -> SignedDuration {
        SignedDuration::from_mins(match self.kind {
            NoticeKind::HeadInjury => 5,
            NoticeKind::AbsenceUnexplained | NoticeKind::AbsenceCorrection => 15,
            NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged | NoticeKind::Reopening => 60,
            NoticeKind::FirstAid | NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => 120,
        })
    }

    fn words(&self, task: &PersonTask) -> Option<(&'static str, Role, &'static str)> {
        Some(match task {
            PersonTask::NobodyToTell(_) => self.nobody_to_tell()?,
            PersonTask::CannotBeReached(..) => self.cannot_be_reached()?,
            // Nobody rings because of a letter: the list of who was not reached says whom it missed.
            PersonTask::AddressShared(..) | PersonTask::NotCorrected(..) if self.kind.is_a_letter() => {
                return None;
            }
            PersonTask::AddressShared(..) => (
                "address_shared",
                LEAD,
                "this contact's address is used by somebody who may not learn of the pupil: nothing was sent to it",
            ),
            PersonTask::PersonOnly(_) => (
                "person_only",
                LEAD,
                "for this pupil nothing is sent automatically: decide who is told, and tell them",
            ),
            // Whoever may not hear of a closure or a letter any more need not.
            PersonTask::NotCleared(..) if !self.is_about_a_child() => return None,
            PersonTask::NotCleared(..) => (
                "not_cleared",
                LEAD,
                "no message reached this contact, who may not be told about the pupil any more: see that somebody knows",
            ),
            PersonTask::NotCorrected(..) => (
                "not_corrected",
                LEAD,
                "this contact was told that the pupil was missing, and no message can say that it was wrong: ring them, if they may know",
            ),
            PersonTask::NoWorkingAddress(..) => (
                "no_working_address",
                Role::Office,
                "the network says that none of this contact's numbers and mailboxes exists, or they asked for no more \
                 messages: ask for one that works, and correct it",
            ),
            PersonTask::Ring(..) => (
                "ring_about_head_injury",
                Role::Office,
                "the pupil's head was hurt: ring these contacts in their order until one of them has been spoken with",
            ),
        })
    }

    fn nobody_to_tell(&self) -> Option<(&'static str, Role, &'static str)> {
        let (role, why) = match self.kind {
            NoticeKind::AbsenceUnexplained | NoticeKind::AbsenceCorrection => (
                Role::AttendanceOfficer,
                "nobody who may be told about this pupil can be told automatically: ring or visit",
            ),
            NoticeKind::FirstAid => (
                Role::Office,
                "the pupil had an accident and nobody who may know can be told automatically: see that somebody at home knows today",
            ),
            NoticeKind::HeadInjury => (
                LEAD,
                "the pupil's head was hurt and nobody may be told automatically: decide who is told, and ring them now",
            ),
            NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged | NoticeKind::Reopening => (
                Role::Office,
                "the closing or opening of the school concerns this pupil and nobody at home can be told automatically: see that they know",
            ),
            NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => return None,
        };
        Some(("nobody_to_tell", role, why))
    }

    fn cannot_be_reached(&self) -> Option<(&'static str, Role, &'static str)> {
        let (role, why) = match self.kind {
            NoticeKind::AbsenceUnexplained | NoticeKind::AbsenceCorrection => (
                Role::AttendanceOfficer,
                "this contact should know about the pupil and no message reached them: ring them",
            ),
            NoticeKind::FirstAid => (
                Role::Office,
                "this contact should know of the pupil's accident and no message reached them: ring them today",
            ),
            NoticeKind::HeadInjury => (
                Role::Office,
                "this contact should know that the pupil's head was hurt and no message reached them: ring them now",
            ),
            NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged | NoticeKind::Reopening => (
                Role::Office,
                "this contact should know that the school is closed, or open again, and no message reached them: ring them",
            ),
            NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => return None,
        };
        Some(("not_reached", role, why))
    }

    fn is_about_a_child(&self) -> bool {
        !self.kind.is_for_many()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: NoticeKind, task: &PersonTask) -> Option<NewTask> {
        let now = "2026-11-24T09:16:00Z".parse().unwrap();
        let account = Account::First;
        let no_voice = &BTreeSet::new();
        Asking { school: SchoolId::generate(), kind, account, from: "gth_1", no_voice, now }.task(task)
    }

    #[test]
    fn nobody_is_asked_because_of_a_letter_and_of_everything_else_somebody_is() {
        let (contact, pupil) = (ContactId::generate(), PupilId::generate());
        for kind in NoticeKind::ALL {
            let letter = kind.is_a_letter();
            assert_eq!(asked(kind, &PersonTask::NobodyToTell(pupil)).is_none(), letter, "{kind:?}");
            assert_eq!(
                asked(kind, &PersonTask::CannotBeReached(contact, pupil)).is_none(),
                letter,
                "{kind:?}"
            );
            assert_eq!(asked(kind, &PersonTask::AddressShared(contact, pupil)).is_none(), letter, "{kind:?}");
            // The first step about such a pupil is a person's, whatever it is about.
            assert!(asked(kind, &PersonTask::PersonOnly(pupil)).is_some(), "{kind:?}");
            let of_a_child = !letter && !kind.is_about_closing();
            assert_eq!(
                asked(kind, &PersonTask::NotCleared(contact, pupil)).is_some(),
                of_a_child,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn who_rings_is_named_whom_to_ring_in_order_and_what_may_not_be_told_is_the_lead_s() {
        let (first, last) = (ContactId::generate(), ContactId::generate());
        let pupil = PupilId::generate();
        let ring = asked(NoticeKind::HeadInjury, &PersonTask::Ring(pupil, vec![first, last])).unwrap();
        assert_eq!(ring.subjects, [pupil.to_string(), first.to_string(), last.to_string()]);
        assert_eq!((ring.kind, ring.role), ("ring_about_head_injury", Role::Office));
        assert_eq!(asked(NoticeKind::HeadInjury, &PersonTask::NobodyToTell(pupil)).unwrap().role, LEAD);
        assert_eq!(asked(NoticeKind::FirstAid, &PersonTask::NobodyToTell(pupil)).unwrap().role, Role::Office);
        for kind in NoticeKind::ALL {
            for task in [
                PersonTask::PersonOnly(pupil),
                PersonTask::AddressShared(first, pupil),
                PersonTask::NotCleared(first, pupil),
                PersonTask::NotCorrected(first, pupil),
            ] {
                assert!(asked(kind, &task).is_none_or(|task| task.role == LEAD), "{kind:?} {task:?}");
            }
        }
    }

    #[test]
    fn of_what_is_said_to_many_a_person_is_asked_once_for_a_contact_and_never_twice_for_the_same() {
        let (mother, father) = (ContactId::generate(), ContactId::generate());
        let [amy, ben] = [PupilId::generate(), PupilId::generate()];
        let (reach, nobody) = (PersonTask::CannotBeReached, PersonTask::NobodyToTell);
        let now = "2026-11-24T09:16:00Z".parse().unwrap();
        let asked = |kind, tasks: &[PersonTask]| {
            let account = Account::First;
            let no_voice = &BTreeSet::new();
            Asking { school: SchoolId::generate(), kind, account, from: "gth_1", no_voice, now }.tasks(tasks)
        };
        let all = [reach(mother, amy), reach(father, amy), reach(mother, ben), nobody(ben), nobody(amy)];
        let closing = |tasks: &[PersonTask]| asked(NoticeKind::ClosureDeclared, tasks);
        let subjects =
            |tasks: &[NewTask]| tasks.iter().map(|task| task.subjects.len()).collect::<BTreeSet<_>>();
        assert_eq!((closing(&all).len(), subjects(&closing(&all))), (3, BTreeSet::from([2, 3])));
        assert_eq!(asked(NoticeKind::AbsenceUnexplained, &all).len(), 5);
        let key = |tasks: &[PersonTask]| closing(tasks).remove(0).key;
        assert_eq!(
            key(&[reach(mother, amy), reach(mother, ben)]),
            key(&[reach(mother, ben), reach(mother, amy)])
        );
        assert_ne!(key(&[reach(mother, amy)]), key(&[reach(mother, amy), reach(mother, ben)]));
        assert_ne!(key(&[reach(mother, amy)]), key(&[reach(mother, ben)]));
        assert_ne!(key(&[reach(mother, amy)]), key(&[reach(father, amy)]));
    }

    #[test]
    fn whoever_is_asked_to_ring_is_told_who_takes_no_voice_calls() {
        let (deaf, hearing) = (ContactId::generate(), ContactId::generate());
        let pupil = PupilId::generate();
        let no_voice = &BTreeSet::from([deaf]);
        let now = "2026-11-24T09:16:00Z".parse().unwrap();
        let why = |kind, task: &PersonTask| {
            let (school, account) = (SchoolId::generate(), Account::Amended);
            let asking = Asking { school, kind, account, from: "gth_1", no_voice, now };
            asking.tasks(std::slice::from_ref(task)).remove(0).why
        };
        for kind in NoticeKind::ALL.into_iter().filter(|kind| !kind.is_a_letter()) {
            for task in [PersonTask::CannotBeReached, PersonTask::NotCorrected] {
                assert!(why(kind, &task(deaf, pupil)).contains(&format!("{NO_VOICE}: {deaf}")), "{kind:?}");
                assert!(!why(kind, &task(hearing, pupil)).contains(NO_VOICE), "{kind:?}");
            }
        }
        let ring = why(NoticeKind::HeadInjury, &PersonTask::Ring(pupil, vec![hearing, deaf]));
        assert!(ring.contains(&format!("{NO_VOICE}: {deaf} (")), "{ring}");
        assert!(!ring.contains(&hearing.to_string()));
    }

    #[test]
    fn a_head_injury_is_the_most_urgent_and_each_gathering_asks_once_for_each() {
        let (contact, pupil) = (ContactId::generate(), PupilId::generate());
        let task = |kind| asked(kind, &PersonTask::CannotBeReached(contact, pupil));
        let due = |kind| task(kind).map(|task| task.due_at);
        let urgent = due(NoticeKind::HeadInjury).unwrap();
        for kind in NoticeKind::ALL {
            assert!(due(kind).is_none_or(|due| due >= urgent), "{kind:?}");
        }
        let key = |task: PersonTask| asked(NoticeKind::FirstAid, &task).unwrap().key;
        let reached = || PersonTask::CannotBeReached(contact, pupil);
        assert_eq!(key(reached()), key(reached()));
        assert_ne!(key(reached()), key(PersonTask::NobodyToTell(pupil)));
        assert_ne!(key(reached()), key(PersonTask::CannotBeReached(ContactId::generate(), pupil)));
    }
}
