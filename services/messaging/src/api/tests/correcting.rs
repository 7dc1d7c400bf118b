//! Other words take the place of what was sent: once, whole, and by whoever has seen what stands.

use jiff::SignedDuration;
use kit::Tenant;
use kit::clock::to_proto;
use kit::testing::answers::{fields, reason, sealed};
use proto::ids::AnnouncementId;
use proto::messaging::v1 as pb;
use proto::messaging::v1::messaging_service_server::MessagingService;
use tonic::Code;

use super::super::Api;
use super::fixture::{World, classes, museum, on_friday, pupils, request_of, whole_school};
use crate::store::MIGRATIONS;

type Change = fn(&mut pb::CorrectAnnouncementRequest);

#[tokio::test]
async fn a_correction_is_said_whole_and_stands_in_the_place_of_what_was_sent() {
    for world in World::each().await {
        let (class_id, _) = world.class(3, "Year 3");
        let sent = world.send(museum(classes(&[class_id]))).await.unwrap();
        world.clock.set(world.clock.now() + SignedDuration::from_hours(24));
        let correction = on_friday(&sent.announcement_id, 1);
        let answer = world.correct(correction.clone()).await.unwrap();
        assert_eq!((answer.version, answer.corrected_at), (2, Some(to_proto(world.clock.now()))));
        assert_eq!(
            world.said_as().await,
            ["schoolbell.messaging.announcement_sent.v1", "schoolbell.messaging.announcement_corrected.v1"]
        );
        let said = world.said().await;
        let [first, second] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!((&second.subject, second.version), (&first.subject, 2), "{}", world.backend);
        assert_eq!((second.time, &second.data.scope), (world.clock.now(), &first.data.scope));
        assert_eq!(second.data.text.as_deref(), Some(correction.text.as_str()));
        assert_eq!(second.data.email.as_ref().map(|letter| &letter.body), Some(&correction.body));
        assert_eq!(second.data.tell_until.to_string(), "2026-11-29T00:00:00Z", "a day longer than the first");
        let stands = world.get(&sent.announcement_id).await.unwrap();
        let wanted = (correction.subject, correction.body, correction.text);
        assert_eq!((stands.subject.clone(), stands.body.clone(), stands.text.clone()), wanted);
        assert_eq!((stands.sent_at, stands.version), (sent.sent_at, 2));
        assert_eq!((stands.corrected_at, stands.corrected_by.as_str()), (answer.corrected_at, "person-7"));
        assert_eq!(world.list(0, "").await.announcements, [stands]);
    }
}

#[tokio::test]
async fn the_newest_of_several_corrections_stands_and_each_is_a_fact_of_its_own() {
    for world in World::each().await {
        let (_, named) = world.class(2, "Year 3");
        let id = world.send(museum(pupils(&named[..1]))).await.unwrap().announcement_id;
        let other = world.send(museum(whole_school())).await.unwrap().announcement_id;
        for version in 1..=3 {
            let words = format!("Version {}", version + 1);
            let correction = pb::CorrectAnnouncementRequest { text: words, ..on_friday(&id, version) };
            assert_eq!(world.correct(correction).await.unwrap().version, version + 1, "{}", world.backend);
        }
        let listed = world.list(0, "").await.announcements;
        let texts: Vec<_> = listed.iter().map(|one| (one.id.as_str(), one.text.as_str())).collect();
        assert_eq!(texts[1], (id.as_str(), "Version 4"));
        assert_eq!((texts[0].0, listed[0].version), (other.as_str(), 1), "nothing else is touched");
        let versions: Vec<_> = world.said().await.iter().map(|event| event.version).collect();
        assert_eq!(versions, [1, 1, 2, 3, 4]);
        let audit = world.audit().await;
        let corrected = audit.iter().filter(|(_, rpc, _)| rpc == "CorrectAnnouncement");
        let whose: Vec<_> = corrected.map(|(who, _, whose)| (who.as_str(), whose.as_str())).collect();
        let named = serde_json::json!([named[0].to_string()]).to_string();
        assert_eq!(whose, [("person-7", named.as_str()); 3]);
    }
}

#[tokio::test]
async fn what_a_colleague_has_corrected_meanwhile_is_looked_at_again_first() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let id = world.send(museum(whole_school())).await.unwrap().announcement_id;
        world.correct(on_friday(&id, 1)).await.unwrap();
        let late = pb::CorrectAnnouncementRequest { text: "On Monday".to_owned(), ..on_friday(&id, 1) };
        for version in [1, 3, 0] {
            let late = pb::CorrectAnnouncementRequest { version, ..late.clone() };
            let refused = world.correct(late).await.unwrap_err();
            assert_eq!(refused.code(), Code::FailedPrecondition, "{}", world.backend);
            assert_eq!(reason(Err::<(), _>(refused)), "CORRECTED_MEANWHILE");
        }
        assert_eq!(world.said().await.len(), 2);
        let seen = pb::CorrectAnnouncementRequest { version: 2, ..late };
        assert_eq!(world.correct(seen).await.unwrap().version, 3);
    }
}

