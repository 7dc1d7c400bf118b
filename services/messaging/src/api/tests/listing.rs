//! What was sent can be looked at, newest first, by the school that sent it.

use kit::Tenant;
use kit::testing::answers::sealed;
use proto::messaging::v1 as pb;
use proto::messaging::v1::messaging_service_server::MessagingService;

use super::fixture::{World, museum, pupils, request_of, whole_school};

#[tokio::test]
async fn announcements_are_listed_newest_first_and_page_by_page() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let mut sent = Vec::new();
        for number in 1..=5 {
            let message =
                pb::SendAnnouncementRequest { text: format!("Number {number}"), ..museum(whole_school()) };
            sent.push(world.send(message).await.unwrap().announcement_id);
        }
        sent.reverse();
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = world.list(2, &token).await;
            assert!(page.announcements.len() <= 2);
            listed.extend(page.announcements.into_iter().map(|announcement| announcement.id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, sent, "{}", world.backend);
    }
}

#[tokio::test]
async fn an_announcement_is_listed_as_it_was_sent_with_who_sent_it() {
    for world in World::each().await {
        let (_, named) = world.class(2, "Year 3");
        let message = museum(pupils(&named[..1]));
        let answer = world.send(message.clone()).await.unwrap();
        let wanted = pb::Announcement {
            id: answer.announcement_id,
            audience: message.audience,
            subject: message.subject,
            body: message.body,
            text: message.text,
            sent_at: answer.sent_at,
            sent_by: "person-7".to_owned(),
            version: 1,
            ..pb::Announcement::default()
        };
        assert_eq!(world.get(&wanted.id).await.unwrap(), wanted, "{}", world.backend);
        let page = world.list(0, "").await;
        assert_eq!(page.announcements, [wanted], "{}", world.backend);
        let mut audit = world.audit().await;
        for looked in ["ListAnnouncements", "GetAnnouncement"] {
            let (_, rpc, subjects) = audit.pop().unwrap();
            assert_eq!(rpc, looked);
            assert_eq!(serde_json::from_str::<Vec<String>>(&subjects).unwrap(), [named[0].to_string()]);
        }
    }
}

#[tokio::test]
async fn another_school_sees_nothing_of_it() {
    for world in World::each().await {
        world.class(1, "Year 3");
        world.send(museum(whole_school())).await.unwrap();
        let request = request_of(Tenant::generate(), pb::ListAnnouncementsRequest::default());
        let page = sealed(world.api.list_announcements(request).await).unwrap();
        assert_eq!(page.announcements, [], "{}", world.backend);
    }
}
