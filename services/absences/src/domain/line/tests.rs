use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;
use proto::events::absences::Session;

use super::*;
use crate::domain::case::Saying;
use crate::domain::closure::Cover;
use crate::domain::route::Because;

fn at(minutes: i64) -> Timestamp {
    let opens: Timestamp = "2026-11-24T08:50:00Z".parse().unwrap();
    opens + minutes.minutes()
}

fn line() -> Line {
    let sitting = Sitting { date: date(2026, 11, 24), session: Session::Morning };
    Line::new(PupilId::generate(), sitting)
}

fn moment(phase: Phase, route: Route) -> Moment {
    Moment { now: at(1), phase, route, ends_at: at(190), new_case: CaseId::generate() }
}

fn posted(line: &Line, mark: Code, phase: Phase) -> Line {
    line.post(mark, ClassId::generate(), &moment(phase, Route::Contacts)).unwrap().after
}

#[test]
fn an_n_before_the_close_waits_and_is_said_at_the_close() {
    let step = line()
        .post(Code::NotYetEstablished, ClassId::generate(), &moment(Phase::Open, Route::Contacts))
        .unwrap();
    assert!(step.case().unwrap().saying().is_none());
    let step = step.after.close(Route::Contacts, at(25)).unwrap();
    assert!(matches!(step.case().unwrap().saying(), Some(Saying::Unexplained(_))));
    assert_eq!(step.case().unwrap().version, 2);
    let again = step.after.close(Route::Contacts, at(26)).unwrap();
    assert!(again.case().is_none(), "a second close does nothing");
}

#[test]
fn an_n_after_the_close_is_said_at_once() {
    let step = line()
        .post(Code::NotYetEstablished, ClassId::generate(), &moment(Phase::Closed, Route::Contacts))
        .unwrap();
    assert!(matches!(step.case().unwrap().saying(), Some(Saying::Unexplained(_))));
    assert_eq!(step.case().unwrap().version, 1);
}

#[test]
fn a_mark_that_changes_before_the_close_closes_and_reopens_the_same_case_in_silence() {
    let missing = posted(&line(), Code::NotYetEstablished, Phase::Open);
    let present = posted(&missing, Code::PresentMorning, Phase::Open);
    assert!(!present.case.unwrap().is_open());
    let missing_again = posted(&present, Code::NotYetEstablished, Phase::Open);
    let case = missing_again.case.unwrap();
    assert_eq!((case.opening.id, case.version), (missing.case.unwrap().opening.id, 3));
    assert!(case.is_open());
}

#[test]
fn after_the_close_only_a_missing_mark_may_be_made() {
    let closed = moment(Phase::Closed, Route::Contacts);
    let present = posted(&line(), Code::PresentMorning, Phase::Open);
    let refused = present.post(Code::NotYetEstablished, ClassId::generate(), &closed);
    assert_eq!(refused, Err(Rejection::RegisterClosed));
    assert!(!present.post(Code::PresentMorning, ClassId::generate(), &closed).unwrap().changes_entry());
    assert_eq!(posted(&line(), Code::Illness, Phase::Closed).entry.code, Some(Code::Illness));
}

#[test]
fn an_n_never_overwrites_what_somebody_knows() {
    let reported = line().report(Code::Illness, "a cold".to_owned(), at(0)).unwrap().after;
    assert_eq!(reported.entry.code, None, "a reason from home is no mark");
    let ill = posted(&reported, Code::NotYetEstablished, Phase::Open);
    assert_eq!((ill.entry.code, ill.case), (Some(Code::Illness), None));
    let arrived = line().arrive(Phase::Open, at(5)).unwrap().after;
    let stale = posted(&arrived, Code::NotYetEstablished, Phase::Open);
    assert_eq!((stale.entry.code, stale.case), (Some(Code::Late), None));
    let late = line().arrive(Phase::Closed, at(40)).unwrap().after;
    let stale =
        late.post(Code::NotYetEstablished, ClassId::generate(), &moment(Phase::Closed, Route::Contacts));
    assert!(!stale.unwrap().changes_entry());
}

#[test]
fn a_pupil_who_is_seen_in_spite_of_a_reason_is_present() {
    let reported = line().report(Code::Illness, String::new(), at(0)).unwrap().after;
    assert_eq!(posted(&reported, Code::PresentMorning, Phase::Open).entry.code, Some(Code::PresentMorning));
}

#[test]
fn a_reason_closes_the_case_and_is_said_only_if_somebody_was_told() {
    let waiting = posted(&line(), Code::NotYetEstablished, Phase::Open);
    let step = waiting.report(Code::Illness, String::new(), at(5)).unwrap();
    assert!(step.closed_case().is_some() && step.case().unwrap().saying().is_none());
    let told = waiting.close(Route::Contacts, at(25)).unwrap().after;
    let step = told.report(Code::Illness, String::new(), at(30)).unwrap();
    assert!(matches!(step.case().unwrap().saying(), Some(Saying::Explained(_))));
    assert_eq!(step.after.entry.code, Some(Code::Illness));
    let person = waiting.close(Route::Person(Because::PersonOnly), at(25)).unwrap().after;
    let step = person.explain(Code::Illness, String::new(), at(30)).unwrap();
    assert!(step.closed_case().is_some() && step.case().unwrap().saying().is_none());
    let again = step.after.explain(Code::Medical, String::new(), at(31));
    assert_eq!(again, Err(Rejection::CaseClosed));
}

