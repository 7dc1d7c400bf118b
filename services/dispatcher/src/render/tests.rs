//! The words, each template with every sample, as parents read them.

use std::fmt::Write as _;

use insta::assert_snapshot;
use jiff::civil::date;
use proto::events::incidents::AccidentKind;
use proto::events::messaging::{AnnouncementSent, Letter};
use proto::events::scheduling::ClosureEnded;
use proto::events::scope::Scope;
use proto::ids::PupilId;

use super::*;
use crate::text::fragments;

fn school() -> School {
    School {
        name: "Elm Park Primary School".into(),
        phone: "01632 960001".into(),
        zone: TimeZone::get("Europe/London").unwrap(),
    }
}

fn accident(kind: AccidentKind, first_aid: FirstAid) -> AccidentRecorded {
    AccidentRecorded {
        pupil_id: PupilId::generate(),
        kind,
        what: "Tripped over a ball".into(),
        place: "playground".into(),
        happened_at: "2026-06-24T10:40:00Z".parse().unwrap(),
        first_aid,
        tell_until: "2026-06-24T23:00:00Z".parse().unwrap(),
    }
}

fn closure(scope: Scope, from: Session, days: i8) -> Closure {
    Closure {
        scope,
        first_day: date(2026, 11, 24),
        from,
        last_day: date(2026, 11, 23 + days),
        reason: "heavy snow.".into(),
        collection: Some("Please collect children from the hall by 12:30".into()),
        tell_until: "2026-11-25T00:00:00Z".parse().unwrap(),
    }
}

fn ended(scope: Scope) -> ClosureEnded {
    ClosureEnded {
        scope,
        open_on: date(2026, 11, 26),
        not_closed_from: date(2026, 11, 26),
        tell_until: "2026-11-27T00:00:00Z".parse().unwrap(),
    }
}

fn some() -> Scope {
    Scope::YearGroups(vec!["Year 1".into()])
}

