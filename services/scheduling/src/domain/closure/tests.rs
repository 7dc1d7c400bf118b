use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;
use proto::ids::ClassId;

use super::super::fixture::{calendar, clocks};
use super::super::part::{Place, Reach};
use super::super::rejection::Where;
use super::decide::MOST_DAYS;
use super::fixture::{closure, ended};
use super::*;

/// A Tuesday in term, ten minutes to nine.
const MORNING: &str = "2026-11-24T08:50:00Z";

fn tuesday(day: i8) -> Date {
    date(2026, 11, 24) + i64::from(day).days()
}

/// Asks something of a closure, with others around it.
fn ask(
    closure: Option<&Closure>,
    command: Command,
    touching: &[Closure],
    now: &str,
) -> Result<Option<ClosureEvent>, Rejection> {
    let (calendar, clocks) = (calendar(), clocks());
    let around = Around { calendar: &calendar, clocks: &clocks, touching, now: now.parse().unwrap() };
    decide(closure, command, &around)
}

fn declaration(first_day: Date, last_day: Date) -> Declaration {
    let Closure { id, part, from, words, .. } = closure(first_day, last_day);
    Declaration { id, part, first_day, from, last_day, words }
}

fn declared(first_day: Date, last_day: Date, now: &str) -> Result<(), Rejection> {
    ask(None, Command::Declare(declaration(first_day, last_day)), &[], now).map(|_| ())
}

fn until(last_day: Date) -> Command {
    Command::Change(Change { last_day: Some(last_day), ..Change::default() })
}

fn opened(open_on: Date, not_closed_from: Date) -> ClosureEvent {
    ClosureEvent::Ended { open_on, not_closed_from }
}

#[test]
fn a_closure_begins_today_or_later_on_a_school_day() {
    let today = tuesday(0);
    for (first_day, last_day, now, answer) in [
        (today, today, MORNING, Ok(())),
        (today, today, "2026-11-24T15:19:59Z", Ok(())),
        (today, today, "2026-11-24T15:20:00Z", Err(Rejection::PastClosure)),
        (tuesday(-1), today, MORNING, Err(Rejection::PastClosure)),
        (today, tuesday(-1), MORNING, Err(Rejection::EndsBeforeItStarts)),
        (today, tuesday(30), MORNING, Ok(())),
        (today, tuesday(31), MORNING, Err(Rejection::TooLong { most: 30 })),
        (tuesday(4), tuesday(6), MORNING, Err(Rejection::NotASchoolDay(Where::FirstDay))),
        (date(2026, 12, 21), date(2026, 12, 21), MORNING, Err(Rejection::OutsideTerm(Where::FirstDay))),
        (Date::MAX, Date::MAX, MORNING, Err(Rejection::OutsideTerm(Where::FirstDay))),
        // In summer time the school's day ends an hour earlier by the clocks of the world.
        (date(2026, 9, 8), date(2026, 9, 8), "2026-09-08T14:20:00Z", Err(Rejection::PastClosure)),
        (date(2026, 9, 8), date(2026, 9, 8), "2026-09-08T14:19:59Z", Ok(())),
    ] {
        assert_eq!(declared(first_day, last_day, now), answer, "{first_day} to {last_day} at {now}");
    }
}

#[test]
fn a_closure_shares_no_day_with_another_that_concerns_the_same_pupils() {
    let other = closure(tuesday(1), tuesday(2));
    for (first, last, free) in [(0, 0, true), (0, 1, false), (2, 7, false), (0, 7, false), (3, 7, true)] {
        let command = Command::Declare(declaration(tuesday(first), tuesday(last)));
        let answer = ask(None, command, std::slice::from_ref(&other), MORNING);
        assert_eq!(answer == Err(Rejection::Overlapping(other.id)), !free, "{first} to {last}");
    }
    let ours = closure(tuesday(0), tuesday(0));
    let others = [other];
    assert_eq!(
        ask(Some(&ours), until(tuesday(1)), &others, MORNING),
        Err(Rejection::Overlapping(others[0].id))
    );
    let long = closure(tuesday(0), tuesday(2));
    assert!(ask(Some(&long), until(tuesday(1)), &others, MORNING).is_ok(), "shorter is no new overlap");
}