#[tokio::test]
async fn what_was_told_too_long_ago_is_corrected_no_more() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let id = world.send(museum(whole_school())).await.unwrap().announcement_id;
        world.clock.set(world.clock.now() + SignedDuration::from_hours(24 * 18));
        let refused = world.correct(on_friday(&id, 1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{}", world.backend);
        assert!(refused.message().contains("too old to be corrected"), "{refused:?}");
        assert_eq!(reason(Err::<(), _>(refused)), "TOO_OLD");
        assert_eq!(world.said().await.len(), 1);
    }
}

#[tokio::test]
async fn what_is_not_there_or_another_school_s_cannot_be_corrected_or_read() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let id = world.send(museum(whole_school())).await.unwrap().announcement_id;
        let unknown = AnnouncementId::generate().to_string();
        let refused = world.correct(on_friday(&unknown, 1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{}", world.backend);
        assert_eq!(reason(Err::<(), _>(refused)), "UNKNOWN_ANNOUNCEMENT");
        assert_eq!(reason(world.get(&unknown).await), "UNKNOWN_ANNOUNCEMENT");
        let theirs = request_of(Tenant::generate(), on_friday(&id, 1));
        assert_eq!(reason(sealed(world.api.correct_announcement(theirs).await)), "UNKNOWN_ANNOUNCEMENT");
        let message = pb::GetAnnouncementRequest { announcement_id: id };
        let theirs = request_of(Tenant::generate(), message);
        assert_eq!(reason(sealed(world.api.get_announcement(theirs).await)), "UNKNOWN_ANNOUNCEMENT");
        assert_eq!(world.said().await.len(), 1);
    }
}

#[tokio::test]
async fn a_fault_gives_its_own_reason_and_changes_nothing() {
    let world = World::each().await.remove(0);
    world.class(1, "Year 3");
    let id = world.send(museum(whole_school())).await.unwrap().announcement_id;
    let cases: [(Change, &str, &str); 10] = [
        (|sent| sent.request_id = "1".to_owned(), "INVALID_REQUEST_ID", "request_id"),
        (|sent| sent.announcement_id = "ann_1".to_owned(), "INVALID_ID", "announcement_id"),
        (|sent| sent.subject = "x".repeat(121), "TOO_LONG", "subject"),
        (|sent| sent.body = "x".repeat(10_001), "TOO_LONG", "body"),
        (|sent| sent.text = "x".repeat(460), "TOO_LONG", "text"),
        (|sent| sent.text = "Dear ((name))".to_owned(), "MARKUP", "text"),
        (|sent| sent.subject.clear(), "REQUIRED", "subject"),
        (|sent| sent.text.clear(), "REQUIRED", "text"),
        (
            |sent| {
                sent.subject.clear();
                sent.body.clear();
            },
            "REQUIRED",
            "body",
        ),
        (
            |sent| {
                let museum = museum(whole_school());
                (sent.body, sent.text) = (museum.body, museum.text);
            },
            "SAME_WORDS",
            "body",
        ),
    ];
    for (change, wanted, field) in cases {
        let mut message = on_friday(&id, 1);
        change(&mut message);
        let refused = world.correct(message).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wanted}");
        assert_eq!(reason(Err::<(), _>(refused.clone())), wanted);
        assert_eq!(fields(&refused), [field], "{wanted}");
    }
    assert_eq!(world.said().await.len(), 1);
    assert_eq!(world.get(&id).await.unwrap().version, 1);
}

#[tokio::test]
async fn the_same_request_corrects_once_and_without_the_directory_it_can_be_sent_again() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let id = world.send(museum(whole_school())).await.unwrap().announcement_id;
        let correction = on_friday(&id, 1);
        world.neighbours.directory.go_away();
        assert_eq!(reason(world.correct(correction.clone()).await), "DIRECTORY_UNAVAILABLE");
        world.neighbours.directory.come_back();
        let first = world.correct(correction.clone()).await.unwrap();
        assert_eq!(world.correct(correction.clone()).await.unwrap(), first, "{}", world.backend);
        let other = pb::CorrectAnnouncementRequest { text: "Something else".to_owned(), ..correction };
        assert_eq!(reason(world.correct(other).await), "REQUEST_ID_REUSED");
        assert_eq!(world.said().await.len(), 2);
    }
}

#[tokio::test]
async fn of_two_who_correct_the_same_together_one_is_told_to_look_again() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let id = world.send(museum(whole_school())).await.unwrap().announcement_id;
        let stores = world.test.replicas("messaging", MIGRATIONS).await;
        // Where there is one replica only, it is called twice.
        let replica = Api { store: stores.last().unwrap().clone(), ..world.api.clone() };
        let ask = |api: &Api| {
            let (api, request) = (api.clone(), world.request(on_friday(&id, 1)));
            async move { sealed(api.correct_announcement(request).await) }
        };
        let answers = futures::future::join_all([ask(&world.api), ask(&replica), ask(&world.api)]).await;
        let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), refused.len()), (1, 2), "{}: {refused:?}", world.backend);
        assert!(refused.into_iter().all(|refused| reason(refused) == "CORRECTED_MEANWHILE"));
        assert_eq!(world.said().await.len(), 2, "{}", world.backend);
    }
}
