//! A child is hurt in school.

use proto::incidents::v1::AccidentKind;
use proto::options::v1::Role;
use tests::roster::Contact;
use tests::school::stories::account;
use tests::{Roster, School};

const ANNA: &str = "anna@example.org";
const BERT: &str = "+447700900202";
const CARA: &str = "cara@example.org";
const GRAN: &str = "gran@example.org";

fn school() -> Roster {
    let anna = Contact::parent("Anna").phone("07700900201").email(ANNA);
    let bert = Contact::parent("Bert").phone("07700900202");
    let gran = Contact::parent("Gran").phone("07700900204").email(GRAN).for_emergencies();
    let cara = Contact::parent("Cara").phone("07700900203").email(CARA);
    let barred = Contact::parent("Dave").phone("07700900205").restricted("no_child_information");
    Roster::new().pupil("Maya", "oak", [anna, bert, gran]).pupil("Rohan", "elm", [cara]).pupil(
        "Zofia",
        "elm",
        [barred],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_children_in_one_collision_are_two_messages_and_each_names_its_own() {
    let school = School::start(school()).await;
    school.records("Maya", account(AccidentKind::Minor, "Bumped into another child")).await;
    school.records("Rohan", account(AccidentKind::Minor, "Bumped into another child")).await;
    school.messages(3).await;
    school.settles().await;
    let anna = school.received(ANNA);
    assert_eq!(anna.len(), 1);
    assert!(anna[0].contains("Maya had a minor accident at school") && anna[0].contains("a cold pack"));
    assert!(!anna[0].contains("Rohan"));
    // Whoever has no mailbox gets a text, which says less.
    let bert = school.received(BERT);
    assert!(bert.len() == 1 && bert[0].contains("Maya") && !bert[0].contains("cold pack"), "{bert:?}");
    assert!(school.received(CARA)[0].contains("Rohan") && !school.received(CARA)[0].contains("Maya"));
    assert_eq!(school.received(GRAN), [""; 0], "she is for emergencies only");
    assert_eq!(school.tasks().await, []);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bumped_head_is_a_text_and_an_e_mail_at_once_and_a_person_rings() {
    let school = School::start(school()).await;
    school.records("Maya", account(AccidentKind::HeadInjury, "Fell from the climbing frame")).await;
    school.messages(3).await;
    let task = school.task("ring_about_head_injury").await;
    assert_eq!(task.role(), Role::Office);
    // The child, the parents in their order, and the grandmother last.
    assert_eq!((task.subjects.len(), task.subjects[0].clone()), (4, school.pupil("Maya")));
    school.settles().await;
    for phone in ["+447700900201", BERT] {
        let received = school.received(phone);
        assert!(received.len() == 1 && received[0].contains("ring us now"), "{phone}: {received:?}");
        assert!(!received[0].contains("climbing"), "a text gives no detail");
    }
    assert!(school.received(ANNA)[0].contains("Fell from the climbing frame"));
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bumped_head_of_a_child_whose_only_contact_is_barred_is_the_leads_at_once() {
    let school = School::start(school()).await;
    school.records("Zofia", account(AccidentKind::HeadInjury, "Fell on the stairs")).await;
    let task = school.task("nobody_to_tell").await;
    assert_eq!(task.role(), Role::DesignatedSafeguardingLead);
    school.settles().await;
    assert_eq!(school.phones.messages().len(), 0);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_account_is_told_again_as_an_update() {
    let school = School::start(school()).await;
    let accident = school.records("Rohan", account(AccidentKind::Minor, "Grazed a knee")).await;
    school.messages(1).await;
    school.settles().await;
    school.amends(&accident, account(AccidentKind::Minor, "Grazed an elbow")).await;
    school.messages(2).await;
    let cara = school.received(CARA);
    assert!(
        cara[1].contains("takes the place of our earlier message") && cara[1].contains("elbow"),
        "{cara:?}"
    );
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accident_of_a_child_marked_absent_is_told_and_the_office_checks_the_register() {
    let school = School::start(school()).await;
    school.reason_from_home("Rohan").await;
    school.post_register("elm", &["Rohan"]).await;
    school.records("Rohan", account(AccidentKind::Minor, "Grazed a knee")).await;
    let task = school.task("accident_of_absent_pupil").await;
    assert_eq!(task.role(), Role::Office);
    school.messages(1).await;
    school.ends_clean().await;
}