#[test]
fn an_arrival_is_said_only_if_somebody_was_told() {
    let waiting = posted(&line(), Code::NotYetEstablished, Phase::Open);
    let early = waiting.arrive(Phase::Open, at(5)).unwrap();
    assert!(early.closed_case().is_some() && early.case().unwrap().saying().is_none());
    let told = waiting.close(Route::Contacts, at(25)).unwrap().after;
    let late = told.arrive(Phase::Closed, at(30)).unwrap();
    assert!(matches!(late.case().unwrap().saying(), Some(Saying::Arrived(_))));
    // A reason in between, perhaps another child's, takes nothing from that.
    let explained = told.explain(Code::Illness, String::new(), at(30)).unwrap().after;
    let late = explained.arrive(Phase::Closed, at(35)).unwrap();
    assert!(matches!(late.case().unwrap().saying(), Some(Saying::Arrived(_))));
    assert_eq!(late.after.arrive(Phase::Closed, at(36)).unwrap().case(), None);
}

#[test]
fn an_arrival_leaves_the_code_that_fits() {
    for (before, open, closed) in [
        (None, "L", "U"),
        (Some(Code::NotYetEstablished), "L", "U"),
        (Some(Code::Other), "L", "U"),
        (Some(Code::Holiday), "L", "U"),
        (Some(Code::PresentMorning), "/", "/"),
        (Some(Code::Late), "L", "L"),
        (Some(Code::AfterClose), "U", "U"),
        (Some(Code::Visit), "V", "V"),
        (Some(Code::Medical), "L", "M"),
        (Some(Code::NoTransport), "L", "Y1"),
    ] {
        assert_eq!(code_on_arrival(before, Phase::Open).text(), open, "{before:?}");
        assert_eq!(code_on_arrival(before, Phase::Closed).text(), closed, "{before:?}");
    }
}

#[test]
fn a_closure_ends_the_case_and_is_said_only_if_somebody_was_told() {
    let waiting = posted(&line(), Code::NotYetEstablished, Phase::Open);
    let step = waiting.shut(Cover::WholeSchool, at(5)).unwrap();
    assert!(step.closed_case().is_some() && step.case().unwrap().saying().is_none());
    assert_eq!(step.after.entry.code, Some(Code::SchoolClosed));
    let told = waiting.close(Route::Contacts, at(25)).unwrap().after;
    let step = told.shut(Cover::Part, at(30)).unwrap();
    assert!(matches!(step.case().unwrap().saying(), Some(Saying::Explained(_))));
    assert_eq!(step.after.entry.code, Some(Code::PartClosed));
    assert!(step.after.shut(Cover::Part, at(31)).unwrap().case().is_none(), "once");
    let late = step.after.arrive(Phase::Closed, at(35)).unwrap();
    assert!(matches!(late.case().unwrap().saying(), Some(Saying::Arrived(_))));
    let present = posted(&line(), Code::PresentMorning, Phase::Open);
    assert!(!present.shut(Cover::WholeSchool, at(5)).unwrap().changes_entry(), "whoever came, came");
}

#[test]
fn an_n_while_the_school_is_closed_for_the_pupil_becomes_the_closures_code_and_no_case() {
    let closed = |phase| moment(phase, Route::Closed(Cover::Part));
    for phase in [Phase::Open, Phase::Closed] {
        let step = line().post(Code::NotYetEstablished, ClassId::generate(), &closed(phase)).unwrap();
        assert_eq!((step.after.entry.code, step.after.case), (Some(Code::PartClosed), None));
        let again = step.after.post(Code::NotYetEstablished, ClassId::generate(), &closed(phase)).unwrap();
        assert!(!again.changes_entry());
        let ill = line().report(Code::Illness, String::new(), at(0)).unwrap().after;
        let ill = ill.post(Code::NotYetEstablished, ClassId::generate(), &closed(phase)).unwrap();
        assert_eq!(ill.after.entry.code, Some(Code::Illness), "a reason from home is the better word");
    }
    let missing = posted(&line(), Code::NotYetEstablished, Phase::Closed);
    let step = missing.post(Code::NotYetEstablished, ClassId::generate(), &closed(Phase::Closed)).unwrap();
    assert!(step.closed_case().is_some(), "what a closure had not reached yet ends here");
}

