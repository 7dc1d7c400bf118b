//! An account: what a person says about an accident.
//!
//! All of it but the first aider, and whether the names were checked, goes to the child's home.
//! Lengths and characters are `api`'s to check; here stand the rules that the school would name.

use jiff::{SignedDuration, Timestamp};
use proto::events::incidents::{AccidentKind, AccidentRecorded, FirstAid};
use proto::ids::PupilId;

use super::names::Names;
use super::{Fault, Part, Roll};

/// How many days after it happened an accident can still be written down. Who must notify somebody
/// of a serious one has 14 days (EYFS framework, section 3); beyond it a date is a slip of the pen.
pub const TAKEN_FOR_DAYS: i64 = 14;
/// The clock on the caller's wall may be ahead of ours by this much.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_mins(2);

/// What is said about an accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What it was.
    pub kind: AccidentKind,
    /// What happened.
    pub what: String,
    /// Where.
    pub place: String,
    /// When.
    pub happened_at: Timestamp,
    /// What was done for the child.
    pub first_aid: FirstAid,
    /// Who did it or looked after the child; stays in the school.
    pub first_aider: String,
    /// A person has read the texts again: what looks like another child's name is none.
    pub names_checked: bool,
}

/// The first aid, from its two texts, of which one and only one must say something.
pub fn first_aid(given: String, no_first_aid_because: String) -> Result<FirstAid, Fault> {
    match (given.is_empty(), no_first_aid_because.is_empty()) {
        (false, true) => Ok(FirstAid::Given(given)),
        (true, false) => Ok(FirstAid::None(no_first_aid_because)),
        (true, true) => Err(Fault::FirstAidRequired),
        (false, false) => Err(Fault::FirstAidContradiction),
    }
}

impl Account {
    /// Everything that stands against it as the account of an accident that was written down then.
    ///
    /// An amendment is measured against the day of the record too, so that it is taken however late
    /// it comes.
    #[must_use]
    pub fn faults(&self, pupil_id: PupilId, roll: &Roll, recorded_at: Timestamp) -> Vec<Fault> {
        self.fault_of_time(recorded_at).into_iter().chain(self.naming_others(pupil_id, roll)).collect()
    }

    fn fault_of_time(&self, recorded_at: Timestamp) -> Option<Fault> {
        let before = recorded_at.duration_since(self.happened_at);
        if before < -CLOCKS_DIFFER_BY {
            Some(Fault::HappenedInFuture)
        } else if before > SignedDuration::from_hours(24 * TAKEN_FOR_DAYS) {
            Some(Fault::TooLongAgo)
        } else {
            None
        }
    }

    fn naming_others(&self, pupil_id: PupilId, roll: &Roll) -> Vec<Fault> {
        if self.names_checked {
            return Vec::new();
        }
        let names = Names::around(pupil_id, roll);
        let first_aid = match &self.first_aid {
            FirstAid::Given(text) => (Part::FirstAid, text),
            FirstAid::None(text) => (Part::NoFirstAidBecause, text),
        };
        let texts = [(Part::What, &self.what), (Part::Place, &self.place), first_aid];
        let naming = texts.into_iter().filter(|(_, text)| names.another_stands_in(text));
        naming.map(|(part, _)| Fault::NamesAnotherPupil(part)).collect()
    }

    /// Whether both tell the people at home the same.
    #[must_use]
    pub fn says_the_same_at_home_as(&self, other: &Self) -> bool {
        let Self { kind, what, place, happened_at, first_aid, first_aider: _, names_checked: _ } = self;
        (kind, what, place, happened_at, first_aid)
            == (&other.kind, &other.what, &other.place, &other.happened_at, &other.first_aid)
    }

