//! A child is missing at the close of the register.

use proto::options::v1::Role;
use tests::installation::Backend;
use tests::roster::Contact;
use tests::{Roster, School};

fn family() -> Roster {
    let mother = Contact::parent("Anna").phone("07700900201").email("anna@example.org");
    let father = Contact::parent("Bert").phone("07700900202");
    let neighbour = Contact::parent("Cara").phone("07700900203");
    Roster::new()
        .pupil("Maya", "oak", [mother.clone(), father.clone()])
        .pupil("Rohan", "elm", [mother, father])
        .pupil("Zofia", "elm", [neighbour])
}

async fn siblings_stand_in_one_message(backend: Backend) {
    let school = School::start_on(backend, family()).await;
    let closed = school.close_without(&["Maya", "Rohan"]).await;
    assert_eq!(closed.announced, 2);
    school.messages(2).await;
    school.settles().await;
    for parent in ["+447700900201", "+447700900202"] {
        let received = school.received(parent);
        assert_eq!(received.len(), 1, "{received:#?}");
        assert!(
            received[0].contains("Maya and Rohan were not in school when the register closed this morning")
        );
        assert!(received[0].contains("we have not yet heard why"));
        assert!(received[0].contains("01632 960002"));
    }
    assert!(school.received("+447700900203").is_empty());
    assert_eq!(school.tasks().await, []);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_parent_gets_one_text_that_names_both_siblings() {
    Box::pin(siblings_stand_in_one_message(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgresql() {
    Box::pin(siblings_stand_in_one_message(Backend::Postgres)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_before_the_register_is_closed_for_the_school() {
    let school = School::start(family()).await;
    school.post_register("oak", &["Maya"]).await;
    school.settles().await;
    assert_eq!(school.notices().await, []);
    let closed = school.close().await;
    assert_eq!(closed.announced, 1);
    // The class that posted nothing is the office's task and held nobody up.
    assert_eq!(closed.classes_without_register, [school.classes["elm"].clone()]);
    let task = school.task("register_missing").await;
    assert_eq!(task.role(), Role::Office);
    school.messages(2).await;
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_found_missing_after_the_close_starts_a_new_message() {
    let school = School::start(family()).await;
    school.post_register("oak", &["Maya"]).await;
    school.close().await;
    school.messages(2).await;
    school.settles().await;
    school.post_register("elm", &["Rohan"]).await;
    school.messages(4).await;
    let received = school.received("+447700900201");
    assert_eq!(received.len(), 2);
    assert!(received[1].contains("Rohan was not in school") && !received[1].contains("Maya"));
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_twice_tells_nobody_twice() {
    let school = School::start(family()).await;
    school.close_without(&["Maya"]).await;
    let again = school.close().await;
    assert!(again.already_closed);
    school.messages(2).await;
    school.settles().await;
    assert_eq!(school.phones.messages().len(), 2);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_from_home_before_or_after_the_register_keeps_the_phone_silent() {
    let school = School::start(family()).await;
    school.reason_from_home("Maya").await;
    school.close_without(&["Maya", "Zofia"]).await;
    school.reason_from_home("Zofia").await;
    school.settles().await;
    for parent in ["+447700900201", "+447700900202"] {
        assert_eq!(school.received(parent), [""; 0], "the reason was known before the register");
    }
    // Whether Zofia's parent was told depends on who was faster; nobody is told after the reason.
    assert!(school.received("+447700900203").len() <= 1);
    school.ends_clean().await;
}
