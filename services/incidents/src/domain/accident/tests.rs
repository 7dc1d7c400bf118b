use jiff::{SignedDuration, ToSpan};
use kit::Tenant;
use proptest::prelude::*;
use proto::events::incidents::{AccidentKind, FirstAid};

use super::*;
use crate::domain::account::TAKEN_FOR_DAYS;
use crate::domain::{Fault, Part, tasks};

/// One school with Amy, who has the accidents, and Ben.
struct Place {
    zone: TimeZone,
    amy: PupilId,
    roll: Roll,
}

impl Place {
    fn new() -> Self {
        let (amy, ben) = (PupilId::generate(), PupilId::generate());
        let roll = Roll::from([(amy, "Amy".to_owned()), (ben, "Ben".to_owned())]);
        Self { zone: TimeZone::get("Europe/London").unwrap(), amy, roll }
    }

    fn at(&self, now: Timestamp) -> Moment<'_> {
        Moment { now, zone: &self.zone, roll: &self.roll }
    }

    fn recorded(&self, account: Account, now: Timestamp) -> Step {
        Accident::record(AccidentId::generate(), self.amy, account, self.at(now)).unwrap()
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn account(what: &str, happened_at: Timestamp) -> Account {
    Account {
        kind: AccidentKind::Minor,
        what: what.to_owned(),
        place: "Playground".to_owned(),
        happened_at,
        first_aid: FirstAid::Given("Cleaned, plaster put on".to_owned()),
        first_aider: "Mrs Okafor".to_owned(),
        names_checked: false,
    }
}

fn said(step: &Step) -> &AccidentRecorded {
    match &step.telling {
        Telling::Said(fact) => fact,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_accident_is_said_until_midnight_of_the_day_on_which_it_is_recorded() {
    let place = Place::new();
    for (happened, recorded, until) in [
        ("2026-11-24T10:40:00Z", "2026-11-24T11:00:00Z", "2026-11-25T00:00:00Z"),
        ("2026-11-20T14:00:00Z", "2026-11-24T09:00:00Z", "2026-11-25T00:00:00Z"),
        ("2026-06-24T10:40:00Z", "2026-06-24T11:00:00Z", "2026-06-24T23:00:00Z"),
        ("2026-06-24T22:00:00Z", "2026-06-24T23:30:00Z", "2026-06-25T23:00:00Z"),
        ("2026-10-25T09:00:00Z", "2026-10-25T12:00:00Z", "2026-10-26T00:00:00Z"),
    ] {
        let step = place.recorded(account("Fell", time(happened)), time(recorded));
        assert_eq!(said(&step).tell_until, time(until), "recorded at {recorded}");
        assert_eq!(said(&step).happened_at, time(happened));
        assert_eq!((step.accident.version, step.accident.amended_at), (1, None));
    }
}

#[test]
fn midnight_is_the_schools_own() {
    let place = Place { zone: TimeZone::get("America/New_York").unwrap(), ..Place::new() };
    let step = place.recorded(account("Fell", time("2026-11-24T14:00:00Z")), time("2026-11-24T15:00:00Z"));
    assert_eq!(said(&step).tell_until, time("2026-11-25T05:00:00Z"));
}

#[test]
fn a_child_of_another_school_has_no_accident_here() {
    let place = Place::new();
    let now = time("2026-11-24T11:00:00Z");
    let refused = Accident::record(
        AccidentId::generate(),
        PupilId::generate(),
        account("Ben", now + 1.hours()),
        place.at(now),
    );
    assert_eq!(refused, Err(Rejection::UnknownPupil));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let place = Place::new();
    let now = time("2026-11-24T11:00:00Z");
    let wrong = account("Amy ran into Ben", now + 3.minutes());
    let faults = Err(Rejection::Faults(vec![Fault::HappenedInFuture, Fault::NamesAnotherPupil(Part::What)]));
    let refused = Accident::record(AccidentId::generate(), place.amy, wrong.clone(), place.at(now));
    assert_eq!(refused, faults);
    let accident = place.recorded(account("Fell", now), now).accident;
    assert_eq!(accident.amend(wrong, place.at(now + 1.hours())), faults, "an amendment is read as strictly");
}

#[test]
fn an_amendment_of_the_same_day_is_said_again_and_a_later_one_is_a_persons() {
    let place = Place::new();
    let (friday, monday) = (time("2026-11-20T14:00:00Z"), time("2026-11-23T09:00:00Z"));
    let first = place.recorded(account("Fell", friday), monday).accident;

    let same_day = first.clone().amend(account("Fell hard", friday), place.at(monday + 5.hours())).unwrap();
    assert_eq!(said(&same_day).what, "Fell hard");
    assert_eq!(said(&same_day).tell_until, time("2026-11-24T00:00:00Z"));
    assert_eq!(same_day.accident.version, 2);
    assert_eq!(same_day.accident.recorded_at, monday, "it was written down once");

    for days in [1, 13, 15, 400] {
        let now = monday + SignedDuration::from_hours(24 * days);
        let late = first.clone().amend(account("Fell hard", friday), place.at(now)).unwrap();
        assert_eq!(late.telling, Telling::ByPerson, "{days} days later");
        assert_eq!((late.accident.version, late.accident.amended_at), (2, Some(now)));
    }
}

#[test]
fn an_amendment_of_what_stays_in_the_school_says_nothing_on_any_day() {
    let place = Place::new();
    let now = time("2026-11-24T11:00:00Z");
    let first = place.recorded(account("Fell", now), now).accident;
    let quiet = Account { first_aider: "Mr Reid".to_owned(), ..account("Fell", now) };
    for days in [0, 1, 20] {
        let later = place.at(now + SignedDuration::from_hours(24 * days));
        let step = first.clone().amend(quiet.clone(), later).unwrap();
        assert_eq!((step.telling, step.accident.version), (Telling::Nothing, 2));
        assert_eq!(step.accident.account.first_aider, "Mr Reid");
    }
}

#[test]
fn the_record_of_a_child_who_has_left_can_be_amended() {
    let mut place = Place::new();
    let now = time("2026-11-24T11:00:00Z");
    let first = place.recorded(account("Fell", now), now).accident;
    place.roll.remove(&place.amy.clone());
    assert!(first.amend(account("Fell hard", now), place.at(now + 1.hours())).is_ok());
}

#[test]
fn a_late_amendment_asks_the_office_and_sooner_for_a_head_injury() {
    let place = Place::new();
    let (school, now) = (Tenant::generate(), time("2026-11-24T11:00:00Z"));
    let first = place.recorded(account("Fell", now), now);
    assert_eq!(tasks::of_step(school, &first, now), None);
    let later = now + SignedDuration::from_hours(48);
    for (kind, minutes) in [(AccidentKind::HeadInjury, 30), (AccidentKind::Minor, 240)] {
        let amended = Account { kind, ..account("Amy hit a post", now) };
        let step = first.accident.clone().amend(amended, place.at(later)).unwrap();
        let task = tasks::of_step(school, &step, later).unwrap();
        assert_eq!(task.kind, "accident_amended_late");
        assert_eq!(task.subjects, [place.amy.to_string(), step.accident.id.to_string()]);
        assert_eq!(task.due_at, later + minutes.minutes());
        assert!(!task.why.contains("Amy") && !task.why.contains("post"));
    }
}

fn any_account(around: Timestamp) -> impl Strategy<Value = Account> {
    let kinds = prop_oneof![Just(AccidentKind::Minor), Just(AccidentKind::HeadInjury)];
    let whats = prop_oneof![Just("Amy fell"), Just("Amy slipped"), Just("Ben pushed her")];
    let aiders = prop_oneof![Just("Mrs Okafor"), Just("Mr Reid")];
    let hours = -24 * (TAKEN_FOR_DAYS + 1)..3;
    (kinds, whats, aiders, hours, any::<bool>()).prop_map(move |(kind, what, aider, hours, names_checked)| {
        Account {
            kind,
            first_aider: aider.to_owned(),
            names_checked,
            ..account(what, around + SignedDuration::from_hours(hours))
        }
    })
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_versions_and_the_last_account(
        accounts in proptest::collection::vec(
            (any_account(time("2026-11-24T11:00:00Z")), 0i64..30),
            1..20,
        ),
    ) {
        let place = Place::new();
        let mut now = time("2026-11-24T11:00:00Z");
        let mut standing: Option<Accident> = None;
        let mut facts = Vec::new();
        for (account, hours_later) in accounts {
            now += SignedDuration::from_hours(hours_later);
            let before = standing.clone();
            let decided = match standing.clone() {
                None => Accident::record(AccidentId::generate(), place.amy, account.clone(), place.at(now)),
                Some(accident) => accident.amend(account.clone(), place.at(now)),
            };
            let step = match decided {
                Ok(step) => step,
                Err(rejection) => {
                    prop_assert!(matches!(rejection, Rejection::Faults(_)));
                    continue;
                }
            };
            prop_assert_eq!(step.accident.version, before.as_ref().map_or(0, |accident| accident.version) + 1);
            prop_assert_eq!(&step.accident.account, &account, "the last account stands");
            let unchanged =
                before.as_ref().is_some_and(|before| before.account.says_the_same_at_home_as(&account));
            prop_assert_eq!(unchanged, step.telling == Telling::Nothing);
            if let Some(before) = before {
                prop_assert_eq!((before.id, before.recorded_at), (step.accident.id, step.accident.recorded_at));
            }
            if let Telling::Said(fact) = &step.telling {
                prop_assert_eq!(&fact.what, &account.what);
                prop_assert!(account.names_checked || !fact.what.contains("Ben"));
                prop_assert!(fact.tell_until > now);
                prop_assert!(fact.tell_until <= now + SignedDuration::from_hours(25));
                facts.push(step.accident.version);
            }
            standing = Some(step.accident);
        }
        prop_assert!(facts.windows(2).all(|pair| pair[0] < pair[1]), "one fact per version at most");
    }
}
