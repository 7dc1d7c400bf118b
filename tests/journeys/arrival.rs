//! A child who was missing is in school after all.

use tests::roster::Contact;
use tests::wait::until;
use tests::{Roster, School};

fn family() -> Roster {
    let mother = Contact::parent("Anna").phone("07700900201");
    let father = Contact::parent("Bert").email("bert@example.org");
    Roster::new().pupil("Maya", "oak", [mother.clone(), father.clone()]).pupil(
        "Rohan",
        "elm",
        [mother, father],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_who_comes_while_the_message_gathers_is_in_no_message() {
    let school = School::start(family()).await;
    school.close_without(&["Maya", "Rohan"]).await;
    let arrival = school.arrives("Maya").await;
    assert_eq!(arrival.code, "U");
    school.messages(2).await;
    school.settles().await;
    for address in ["+447700900201", "bert@example.org"] {
        let received = school.received(address);
        assert_eq!(received.len(), 1);
        assert!(received[0].contains("Rohan was not in school") && !received[0].contains("Maya"));
    }
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_told_is_told_that_it_was_wrong_on_the_same_channel() {
    let school = School::start(family()).await;
    school.close_without(&["Maya"]).await;
    school.messages(2).await;
    school.settles().await;
    school.arrives("Maya").await;
    school.messages(4).await;
    school.settles().await;
    for address in ["+447700900201", "bert@example.org"] {
        let received = school.received(address);
        assert_eq!(received.len(), 2);
        assert!(received[1].contains("Maya is in school"));
        assert!(received[1].contains("sorry"));
        assert!(!received[1].contains("not in school"));
    }
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrival_while_the_text_is_in_the_air_is_corrected_when_it_has_landed() {
    let school = School::start(family()).await;
    school
        .phones
        .behave(simulator::Behaviour::Slow { provider: simulator::Provider::Notify, milliseconds: 1_500 });
    school.close_without(&["Maya"]).await;
    until(
        "a request under way",
        || async { school.notices().await },
        |notices| notices.iter().any(|notice| notice.state() == proto::dispatcher::v1::NoticeState::Planned),
    )
    .await;
    school.messages(1).await; // the e-mail, which is not slowed down
    school.arrives("Maya").await;
    school.settles().await;
    let look = || async { school.received("+447700900201") };
    // Either the text had not left, and nobody needs a correction, or it had, and it is corrected.
    let received = until("the end", look, |received| received.is_empty() || received.len() == 2).await;
    assert!(received.last().is_none_or(|last| last.contains("Maya is in school")));
    school.settles().await;
    let mails = school.received("bert@example.org");
    assert!(mails.last().unwrap().contains("Maya is in school"), "{mails:#?}");
    school.ends_clean().await;
}