fn samples(kind: NoticeKind) -> Vec<About> {
    let day = date(2026, 11, 24);
    let (given, none) =
        (FirstAid::Given("a cold pack".into()), FirstAid::None("there was nothing to be seen".into()));
    match kind {
        NoticeKind::AbsenceUnexplained | NoticeKind::AbsenceCorrection => {
            [Session::Morning, Session::Afternoon].map(|session| About::Absence { date: day, session }).into()
        }
        NoticeKind::FirstAid => vec![
            About::Accident(accident(AccidentKind::Minor, given)),
            About::AmendedAccident(accident(AccidentKind::Minor, none)),
        ],
        NoticeKind::HeadInjury => vec![
            About::Accident(accident(AccidentKind::HeadInjury, given)),
            About::AmendedAccident(accident(AccidentKind::HeadInjury, none)),
        ],
        NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged => vec![
            About::Closure(closure(Scope::WholeSchool, Session::Morning, 1)),
            About::Closure(closure(some(), Session::Afternoon, 1)),
            About::Closure(closure(Scope::WholeSchool, Session::Morning, 2)),
            About::Closure(closure(Scope::WholeSchool, Session::Afternoon, 2)),
        ],
        NoticeKind::Reopening => {
            [Scope::WholeSchool, some()].map(|scope| About::Reopening(ended(scope))).into()
        }
        NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => {
            vec![About::Announcement(AnnouncementSent {
                scope: Scope::WholeSchool,
                email: Some(Letter {
                    subject: "Museum visit".into(),
                    body: "Please send a packed lunch.".into(),
                }),
                text: Some("Please remember a packed lunch for the museum tomorrow.".into()),
                tell_until: "2026-11-27T00:00:00Z".parse().unwrap(),
            })]
        }
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When it is sent: on the day of the accident, on the next one, and on the third.
const DAY: &str = "2026-06-24T11:00:00Z";
const NEXT: &str = "2026-06-25T09:00:00Z";
const LATER: &str = "2026-06-26T10:40:00Z";

/// Every message of a kind, with one name and, where messages gather, with two; what may be sent
/// days after it happened, on each of them.
fn every(kind: NoticeKind, readers: Readers) -> Vec<(Medium, Worded)> {
    let is_accident = matches!(kind, NoticeKind::FirstAid | NoticeKind::HeadInjury);
    let times: &[&str] = if is_accident { &[DAY, NEXT, LATER] } else { &[DAY] };
    times.iter().flat_map(|time| sent_at(kind, readers, at(time))).collect()
}

fn sent_at(kind: NoticeKind, readers: Readers, now: Timestamp) -> Vec<(Medium, Worded)> {
    let (renderer, school) = (Renderer::new().unwrap(), school());
    let is_accident = matches!(kind, NoticeKind::FirstAid | NoticeKind::HeadInjury);
    let several: &[&[&str]] = if is_accident { &[&["Maya"]] } else { &[&["Maya"], &["Maya", "Rohan"]] };
    let mut all = Vec::new();
    for about in samples(kind) {
        for medium in [Medium::Text, Medium::Email] {
            for names in several {
                let wording = Wording { kind, medium, about: &about, names, school: &school, readers, now };
                all.push((medium, renderer.words(&wording).unwrap()));
            }
        }
    }
    all
}

#[test]
fn every_template_with_every_sample() {
    let mut all = String::new();
    for kind in NoticeKind::ALL {
        let mut said: Vec<String> = Vec::new();
        for (medium, words) in every(kind, Readers::Entitled) {
            let subject = words.subject.map_or_else(String::new, |subject| format!("[{subject}]\n"));
            let one = format!("== {} {medium:?}\n{subject}{}\n", kind.as_str(), words.body);
            if !said.contains(&one) {
                said.push(one);
            }
        }
        writeln!(all, "{}", said.join("\n")).unwrap();
    }
    let renderer = Renderer::new().unwrap();
    for kind in [NoticeKind::ClosureDeclared, NoticeKind::Reopening] {
        for about in samples(kind) {
            let alert = renderer.alert(kind, &about).unwrap().unwrap();
            writeln!(all, "== website\n[{}]\n{}\n", alert.headline, alert.body).unwrap();
        }
    }
    assert_snapshot!(all);
}

#[test]
fn a_text_with_its_prefix_costs_two_fragments_at_most() {
    for kind in NoticeKind::ALL {
        for (medium, words) in every(kind, Readers::Barred) {
            if medium == Medium::Text {
                let fragments = fragments::fragments(&format!("{}: {}", school().name, words.body));
                assert!(fragments.fragments <= 2, "{kind:?}: {fragments:?}");
            }
        }
    }
}

#[test]
fn a_subject_names_no_child_and_only_what_is_about_a_child_names_it() {
    for kind in NoticeKind::ALL {
        let about_a_child = !kind.is_for_many();
        for (_, words) in every(kind, Readers::Entitled) {
            assert!(!words.subject.unwrap_or_default().contains("Maya"));
            assert_eq!(words.body.contains("Maya"), about_a_child, "{kind:?}");
        }
    }
}

#[test]
fn a_correction_never_says_that_anybody_is_missing_and_a_reopening_never_that_anything_is_closed() {
    for kind in NoticeKind::ALL {
        for (_, words) in every(kind, Readers::Entitled) {
            let all = format!("{} {}", words.subject.unwrap_or_default(), words.body).to_lowercase();
            assert_eq!(all.contains("we have not yet heard why"), kind == NoticeKind::AbsenceUnexplained);
            assert_eq!(
                all.contains("is in school") || all.contains("are in school"),
                kind == NoticeKind::AbsenceCorrection
            );
            let closed = kind.is_about_closing() && kind != NoticeKind::Reopening;
            assert_eq!(all.contains("clos") && kind.is_about_closing(), closed, "{kind:?}: {all}");
            if kind == NoticeKind::Reopening {
                assert!(!all.contains("shut") && !all.contains("snow"), "{all}");
            }
        }
    }
    let renderer = Renderer::new().unwrap();
    for about in samples(NoticeKind::Reopening) {
        let alert = renderer.alert(NoticeKind::Reopening, &about).unwrap().unwrap();
        assert!(!format!("{} {}", alert.headline, alert.body).to_lowercase().contains("clos"));
    }
}

#[test]
fn an_alert_says_in_its_outline_from_when_on_it_holds_and_what_without_its_days() {
    let renderer = Renderer::new().unwrap();
    for kind in [NoticeKind::ClosureDeclared, NoticeKind::ClosureChanged, NoticeKind::Reopening] {
        for about in samples(kind) {
            let alert = renderer.alert(kind, &about).unwrap().unwrap();
            let outline = alert.outline.unwrap();
            let begins = match &about {
                About::Closure(closure) => (closure.first_day, closure.from),
                About::Reopening(ended) => (ended.not_closed_from, Session::Morning),
                other => panic!("{other:?}"),
            };
            assert_eq!((outline.first_day, outline.from), begins);
            let days = alert.headline.strip_prefix(&outline.gist).unwrap();
            assert!(days.starts_with(" on ") || days.starts_with(" from "), "{days}");
            assert!(!outline.gist.contains("November") && !outline.gist.is_empty());
        }
    }
}

#[test]
fn collection_is_said_to_those_who_may_know_and_never_to_others_or_the_public() {
    for kind in [NoticeKind::ClosureDeclared, NoticeKind::ClosureChanged] {
        assert!(every(kind, Readers::Entitled).iter().all(|(_, words)| words.body.contains("from the hall")));
        assert!(every(kind, Readers::Barred).iter().all(|(_, words)| !words.body.contains("collect")));
        for about in samples(kind) {
            let alert = Renderer::new().unwrap().alert(kind, &about).unwrap().unwrap();
            assert!(!format!("{} {}", alert.headline, alert.body).contains("collect"));
        }
    }
}

#[test]
fn what_concerns_nobody_neither_names_a_child_nor_says_whose_it_is_or_where() {
    for kind in NoticeKind::ALL {
        for readers in [Readers::Entitled, Readers::Barred] {
            let (renderer, school) = (Renderer::new().unwrap(), school());
            for about in samples(kind).iter().filter(|about| about.concerns_nobody(readers)) {
                for medium in [Medium::Text, Medium::Email] {
                    let names: &[&str] = &["Maya"];
                    let wording =
                        Wording { kind, medium, about, names, school: &school, readers, now: at(DAY) };
                    let body = renderer.words(&wording).unwrap().body;
                    for harm in ["Maya", "collect", "hall", "child's class"] {
                        assert!(!body.contains(harm), "{kind:?} {readers:?}: {body}");
                    }
                }
            }
        }
    }
    let some_concern_nobody = |readers| {
        let abouts = NoticeKind::ALL.into_iter().flat_map(samples);
        abouts.filter(|about| about.concerns_nobody(readers)).count()
    };
    assert!(0 < some_concern_nobody(Readers::Entitled));
    assert!(some_concern_nobody(Readers::Entitled) < some_concern_nobody(Readers::Barred));
}

#[test]
fn an_amended_accident_is_an_update_in_place_of_the_earlier_words_and_no_second_accident() {
    for kind in [NoticeKind::FirstAid, NoticeKind::HeadInjury] {
        for time in [DAY, NEXT, LATER] {
            let mut updates = 0;
            for (medium, words) in sent_at(kind, Readers::Entitled, at(time)) {
                let updates_words =
                    words.body.contains("takes the place of our earlier message, if you had one");
                let says_so_first = match medium {
                    Medium::Text => words.body.starts_with("Update: Maya"),
                    Medium::Email => words.subject.unwrap().starts_with("An update"),
                };
                assert_eq!(updates_words, says_so_first, "{kind:?}: {}", words.body);
                updates += usize::from(updates_words);
            }
            assert_eq!(updates, 2, "of two texts and two e-mails, one each is of an amended account");
        }
    }
}

#[test]
fn a_name_with_markup_and_words_with_template_signs_are_said_as_they_are() {
    let (renderer, school) = (Renderer::new().unwrap(), school());
    let odd = "{{ 7 * 7 }}<b>";
    let mut accident = accident(AccidentKind::Minor, FirstAid::Given(odd.into()));
    accident.what = odd.into();
    let about = About::Accident(accident);
    let names = [odd];
    let wording = Wording {
        kind: NoticeKind::FirstAid,
        medium: Medium::Email,
        about: &about,
        names: &names,
        school: &school,
        readers: Readers::Entitled,
        now: at(DAY),
    };
    assert_eq!(renderer.words(&wording).unwrap().body.matches(odd).count(), 3);
}

#[test]
fn a_time_is_said_in_the_schools_zone() {
    let words = every(NoticeKind::FirstAid, Readers::Entitled);
    let email = words.iter().find(|(medium, _)| *medium == Medium::Email).unwrap();
    assert!(email.1.body.contains("at 11:40 on Wednesday 24 June"), "{}", email.1.body);
}

#[test]
fn a_second_line_in_a_subject_does_not_become_the_body() {
    let (renderer, school) = (Renderer::new().unwrap(), school());
    let letter = Letter { subject: "Museum\nBcc: all@example.org".into(), body: "Lunch.".into() };
    let about = About::Announcement(AnnouncementSent {
        scope: Scope::WholeSchool,
        email: Some(letter),
        text: None,
        tell_until: "2026-11-27T00:00:00Z".parse().unwrap(),
    });
    let wording = Wording {
        kind: NoticeKind::Announcement,
        medium: Medium::Email,
        about: &about,
        names: &[],
        school: &school,
        readers: Readers::Entitled,
        now: at(DAY),
    };
    let words = renderer.words(&wording).unwrap();
    assert_eq!(words.subject.as_deref(), Some("Museum"));
    assert!(!words.body.contains("Bcc"));
}

#[test]
fn nothing_is_called_today_or_now_on_another_day_and_nobody_was_looked_after_without_first_aid() {
    for kind in [NoticeKind::FirstAid, NoticeKind::HeadInjury] {
        let said = |time| {
            let words = sent_at(kind, Readers::Entitled, at(time)).into_iter();
            words.map(|(_, words)| format!("{} {}", words.subject.unwrap_or_default(), words.body))
        };
        assert!(said(DAY).all(|words| words.contains("today") || words.contains("now")), "{kind:?}");
        for time in [NEXT, LATER] {
            for words in said(time) {
                assert!(words.contains("on Wednesday 24 June"), "{words}");
                assert!(!words.contains("today") && !words.contains(" now"), "{words}");
            }
        }
        let watched = said(NEXT).filter(|words| words.contains("48 hours")).count();
        assert_eq!(watched, if kind == NoticeKind::HeadInjury { 2 } else { 0 });
        assert!(said(LATER).all(|words| !words.contains("48 hours")), "they are over");
    }
    let texts = sent_at(NoticeKind::FirstAid, Readers::Entitled, at(DAY));
    let looked_after = texts.iter().filter(|(_, words)| words.body.contains("looked after"));
    assert_eq!(looked_after.count(), 1, "of two texts, one is about a child who was given first aid");
    // By its own clock it is tomorrow where the school is, half an hour before UTC says so.
    let late = sent_at(NoticeKind::FirstAid, Readers::Entitled, at("2026-06-24T23:30:00Z"));
    assert!(late.iter().all(|(_, words)| !words.body.contains("today")));
}