#[test]
fn a_change_is_said_once_and_never_of_days_that_have_passed() {
    let ours = closure(tuesday(-1), tuesday(0));
    let changed =
        |last_day, words: &Words| Ok(Some(ClosureEvent::Changed { last_day, words: words.clone() }));
    assert_eq!(ask(Some(&ours), until(tuesday(1)), &[], MORNING), changed(tuesday(1), &ours.words));
    for (last_day, refused) in [
        (tuesday(-1), Rejection::PastDay(Where::LastDay)),
        (tuesday(-2), Rejection::EndsBeforeItStarts),
        (tuesday(30), Rejection::TooLong { most: 30 }),
    ] {
        assert_eq!(ask(Some(&ours), until(last_day), &[], MORNING), Err(refused), "{last_day}");
    }
    assert_eq!(ask(Some(&ours), until(tuesday(0)), &[], MORNING), Ok(None), "as it is");
    assert_eq!(ask(Some(&ours), Command::Change(Change::default()), &[], MORNING), Ok(None));
    let hall = Change { collection: Some("From the hall".to_owned()), ..Change::default() };
    let words = Words { collection: "From the hall".to_owned(), ..ours.words.clone() };
    assert_eq!(ask(Some(&ours), Command::Change(hall.clone()), &[], MORNING), changed(tuesday(0), &words));
    let wednesday = "2026-11-25T08:50:00Z";
    let refused = Err(Rejection::PastDay(Where::LastDay));
    assert_eq!(ask(Some(&ours), Command::Change(hall), &[], wednesday), refused, "stale words");
}

#[test]
fn a_closure_never_grows_over_a_school_day_that_has_begun() {
    let ours = closure(tuesday(0), tuesday(0));
    let friday = closure(tuesday(3), tuesday(3));
    let late = Err(Rejection::ExtendedTooLate);
    for (closure, last_day, now, answer) in [
        (&ours, tuesday(1), "2026-11-24T15:00:00Z", Ok(())),
        (&ours, tuesday(1), "2026-11-25T08:49:59Z", Ok(())),
        // The heating fails at ten, and until then the school was open.
        (&ours, tuesday(1), "2026-11-25T08:50:00Z", late),
        (&ours, tuesday(1), "2026-11-25T10:00:00Z", late),
        (&ours, tuesday(2), "2026-11-25T10:00:00Z", late),
        (&ours, tuesday(3), "2026-11-27T07:00:00Z", late),
        // After a Friday the next school day is Monday.
        (&friday, tuesday(6), "2026-11-29T12:00:00Z", Ok(())),
        (&friday, tuesday(6), "2026-11-30T08:49:59Z", Ok(())),
        (&friday, tuesday(6), "2026-11-30T08:50:00Z", late),
        (&friday, tuesday(5), "2026-11-29T12:00:00Z", Ok(())),
        // A whole term later there is no school day to grow over.
        (&closure(date(2027, 5, 28), date(2027, 5, 28)), date(2027, 5, 29), "2027-05-29T12:00:00Z", Ok(())),
    ] {
        let answered = ask(Some(closure), until(last_day), &[], now).map(|_| ());
        assert_eq!(answered, answer, "{} to {last_day} at {now}", closure.last_day);
    }
}