    /// What the people at home are told of it.
    #[must_use]
    pub fn fact(&self, pupil_id: PupilId, tell_until: Timestamp) -> AccidentRecorded {
        AccidentRecorded {
            pupil_id,
            kind: self.kind,
            what: self.what.clone(),
            place: self.place.clone(),
            happened_at: self.happened_at,
            first_aid: self.first_aid.clone(),
            tell_until,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn written_down_at() -> Timestamp {
        "2026-11-24T11:00:00Z".parse().unwrap()
    }

    fn account() -> Account {
        Account {
            kind: AccidentKind::Minor,
            what: "Tripped over a skipping rope and grazed a knee".into(),
            place: "Playground".into(),
            happened_at: written_down_at(),
            first_aid: FirstAid::Given("Cleaned, plaster put on".into()),
            first_aider: "Mrs Okafor".into(),
            names_checked: false,
        }
    }

    #[test]
    fn first_aid_is_given_or_there_is_a_reason_and_never_both() {
        let read = |given: &str, because: &str| first_aid(given.into(), because.into());
        assert_eq!(read("a plaster", ""), Ok(FirstAid::Given("a plaster".into())));
        assert_eq!(read("", "no mark to be seen"), Ok(FirstAid::None("no mark to be seen".into())));
        assert_eq!(read("", ""), Err(Fault::FirstAidRequired));
        assert_eq!(read("a plaster", "no mark"), Err(Fault::FirstAidContradiction));
    }

    #[test]
    fn it_happened_before_it_was_written_down_and_not_long_before() {
        let day = SignedDuration::from_hours(24);
        for (happened_at, expected) in [
            (written_down_at(), None),
            (written_down_at() + 2.minutes(), None),
            (written_down_at() + 2.minutes() + 1.microseconds(), Some(Fault::HappenedInFuture)),
            (written_down_at() - day * 14, None),
            (written_down_at() - day * 14 - 1.microseconds(), Some(Fault::TooLongAgo)),
            (Timestamp::MIN, Some(Fault::TooLongAgo)),
            (Timestamp::MAX, Some(Fault::HappenedInFuture)),
        ] {
            let account = Account { happened_at, ..account() };
            assert_eq!(account.fault_of_time(written_down_at()), expected, "{happened_at}");
        }
    }

    #[test]
    fn every_text_that_goes_home_is_read_for_other_children_until_a_person_has() {
        let (child, other) = (PupilId::generate(), PupilId::generate());
        let roll = Roll::from([(child, "Amy".into()), (other, "Ben".into())]);
        let naming = Account {
            what: "Amy ran into Ben".into(),
            place: "Beside BEN's desk".into(),
            first_aid: FirstAid::None("ben said that it was nothing".into()),
            first_aider: "Ben Carter".into(),
            ..account()
        };
        let found = [Part::What, Part::Place, Part::NoFirstAidBecause].map(Fault::NamesAnotherPupil);
        assert_eq!(naming.faults(child, &roll, written_down_at()), found);
        assert_eq!(
            Account { first_aid: FirstAid::Given("Ben fetched ice".into()), ..account() }.faults(
                child,
                &roll,
                written_down_at()
            ),
            [Fault::NamesAnotherPupil(Part::FirstAid)]
        );
        let checked = Account { names_checked: true, ..naming };
        assert_eq!(checked.faults(child, &roll, written_down_at()), []);
        for fault in found {
            assert!(!fault.to_string().contains("Ben"));
        }
    }

    #[test]
    fn only_the_first_aider_and_the_check_of_names_stay_in_the_school() {
        let told = account();
        let quiet = Account { first_aider: "Mr Reid".into(), names_checked: true, ..account() };
        assert!(quiet.says_the_same_at_home_as(&told));
        for loud in [
            Account { kind: AccidentKind::HeadInjury, ..account() },
            Account { what: "Fell".into(), ..account() },
            Account { place: "Hall".into(), ..account() },
            Account { happened_at: written_down_at() - 1.minutes(), ..account() },
            Account { first_aid: FirstAid::None("Cleaned, plaster put on".into()), ..account() },
        ] {
            assert!(!loud.says_the_same_at_home_as(&told));
        }
    }
}
