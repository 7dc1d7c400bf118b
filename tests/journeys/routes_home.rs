//! By which route a message comes home, and what happens when none works.

use simulator::{Behaviour, Failure};
use tests::roster::Contact;
use tests::{Roster, School};

#[tokio::test(flavor = "multi_thread")]
async fn an_unexplained_absence_tries_every_address_of_a_contact_and_then_asks_a_person() {
    let mother = Contact::parent("Anna").phone("07700900201").phone("07700900202").email("anna@example.org");
    let school = School::start(Roster::new().pupil("Maya", "oak", [mother])).await;
    for number in ["+447700900201", "+447700900202", "anna@example.org"] {
        school.phones.behave(Behaviour::Dead { address: number.to_owned(), failure: Failure::Permanent });
    }
    school.close_without(&["Maya"]).await;
    let task = school.task("not_reached").await;
    assert!(task.subjects.contains(&school.pupil("Maya")), "{task:?}");
    assert!(task.subjects.iter().any(|subject| subject.starts_with("con_")), "{task:?}");
    school.settles().await;
    // The provider took both texts and reported them dead; the mail server refused the mailbox.
    assert_eq!(school.received("+447700900201").len(), 1);
    assert_eq!(school.received("+447700900202").len(), 1);
    // The other task is the office's: nothing of what is recorded for her works any more.
    school.task("no_working_address").await;
    assert_eq!(school.tasks().await.len(), 2);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_without_a_receipt_is_followed_by_an_e_mail() {
    let mother = Contact::parent("Anna").phone("07700900201").email("anna@example.org");
    let school = School::start(Roster::new().pupil("Maya", "oak", [mother])).await;
    school.phones.behave(Behaviour::NoReceipt { address: "+447700900201".to_owned() });
    school.close_without(&["Maya"]).await;
    school.messages(2).await;
    assert_eq!(school.received("anna@example.org").len(), 1);
    assert_eq!(school.tasks().await, []);
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_stumbles_is_tried_again_and_nobody_is_told_twice() {
    let contacts =
        |number: usize| [Contact::parent(&format!("P{number}")).phone(&format!("0770090030{number}"))];
    let mut roster = Roster::new();
    for number in 0..8 {
        roster = roster.pupil(&format!("Child{number}"), "oak", contacts(number));
    }
    let school = School::start(roster).await;
    let notify = simulator::Provider::Notify;
    school.phones.behave(Behaviour::RateLimited { provider: notify, requests: 2 });
    school.phones.behave(Behaviour::Answer { provider: notify, status: 500, requests: 2, text: None });
    school.phones.behave(Behaviour::TimeOutAfterAccepting { provider: notify, requests: 1 });
    school.phones.behave(Behaviour::TimeOutBeforeAccepting { provider: notify, requests: 1 });
    let all: Vec<String> = (0..8).map(|number| format!("Child{number}")).collect();
    school.close_without(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    school.messages(8).await;
    school.settles().await;
    for number in 0..8 {
        assert_eq!(school.received(&format!("+44770090030{number}")).len(), 1, "number {number}");
    }
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landline_gets_no_text_and_a_contact_with_nothing_else_is_a_task() {
    let mother = Contact::parent("Anna").phone("01632960100").email("anna@example.org");
    let father = Contact::parent("Bert").phone("01632960101");
    let school = School::start(Roster::new().pupil("Maya", "oak", [mother, father])).await;
    school.close_without(&["Maya"]).await;
    school.messages(1).await;
    school.settles().await;
    assert_eq!(school.received("anna@example.org").len(), 1);
    assert_eq!(school.phones.messages().len(), 1);
    let task = school.task("not_reached").await;
    assert!(task.subjects.contains(&school.pupil("Maya")));
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_two_parents_share_gets_one_message() {
    let mother = Contact::parent("Anna").email("family@example.org");
    let father = Contact::parent("Bert").email("family@example.org");
    let school = School::start(Roster::new().pupil("Maya", "oak", [mother, father])).await;
    school.close_without(&["Maya"]).await;
    school.messages(1).await;
    school.settles().await;
    assert_eq!(school.phones.messages().len(), 1);
    let deliveries = school.deliveries().await;
    assert_eq!(deliveries[0].contact_ids.len(), 2);
    school.ends_clean().await;
}