#[test]
fn children_are_expected_on_the_first_day_that_is_open_when_none_is_named() {
    let ours = closure(tuesday(0), tuesday(0));
    let tomorrow = [closure(tuesday(1), tuesday(1))];
    let next_week = closure(tuesday(6), tuesday(7));
    for (closure, touching, now, open_on, not_closed_from) in [
        (&ours, &[][..], MORNING, tuesday(0), tuesday(0)),
        (&ours, &[], "2026-11-24T12:59:00Z", tuesday(0), tuesday(0)),
        // No session of today is still to begin.
        (&ours, &[], "2026-11-24T13:00:00Z", tuesday(1), tuesday(1)),
        (&ours, &[], "2026-11-24T20:00:00Z", tuesday(1), tuesday(1)),
        (&ours, &tomorrow, "2026-11-24T20:00:00Z", tuesday(2), tuesday(2)),
        (&ours, &[], "2026-11-27T16:00:00Z", tuesday(6), tuesday(6)),
        // Taken back before it begins.
        (&next_week, &[], MORNING, tuesday(6), tuesday(6)),
    ] {
        let answer = ask(Some(closure), Command::End(None), touching, now);
        assert_eq!(answer, Ok(Some(opened(open_on, not_closed_from))), "{now}");
    }
    let last = closure(date(2027, 5, 28), date(2027, 5, 28));
    let answer = ask(Some(&last), Command::End(None), &[], "2027-05-28T15:00:00Z");
    assert_eq!(answer, Err(Rejection::CalendarEnds));
}

#[test]
fn the_day_that_is_named_is_a_school_day_from_today_on_and_no_day_before_it_is_forgotten() {
    let ours = closure(tuesday(0), tuesday(2));
    let others = [closure(tuesday(3), tuesday(3))];
    for (open_on, now, answer) in [
        (tuesday(0), MORNING, Ok(Some(opened(tuesday(0), tuesday(0))))),
        (tuesday(0), "2026-11-24T15:00:00Z", Ok(Some(opened(tuesday(0), tuesday(0))))),
        (tuesday(0), "2026-11-24T15:20:00Z", Err(Rejection::PastDay(Where::OpenOn))),
        (tuesday(-1), MORNING, Err(Rejection::PastDay(Where::OpenOn))),
        (tuesday(1), MORNING, Ok(Some(opened(tuesday(1), tuesday(1))))),
        (tuesday(4), MORNING, Err(Rejection::NotASchoolDay(Where::OpenOn))),
        (date(2026, 12, 21), MORNING, Err(Rejection::OutsideTerm(Where::OpenOn))),
        (tuesday(3), MORNING, Err(Rejection::Overlapping(others[0].id))),
        (tuesday(6), MORNING, Ok(Some(opened(tuesday(6), tuesday(6))))),
        (tuesday(7), MORNING, Err(Rejection::OpensTooLate)),
    ] {
        let answered = ask(Some(&ours), Command::End(Some(open_on)), &others, now);
        assert_eq!(answered, answer, "{open_on} at {now}");
    }
    let next_week = closure(tuesday(6), tuesday(8));
    let taken_back = ask(Some(&next_week), Command::End(Some(tuesday(1))), &[], MORNING);
    assert_eq!(taken_back, Ok(Some(opened(tuesday(1), tuesday(6)))), "it never began");
    let shortened = ask(Some(&next_week), Command::End(Some(tuesday(7))), &[], MORNING);
    assert_eq!(shortened, Ok(Some(opened(tuesday(7), tuesday(7)))), "its first day stays closed");
}

#[test]
fn what_has_ended_stays_so_and_what_is_not_there_cannot_change() {
    let over = ended(closure(tuesday(0), tuesday(0)), tuesday(1));
    for command in [Command::End(None), until(tuesday(3)), Command::Change(Change::default())] {
        assert_eq!(ask(Some(&over), command.clone(), &[], MORNING), Err(Rejection::ClosureEnded));
        assert_eq!(ask(None, command, &[], MORNING), Err(Rejection::UnknownClosure));
    }
    let again = Command::Declare(declaration(tuesday(0), tuesday(0)));
    assert_eq!(ask(Some(&over), again, &[], MORNING), Ok(None));
}