#[test]
fn when_a_closure_has_ended_the_register_is_taken_again_even_after_the_close() {
    let told = posted(&line(), Code::NotYetEstablished, Phase::Closed);
    let shut = told.shut(Cover::WholeSchool, at(30)).unwrap().after;
    let present = posted(&shut, Code::PresentMorning, Phase::Closed);
    assert_eq!((present.entry.code, present.entry.known), (Some(Code::PresentMorning), Known::Nothing));
    let still_missing = posted(&shut, Code::NotYetEstablished, Phase::Closed);
    let case = still_missing.case.unwrap();
    assert_eq!((case.opening.id, case.is_open()), (told.case.unwrap().opening.id, true));
    assert!(matches!(case.saying(), Some(Saying::Unexplained(_))));
    let refused =
        present.post(Code::NotYetEstablished, ClassId::generate(), &moment(Phase::Closed, Route::Contacts));
    assert_eq!(refused, Err(Rejection::RegisterClosed));
}

#[derive(Debug, Clone)]
enum Act {
    Post(Code),
    Report(Code),
    Explain(Code),
    Arrive,
    Close,
    Declare,
    End,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let code = || proptest::sample::select(Code::ALL);
    let reason = || {
        let reasons: Vec<Code> = Code::ALL.iter().copied().filter(|code| code.explains()).collect();
        proptest::sample::select(reasons)
    };
    let missing = Just(Act::Post(Code::NotYetEstablished));
    let act = prop_oneof![
        3 => missing,
        3 => code().prop_map(Act::Post),
        2 => reason().prop_map(Act::Report),
        2 => reason().prop_map(Act::Explain),
        2 => Just(Act::Arrive),
        2 => Just(Act::Close),
        1 => Just(Act::Declare),
        1 => Just(Act::End),
    ];
    proptest::collection::vec(act, 0..14)
}

fn routes() -> impl Strategy<Value = Route> {
    prop_oneof![
        Just(Route::Contacts),
        Just(Route::Person(Because::PersonOnly)),
        Just(Route::Person(Because::SessionOver)),
    ]
}

proptest! {
    #[test]
    fn any_day_keeps_the_invariants(acts in acts(), route in routes()) {
        let (mut line, mut phase) = (line(), Phase::Open);
        let (mut said, mut shut, mut reopened): (Vec<Saying>, _, _) = (Vec::new(), false, 0);
        for (minute, act) in acts.iter().enumerate() {
            let now = at(i64::try_from(minute).unwrap());
            let route = if shut { Route::Closed(Cover::WholeSchool) } else { route };
            let decided = match act {
                Act::Post(code) => {
                    line.post(*code, ClassId::generate(), &Moment { now, ..moment(phase, route) })
                }
                Act::Report(code) => line.report(*code, String::new(), now),
                Act::Explain(code) => line.explain(*code, String::new(), now),
                Act::Arrive => line.arrive(phase, now),
                Act::Close if phase == Phase::Closed => continue,
                Act::Close => {
                    phase = Phase::Closed;
                    line.close(route, now)
                }
                Act::Declare => {
                    shut = true;
                    line.shut(Cover::WholeSchool, now)
                }
                Act::End => {
                    shut = false;
                    continue;
                }
            };
            let Ok(step) = decided else { continue };
            let again = step.events.contains(&CaseEvent::Reopened);
            reopened += usize::from(again && line.case.is_some_and(|case| case.told_at().is_some()));
            let versions = |line: &Line| (line.entry.version, line.case.map_or(0, |case| case.version));
            let (before, after) = (versions(&step.before), versions(&step.after));
            prop_assert!((before.0..=before.0 + 1).contains(&after.0));
            prop_assert!((before.1..=before.1 + 1).contains(&after.1));
            said.extend(step.case().and_then(Case::saying));
            line = step.after;

            let missing = line.entry.code == Some(Code::NotYetEstablished);
            prop_assert_eq!(missing, line.case.is_some_and(|case| case.is_open()));
            prop_assert!(phase == Phase::Closed || said.is_empty(), "said before the close: {:?}", said);
            prop_assert!(!(missing && shut), "a pupil is missing from a closed school");
            if missing && phase == Phase::Closed {
                prop_assert_ne!(line.case.unwrap().state, case::State::Waiting);
            }
        }
        let unexplained = said.iter().filter(|saying| matches!(saying, Saying::Unexplained(_))).count();
        prop_assert!(unexplained <= 1 + reopened);
        let arrived = said.iter().filter(|saying| matches!(saying, Saying::Arrived(_))).count();
        prop_assert!(arrived <= 1 && said.len() <= 3 + 2 * reopened, "{:?}", said);
        prop_assert!(arrived == 0 || matches!(said.last(), Some(Saying::Arrived(_))), "{:?}", said);
        if let Some(first) = said.first() {
            prop_assert!(matches!(first, Saying::Unexplained(_)), "{:?} was said first", first);
        }
        if route != Route::Contacts {
            prop_assert!(said.is_empty(), "a person's case was said: {:?}", said);
        }
    }
}
