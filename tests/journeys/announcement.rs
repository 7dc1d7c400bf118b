//! The office writes to a class.

use tests::roster::Contact;
use tests::{Roster, School};

#[tokio::test(flavor = "multi_thread")]
async fn a_class_gets_a_text_and_an_e_mail_and_nobody_else_does() {
    let anna = Contact::parent("Anna").phone("07700900201").email("anna@example.org");
    let gran = Contact::parent("Gran").phone("07700900204").for_emergencies();
    let dave = Contact::parent("Dave").phone("07700900205").restricted("no_child_information");
    let cara = Contact::parent("Cara").phone("07700900203").email("cara@example.org");
    let roster = Roster::new().pupil("Maya", "oak", [anna, gran, dave]).pupil("Rohan", "elm", [cara]);
    let school = School::start(roster).await;
    school.announces("oak", "A packed lunch for the museum, please.", "Please send a packed lunch.").await;
    school.messages(2).await;
    school.settles().await;
    assert_eq!(school.received("+447700900201"), ["Schoolbell: A packed lunch for the museum, please."]);
    let email = school.received("anna@example.org");
    assert!(email.len() == 1 && email[0].starts_with("Please send a packed lunch."), "{email:?}");
    assert_eq!(school.phones.messages().len(), 2);
    assert_eq!(school.tasks().await, []);
    school.ends_clean().await;
}
