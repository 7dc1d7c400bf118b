//! A person takes a message back.

use proto::dispatcher::v1::{NoticeState, RecallRequest, recall_request::What};
use proto::options::v1::Role;
use simulator::{Behaviour, Provider};
use tests::roster::Contact;
use tests::school::fresh;
use tests::wait::until;
use tests::{Roster, School};

fn recall(what: What) -> RecallRequest {
    RecallRequest { request_id: fresh(), what: Some(what), why: "the wrong register was closed".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_left_is_stopped_and_what_is_in_the_air_is_said_to_be() {
    let roster = (0..40).fold(Roster::new(), |roster, number| {
        let parent = Contact::parent(&format!("P{number}")).phone(&format!("077009003{number:02}"));
        roster.pupil(&format!("Child{number}"), "oak", [parent])
    });
    let school = School::start(roster).await;
    // 32 requests at once, each for a second and a half: some are in the air, the rest wait.
    school.phones.behave(Behaviour::Slow { provider: Provider::Notify, milliseconds: 1_500 });
    let all: Vec<String> = (0..40).map(|number| format!("Child{number}")).collect();
    school.close_without(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let planned = until(
        "planning",
        || async { school.notices().await },
        |notices| notices.iter().filter(|notice| notice.state() == NoticeState::Planned).count() == 40,
    )
    .await;
    let request = recall(What::GatheringId(planned[0].gathering_id.clone()));
    let answer =
        school.dispatcher().recall(school.by(Role::Head, request.clone())).await.unwrap().into_inner();
    let left_by_then = school.phones.messages().len();
    assert_eq!(answer.stopped + answer.had_left + answer.in_the_air, 40, "{answer:?}");
    assert!(answer.stopped > 0, "{answer:?}");
    school.settles().await;
    let left = school.phones.messages().len();
    let may_have_left = usize::try_from(answer.had_left + answer.in_the_air).unwrap();
    assert!(left <= may_have_left.max(left_by_then), "{left} left, {answer:?}");
    // The same request again has the same answer, and nothing more is stopped or sent.
    let again = school.dispatcher().recall(school.by(Role::Head, request)).await.unwrap().into_inner();
    assert_eq!(again, answer);
    assert_eq!(school.phones.messages().len(), left);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recalled_child_is_left_out_and_the_other_is_still_told() {
    let parent = Contact::parent("Anna").phone("07700900201");
    let roster = Roster::new().pupil("Maya", "oak", [parent.clone()]).pupil("Rohan", "elm", [parent]);
    let school = School::start(roster).await;
    school.close_without(&["Maya", "Rohan"]).await;
    let both = |notices: &Vec<proto::dispatcher::v1::Notice>| notices.len() == 2;
    let notices = until("two notices", || async { school.notices().await }, both).await;
    let maya = notices.iter().find(|notice| notice.subjects == [school.pupil("Maya")]).unwrap();
    let request = recall(What::NoticeId(maya.id.clone()));
    school.dispatcher().recall(school.by(Role::Office, request)).await.unwrap();
    school.messages(1).await;
    school.settles().await;
    let received = school.received("+447700900201");
    assert_eq!(received.len(), 1);
    // Whichever was faster: Rohan is told; Maya is not named in anything that left after the recall.
    assert!(received[0].contains("Rohan"));
    school.ends_clean().await;
}