#[test]
fn a_closure_closes_its_days_until_the_day_that_it_was_ended_for() {
    let ours = Closure { from: Session::Afternoon, ..closure(tuesday(0), tuesday(2)) };
    let closed = |closure: &Closure| -> Vec<(bool, bool)> {
        (-1..4).map(|day| (closure.closes(tuesday(day)), closure.closes_all_of(tuesday(day)))).collect()
    };
    let (no, half, all) = ((false, false), (true, false), (true, true));
    assert_eq!(closed(&ours), [no, half, all, all, no]);
    assert_eq!(closed(&ended(ours.clone(), tuesday(2))), [no, half, all, no, no]);
    assert_eq!(closed(&ended(ours.clone(), tuesday(0))), [no; 5]);
    assert_eq!(closed(&ended(ours, tuesday(6))), [no, half, all, all, no]);
}

#[test]
fn the_end_carries_none_of_the_closures_words() {
    let ours = closure(tuesday(0), tuesday(1));
    let Saying::Declared(facts::ClosureDeclared { closure: said }) = ours.saying(&clocks()).unwrap() else {
        panic!("version 1 is a declaration");
    };
    assert_eq!((said.reason.as_str(), said.first_day), ("The heating has failed", tuesday(0)));
    assert_eq!(said.tell_until.to_string(), "2026-11-26T00:00:00Z");
    let changed = Closure { version: 2, ..ours.clone() };
    assert!(matches!(changed.saying(&clocks()), Ok(Saying::Changed(_))));
    let Saying::Ended(said) = ended(ours, tuesday(6)).saying(&clocks()).unwrap() else {
        panic!("an end");
    };
    assert_eq!((said.open_on, said.not_closed_from), (tuesday(6), tuesday(6)));
    assert_eq!(said.tell_until.to_string(), "2026-12-01T00:00:00Z");
    assert!(!serde_json::to_string(&said).unwrap().contains("heating"));
}

/// What may be tried on a school with two year groups and a class in one of them.
#[derive(Debug, Clone)]
enum Try {
    Declare { part: usize, first: i8, lasts: i8 },
    Extend { which: usize, last: i8 },
    Reword { which: usize, reason: u8 },
    End { which: usize, open_on: Option<i8> },
    Wait { hours: u8 },
}

fn any_try() -> impl Strategy<Value = Try> {
    prop_oneof![
        (0_usize..4, -1_i8..20, prop_oneof![-1_i8..3, 3_i8..32])
            .prop_map(|(part, first, lasts)| Try::Declare { part, first, lasts }),
        (0_usize..8, -1_i8..40).prop_map(|(which, last)| Try::Extend { which, last }),
        (0_usize..8, 0_u8..3).prop_map(|(which, reason)| Try::Reword { which, reason }),
        (0_usize..8, proptest::option::of(-1_i8..25))
            .prop_map(|(which, open_on)| Try::End { which, open_on }),
        (1_u8..90).prop_map(|hours| Try::Wait { hours }),
    ]
}

struct School {
    reaches: Vec<Reach>,
    closures: Vec<(usize, Closure)>,
    now: Timestamp,
}

impl School {
    fn new() -> Self {
        let ash = ClassId::generate();
        let place = |class_id, year_group: &str| Place { class_id, year_group: year_group.to_owned() };
        let year = |name: &str| Part::YearGroups([name.to_owned()].into());
        let in_ash = place(Some(ash), "3");
        let reaches = vec![
            Reach { part: Part::WholeSchool, places: Vec::new() },
            Reach { part: year("3"), places: vec![in_ash.clone(), place(None, "3")] },
            Reach { part: year("4"), places: vec![place(None, "4")] },
            Reach { part: Part::Classes([ash].into()), places: vec![in_ash] },
        ];
        Self { reaches, closures: Vec::new(), now: MORNING.parse().unwrap() }
    }

    fn touching(&self, reach: usize, but: Option<ClosureId>) -> Vec<Closure> {
        let declared = self.closures.iter().map(|(_, closure)| closure);
        declared
            .filter(|closure| closure.state == State::Declared && Some(closure.id) != but)
            .filter(|closure| self.reaches[reach].touches(&closure.part))
            .cloned()
            .collect()
    }

