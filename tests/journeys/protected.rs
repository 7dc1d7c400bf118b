//! Stories that are told by services in processes of their own with TLS between all of them, to NATS and to
//! PostgreSQL: in trial on a school day, and in production, which knows no day but today.
//!
//! Production refuses numbers that belong to nobody, so its families have mailboxes only. On a Sunday
//! nobody is missing, so absences are told in trial.

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use kit::clock::Clock;
use proto::options::v1::Role;
use proto::scheduling::v1::{CountSchoolDaysRequest, DeclareClosureRequest, Session};
use tests::apart::ground::Ground;
use tests::apart::protected::Standing;
use tests::roster::Contact;
use tests::school::stories::snow;
use tests::wait::until;
use tests::{Roster, School};

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_and_a_closure_are_told_with_tls_all_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::start(folder.path()).await;
    let mother = Contact::parent("Anna").phone("07700900201");
    let father = Contact::parent("Bert").email("bert@example.org");
    let roster = Roster::new().pupil("Maya", "oak", [mother, father]);
    let school = School::start_protected(roster, &ground, Standing::Trial).await;
    school.close_without(&["Maya"]).await;
    school.messages(2).await;
    let closure = school.closes_for(snow()).await;
    school.messages(4).await;
    until("the alert", || school.alerts(), |alerts| alerts.contains("heavy snow")).await;
    school.opens_on(&closure, date(2026, 11, 25)).await;
    school.messages(6).await;
    school.settles().await;
    for address in ["+447700900201", "bert@example.org"] {
        let [absent, closed, open] = &school.received(address)[..] else { panic!("three to {address}") };
        assert!(absent.contains("Maya was not in school"), "{absent}");
        assert!(closed.contains("heavy snow") && open.contains("is open on Wednesday"), "{closed} {open}");
    }
    assert_eq!(school.tasks().await, []);

    school.ends_clean().await;
    ground.stop().await;
}

/// What the command line tells of an id, with the key that its settings name.
async fn trace(school: &School, id: &str) -> String {
    let words = ["trace", id, "--school", &school.id.to_string()];
    let told = school.protected().at_the_command_line(&words).await;
    let [story, wrong] = [told.stdout, told.stderr].map(|said| String::from_utf8(said).unwrap());
    assert!(told.status.success(), "{wrong}{story}");
    assert!(!story.contains("Maya") && !story.contains("anna") && !story.contains("Anna"), "{story}");
    story
}

/// Each of these lines comes after the one before it.
fn comes_after(story: &str, lines: &[(&str, &str)]) {
    let mut left = story.lines();
    for (service, what) in lines {
        let is_it = |line: &str| {
            let mut words = line.split_whitespace().skip(2);
            (words.next(), words.next()) == (Some(service), Some(what))
        };
        assert!(left.any(is_it), "no {service} {what} where it belongs: {story}");
    }
    let mut lines: Vec<&str> = story.lines().collect();
    let all = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), all, "something is told twice: {story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_a_letter_and_a_closure_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::start(folder.path()).await;
    let today = Zoned::new(Clock::system().real(), TimeZone::get("Europe/London").unwrap()).date();
    let term = today.checked_sub(7.days()).unwrap()..=today.checked_add(60.days()).unwrap();
    let mother = Contact::parent("Anna").email("anna@example.org");
    let roster = Roster::new().pupil("Maya", "oak", [mother]).as_production_wants_it(term);
    let school = School::start_protected(roster, &ground, Standing::Production).await;
    school.announces("oak", "", "Please send a packed lunch.").await;
    school.messages(1).await;
    let from = today.checked_add(1.day()).unwrap().to_string();
    let next = school.by(Role::Head, CountSchoolDaysRequest { from, school_days: 0 });
    let next = school.scheduling().count_school_days(next).await.unwrap().into_inner().date;
    let declared = DeclareClosureRequest {
        first_day: next.clone(),
        last_day: next,
        from: Session::Morning.into(),
        ..snow()
    };
    let closure = school.closes_for(declared).await;
    school.messages(2).await;
    until("the alert", || school.alerts(), |alerts| alerts.contains("heavy snow")).await;
    let received = school.received("anna@example.org");
    assert!(received[0].contains("a packed lunch") && received[1].contains("heavy snow"), "{received:#?}");
    assert_eq!(school.tasks().await, []);
    school.settles().await;

    // The whole story of each, from the places where it happened, in the order in which it did.
    let letter = school.notices().await.into_iter().find(|notice| notice.kind == "announcement").unwrap();
    comes_after(
        &trace(&school, &letter.event_id).await,
        &[
            ("messaging", "said"),
            ("dispatcher", "gathered"),
            ("dispatcher", "decided"),
            ("dispatcher", "planned"),
            ("dispatcher", "tried"),
        ],
    );
    comes_after(
        &trace(&school, &closure).await,
        &[("scheduling", "said"), ("dispatcher", "said"), ("website", "heard")],
    );
    // The command line signs for its own commands here, and gives no tokens away.
    let asked = ["token", "--school", &school.id.to_string(), "--role", "office"];
    let token = school.protected().at_the_command_line(&asked).await;
    assert!(!token.status.success() && token.stdout.is_empty());
    school.ends_clean().await;
    ground.stop().await;
}
