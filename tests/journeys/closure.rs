//! The school closes for snow, stays closed, and opens again.

use jiff::civil::date;
use proto::dispatcher::v1::Notice;
use simulator::{Behaviour, Provider};
use tests::roster::Contact;
use tests::school::stories::snow;
use tests::wait::until;
use tests::{Roster, School};

const ANNA: &str = "+447700900201";
const DAVE: &str = "+447700900205";
const EVE: &str = "+447700900206";

fn school() -> Roster {
    let anna = Contact::parent("Anna").phone("07700900201").email("anna@example.org");
    let bert = Contact::parent("Bert").phone("07700900202");
    let dave = Contact::parent("Dave").phone("07700900205").restricted("no_child_information");
    let eve = Contact::parent("Eve").phone("07700900206").email("eve@example.org").restricted("no_contact");
    Roster::new()
        .pupil("Maya", "oak", [anna.clone(), bert.clone(), dave])
        .pupil("Rohan", "elm", [anna, bert, eve])
        .pupil("Zofia", "elm", [Contact::parent("Fred").email("fred@example.org")])
        .person_only()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_that_school_closes_stays_closed_and_opens_and_nobody_who_may_not() {
    let school = School::start(school()).await;
    let preview = school.previews_a_closure().await;
    // Anna and Bert and Dave by text, Anna and Fred by e-mail; Eve is barred from everything.
    assert_eq!((preview.contacts, preview.texts, preview.emails), (4, 3, 2), "{preview:?}");
    let closure = school.closes_for(snow()).await;
    school.messages(5).await;
    school.settles().await;
    let [closed] = &school.received(ANNA)[..] else { panic!("one text to Anna") };
    assert!(
        closed.contains("School is closed on the afternoon of Tuesday 24 November: heavy snow."),
        "{closed}"
    );
    assert!(closed.contains("from the hall by 12:30") && !closed.contains("Maya"));
    // Whoever may not know where a child is hears of the closure and not of the collection.
    let dave = school.received(DAVE);
    assert!(dave.len() == 1 && !dave[0].contains("collect") && !dave[0].contains("hall"), "{dave:?}");
    until("the alert", || school.alerts(), |alerts| alerts.contains("closed on the afternoon")).await;

    school.stays_closed_until(&closure, date(2026, 11, 25)).await;
    school.messages(10).await;
    school.settles().await;
    assert!(school.received(ANNA)[1].contains("Update: school is now closed from the afternoon of Tuesday"));
    until("the change", || school.alerts(), |alerts| alerts.contains("Wednesday 25 November")).await;

    school.opens_on(&closure, date(2026, 11, 26)).await;
    school.messages(15).await;
    school.settles().await;
    for message in school.phones.messages().iter().skip(10) {
        let words = message.accepted.body.to_lowercase();
        assert!(
            words.contains("school is open on thursday 26 november") && !words.contains("clos"),
            "{words}"
        );
    }
    // School is closed until the day before, and the website says both, each in words of its own.
    let shown =
        until("the opening", || school.alerts(), |alerts| alerts.contains("Thursday 26 November")).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let [still_closed, open] = &shown["alerts"].as_array().unwrap()[..] else { panic!("two in {shown}") };
    let days = "from the afternoon of Tuesday 24 November to Wednesday 25 November";
    assert_eq!(still_closed["headline"], format!("School is closed {days}"));
    assert_eq!(open["headline"], "School is open on Thursday 26 November");
    assert!(!open["body"].as_str().unwrap().to_lowercase().contains("clos"), "{open}");
    assert_eq!(school.received(EVE), [""; 0]);
    assert_eq!(school.received("eve@example.org"), [""; 0]);
    // Dave's restriction was set by the import seconds ago, and what left to him since was worded for it.
    let tasks = school.tasks().await;
    assert!(tasks.is_empty(), "{tasks:#?}");
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_left_before_the_school_opens_again_never_says_that_it_is_closed() {
    let school = School::start(school()).await;
    for (provider, status) in [(Provider::Notify, 503), (Provider::Smtp, 451)] {
        school.phones.behave(Behaviour::Answer { provider, status, requests: 1_000, text: None });
    }
    let closure = school.closes_for(snow()).await;
    school.opens_on(&closure, date(2026, 11, 24)).await;
    // The two facts may be heard in either order; a closure that is heard last is told to nobody.
    let reopens = |notices: &Vec<Notice>| notices.iter().any(|notice| notice.kind == "reopening");
    until("the reopening", || school.notices(), reopens).await;
    school.phones.behave(Behaviour::Normal);
    school.messages(5).await;
    school.settles().await;
    for message in school.phones.messages() {
        assert!(!message.accepted.body.to_lowercase().contains("clos"), "{}", message.accepted.body);
    }
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_school_follows_nobody_up_and_a_child_who_was_missing_before_is_still_missing() {
    let school = School::start(school()).await;
    // The school closes from the afternoon on: Rohan, who is missing this morning, is still looked for.
    school.closes_for(snow()).await;
    school.messages(5).await;
    let closed = school.close_without(&["Rohan"]).await;
    assert_eq!(closed.announced, 1);
    school.messages(7).await;
    assert!(school.received(ANNA)[1].contains("Rohan was not in school"));
    school.ends_clean().await;
}