    fn attempt(&mut self, attempt: &Try) {
        let (which, command) = match *attempt {
            Try::Wait { hours } => {
                self.now += i64::from(hours).hours();
                return;
            }
            Try::Declare { part, first, lasts } => {
                let last = tuesday(first) + i64::from(lasts).days();
                let part_of = self.reaches[part].part.clone();
                let command =
                    Command::Declare(Declaration { part: part_of, ..declaration(tuesday(first), last) });
                (Err(part), command)
            }
            Try::Extend { which, last } => (Ok(which), until(tuesday(last))),
            Try::Reword { which, reason } => {
                let reason = Some(format!("Reason {reason}"));
                (Ok(which), Command::Change(Change { reason, ..Change::default() }))
            }
            Try::End { which, open_on } => (Ok(which), Command::End(open_on.map(tuesday))),
        };
        let standing = which.ok().and_then(|which| self.closures.get(which).cloned());
        let (reach, before) = match (which, standing) {
            (Err(part), _) => (part, None),
            (Ok(_), Some((reach, closure))) => (reach, Some(closure)),
            (Ok(_), None) => return,
        };
        let last_day_before = before.as_ref().map(|closure| closure.last_day);
        let touching = self.touching(reach, before.as_ref().map(|closure| closure.id));
        let (calendar, clocks) = (calendar(), clocks());
        let around = Around { calendar: &calendar, clocks: &clocks, touching: &touching, now: self.now };
        let Ok(Some(event)) = decide(before.as_ref(), command, &around) else { return };
        let after = apply(before.clone(), event, self.now).unwrap();
        assert_eq!(after.version, before.as_ref().map_or(0, |before| before.version) + 1);
        assert!(before.is_none_or(|before| before.state == State::Declared), "what has ended came back");
        for day in last_day_before.into_iter().flat_map(|last| calendar.school_days_from(last + 1.day())) {
            let begun = clocks.first_day_not_begun(self.now).unwrap() > day;
            assert!(!begun || !after.closes(day), "closed after it had begun: {day} at {}", self.now);
        }
        if let State::Ended(end) = after.state {
            assert!(calendar.is_school_day(end.open_on));
            assert!(touching.iter().all(|other| !other.closes(end.open_on)), "open, and closed by another");
            assert!(clocks.end_of(end.open_on).unwrap() > self.now, "open on a day that has passed");
        }
        match which {
            Ok(which) => self.closures[which].1 = after,
            Err(_) => self.closures.push((reach, after)),
        }
    }

    fn keeps_its_promises(&self) {
        let declared: Vec<_> =
            self.closures.iter().filter(|(_, closure)| closure.state == State::Declared).collect();
        for (number, (reach, ours)) in declared.iter().enumerate() {
            assert!((ours.first_day..=ours.first_day + MOST_DAYS.days()).contains(&ours.last_day));
            assert!(calendar().is_school_day(ours.first_day));
            for (_, theirs) in declared.iter().skip(number + 1) {
                let disjoint = ours.last_day < theirs.first_day || theirs.last_day < ours.first_day;
                assert!(disjoint || !self.reaches[*reach].touches(&theirs.part), "{ours:?} {theirs:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_history_keeps_the_promises(history in proptest::collection::vec(any_try(), 1..40)) {
        let mut school = School::new();
        for attempt in &history {
            school.attempt(attempt);
            school.keeps_its_promises();
        }
    }
}

#[test]
fn a_session_that_had_begun_when_the_school_was_closed_keeps_its_register() {
    use Session::{Afternoon, Morning};
    let today = tuesday(0);
    for (from, declared_at, first) in [
        (Morning, "2026-11-24T06:10:00Z", (today, Morning)),
        (Morning, "2026-11-24T08:50:00Z", (today, Afternoon)),
        (Morning, "2026-11-24T10:30:00Z", (today, Afternoon)),
        (Afternoon, "2026-11-24T06:10:00Z", (today, Afternoon)),
        (Afternoon, "2026-11-24T13:30:00Z", (tuesday(1), Morning)),
    ] {
        let closure = Closure { from, declared_at: declared_at.parse().unwrap(), ..closure(today, today) };
        assert_eq!(closure.no_register_from(&clocks()), Ok(first), "{from:?} at {declared_at}");
    }
}
