//! What is sent is kept and said once, whole.

use kit::clock::to_proto;
use kit::testing::answers::{reason, sealed};
use proto::events::messaging::Letter;
use proto::events::scope::Scope;
use proto::messaging::v1 as pb;
use proto::messaging::v1::messaging_service_server::MessagingService;

use super::super::Api;
use super::fixture::{World, classes, museum, pupils, whole_school, year_groups};
use crate::store::MIGRATIONS;

#[tokio::test]
async fn an_announcement_is_said_with_its_audience_its_words_and_its_end() {
    for world in World::each().await {
        let (class_id, _) = world.class(3, "Year 3");
        world.class(2, "Year 4");
        let answer = world.send(museum(classes(&[class_id]))).await.unwrap();
        assert_eq!(answer.pupils, 3, "{}", world.backend);
        assert_eq!(answer.sent_at, Some(to_proto(world.clock.now())));
        let said = world.said().await;
        let [event] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!((&event.subject, event.version), (&answer.announcement_id, 1));
        assert_eq!((event.school, event.time), (world.school, world.clock.now()));
        assert_eq!(event.data.scope, Scope::Classes(vec![class_id]));
        let letter = Letter {
            subject: "Museum visit".to_owned(),
            body: "Dear families,\n\nplease send a packed lunch.".to_owned(),
        };
        assert_eq!(event.data.email, Some(letter));
        assert_eq!(
            event.data.text.as_deref(),
            Some("Please remember a packed lunch for the museum tomorrow.")
        );
        assert_eq!(event.data.tell_until.to_string(), "2026-11-28T00:00:00Z");
    }
}

#[tokio::test]
async fn every_kind_of_audience_is_counted() {
    for world in World::each().await {
        let (_, named) = world.class(3, "Year 3");
        world.class(2, "Year 4");
        for (scope, wanted) in [
            (whole_school(), 5),
            (year_groups(&["Year 4"]), 2),
            (year_groups(&["Year 4", "Year 3"]), 5),
            (pupils(&named[1..]), 2),
        ] {
            assert_eq!(world.send(museum(scope)).await.unwrap().pupils, wanted, "{}", world.backend);
        }
        let audit = world.audit().await;
        assert_eq!(audit.len(), 4);
        assert!(audit.iter().all(|(who, rpc, _)| who == "person-7" && rpc == "SendAnnouncement"));
        let subjects: Vec<String> = serde_json::from_str(&audit[3].2).unwrap();
        let mut named: Vec<_> = named[1..].iter().map(ToString::to_string).collect();
        named.sort_unstable();
        assert_eq!(subjects, named, "who is named one by one is written down");
    }
}

#[tokio::test]
async fn a_text_alone_and_an_email_alone_are_sent_alone() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let text = pb::SendAnnouncementRequest {
            subject: String::new(),
            body: String::new(),
            ..museum(whole_school())
        };
        let email = pb::SendAnnouncementRequest { text: "  ".to_owned(), ..museum(whole_school()) };
        world.send(text).await.unwrap();
        world.send(email).await.unwrap();
        let said = world.said().await;
        let parts: Vec<_> =
            said.iter().map(|event| (event.data.email.is_some(), event.data.text.is_some())).collect();
        assert_eq!(parts, [(false, true), (true, false)], "{}", world.backend);
    }
}

#[tokio::test]
async fn the_same_request_is_sent_once_and_answered_alike() {
    for world in World::each().await {
        world.class(2, "Year 3");
        let message = museum(whole_school());
        let first = world.send(message.clone()).await.unwrap();
        world.class(2, "Year 3");
        assert_eq!(world.send(message.clone()).await.unwrap(), first, "{}", world.backend);
        let other = pb::SendAnnouncementRequest { text: "Something else".to_owned(), ..message };
        assert_eq!(reason(world.send(other).await), "REQUEST_ID_REUSED");
        assert_eq!(world.said().await.len(), 1);
        assert_eq!(world.list(0, "").await.announcements.len(), 1);
    }
}

#[tokio::test]
async fn two_replicas_that_get_the_same_request_together_send_it_once() {
    for world in World::each().await {
        world.class(2, "Year 3");
        let stores = world.test.replicas("messaging", MIGRATIONS).await;
        // Where there is one replica only, it is called twice.
        let replica = Api { store: stores.last().unwrap().clone(), ..world.api.clone() };
        let message = museum(whole_school());
        let ask = |api: &Api| {
            let (api, request) = (api.clone(), world.request(message.clone()));
            async move { sealed(api.send_announcement(request).await).unwrap() }
        };
        let answers =
            futures::future::join_all([ask(&world.api), ask(&replica), ask(&world.api), ask(&replica)]).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{}: {answers:?}", world.backend);
        assert_eq!(world.said().await.len(), 1, "{}", world.backend);
    }
}

#[tokio::test]
async fn the_roll_of_the_largest_school_is_read_whole() {
    for world in World::each().await {
        world.class(1, &"ż".repeat(3 << 20));
        world.send(museum(whole_school())).await.unwrap();
    }
}
