//! What cannot be taken is refused with a stable reason, all of it at once, and changes nothing.

use kit::testing::answers::{fields, reason};
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::ids::{ClassId, PupilId};
use proto::messaging::v1 as pb;
use tonic::Code;

use super::fixture::{World, classes, museum, pupils, whole_school, year_groups};

type Change = fn(&mut pb::SendAnnouncementRequest);

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once_and_nothing_is_sent() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let bad = pb::SendAnnouncementRequest {
            audience: Some(directory::Audience {
                scope: Some(Scope::Classes(directory::Classes {
                    class_ids: vec![ClassId::generate().to_string(), "3B".to_owned(), "3C".to_owned()],
                })),
            }),
            subject: "one\ntwo".to_owned(),
            body: "bell \u{7}".to_owned(),
            text: "x".repeat(460),
            ..museum(whole_school())
        };
        let wanted =
            ["audience.classes.class_ids[1]", "audience.classes.class_ids[2]", "body", "subject", "text"];
        let refused = world.send(bad).await.unwrap_err();
        assert!(!format!("{refused:?}").contains("3B"), "what was sent is not repeated");
        assert_eq!(fields(&refused), wanted, "{}", world.backend);
        assert_eq!(world.said().await, []);
        assert_eq!(world.list(0, "").await.announcements, []);
    }
}

#[tokio::test]
async fn a_single_fault_gives_its_own_reason() {
    let world = World::each().await.remove(0);
    world.class(1, "Year 3");
    let cases: [(Change, &str, &str); 15] = [
        (|sent| sent.request_id = "1".to_owned(), "INVALID_REQUEST_ID", "request_id"),
        (|sent| sent.audience = None, "AUDIENCE_EMPTY", "audience"),
        (|sent| sent.subject = "x".repeat(121), "TOO_LONG", "subject"),
        (|sent| sent.subject = " ".to_owned(), "REQUIRED", "subject"),
        (|sent| sent.subject = "a\tb".to_owned(), "CONTROL_CHARACTERS", "subject"),
        (|sent| sent.subject = "Trip {{name}}".to_owned(), "MARKUP", "subject"),
        (|sent| sent.body = "x".repeat(10_001), "TOO_LONG", "body"),
        (|sent| sent.body = "a\0b".to_owned(), "CONTROL_CHARACTERS", "body"),
        (|sent| sent.body = "see <a href=x>".to_owned(), "MARKUP", "body"),
        (|sent| sent.body = String::new(), "REQUIRED", "body"),
        (|sent| sent.text = "x".repeat(460), "TOO_LONG", "text"),
        (|sent| sent.text = "two\n\nparagraphs".to_owned(), "CONTROL_CHARACTERS", "text"),
        (|sent| sent.text = "\u{202e}gnihton".to_owned(), "MARKUP", "text"),
        (|sent| sent.text = "Dear ((name))".to_owned(), "MARKUP", "text"),
        (
            |sent| {
                sent.subject.clear();
                sent.body.clear();
                sent.text.clear();
            },
            "NOTHING_TO_SEND",
            "body",
        ),
    ];
    for (change, wanted, field) in cases {
        let mut message = museum(whole_school());
        change(&mut message);
        let refused = world.send(message).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(reason(Err::<(), _>(refused.clone())), wanted);
        assert_eq!(fields(&refused), [field], "{wanted}");
    }
}

#[tokio::test]
async fn the_longest_words_are_taken() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let message = pb::SendAnnouncementRequest {
            subject: "ż".repeat(120),
            body: "🎒".repeat(10_000),
            text: "x".repeat(459),
            ..museum(whole_school())
        };
        world.send(message).await.unwrap();
        let said = world.said().await;
        assert_eq!(said[0].data.text.as_ref().map(String::len), Some(459), "{}", world.backend);
    }
}

#[tokio::test]
async fn a_class_that_matches_nobody_is_named_and_nothing_is_sent() {
    for world in World::each().await {
        let (class_id, known) = world.class(2, "Year 3");
        for (scope, wanted, field) in [
            (classes(&[class_id, ClassId::generate()]), "UNKNOWN_CLASS", "audience.classes.class_ids[1]"),
            (
                year_groups(&["Year 33", "Year 3"]),
                "UNKNOWN_YEAR_GROUP",
                "audience.year_groups.year_groups[0]",
            ),
            (
                pupils(&[known[0], PupilId::generate(), known[1]]),
                "UNKNOWN_PUPIL",
                "audience.pupils.pupil_ids[1]",
            ),
            (classes(&[ClassId::generate()]), "AUDIENCE_EMPTY", "audience.classes.class_ids[0]"),
            (classes(&[]), "AUDIENCE_EMPTY", "audience.classes.class_ids"),
            (pupils(&[]), "AUDIENCE_EMPTY", "audience.pupils.pupil_ids"),
            (year_groups(&["Year 3"; 1_001]), "TOO_MANY", "audience.year_groups.year_groups"),
        ] {
            let refused = world.send(museum(scope)).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{wanted}");
            assert_eq!(reason(Err::<(), _>(refused.clone())), wanted, "{}", world.backend);
            assert_eq!(fields(&refused), [field]);
        }
        assert_eq!(world.said().await, []);
    }
}

#[tokio::test]
async fn a_school_without_pupils_has_nobody_to_tell() {
    for world in World::each().await {
        assert_eq!(reason(world.send(museum(whole_school())).await), "AUDIENCE_EMPTY", "{}", world.backend);
        world.neighbours.directory.have_no_roster();
        let refused = world.send(museum(whole_school())).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(Err::<(), _>(refused)), "NO_ROSTER");
    }
}

#[tokio::test]
async fn an_answer_of_the_directory_that_makes_no_sense_decides_nothing() {
    for world in World::each().await {
        let (_, pupils) = world.class(1, "Year 3");
        world.neighbours.directory.change(pupils[0], |pupil| pupil.pupil_id = "Amy".to_owned());
        let refused = world.send(museum(whole_school())).await;
        assert_eq!(reason(refused), "DIRECTORY_UNAVAILABLE", "{}", world.backend);
        assert_eq!(world.said().await, []);
    }
}

#[tokio::test]
async fn without_the_directory_an_announcement_can_be_sent_again_later() {
    for world in World::each().await {
        world.class(1, "Year 3");
        let message = museum(whole_school());
        world.neighbours.directory.go_away();
        let refused = world.send(message.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{}", world.backend);
        assert_eq!(reason(Err::<(), _>(refused)), "DIRECTORY_UNAVAILABLE");
        assert_eq!(world.said().await, []);
        world.neighbours.directory.come_back();
        world.send(message).await.unwrap();
        assert_eq!(world.said().await.len(), 1);
    }
}
