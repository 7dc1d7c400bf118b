//! What cannot be taken is refused with a stable reason, all of it at once, and changes nothing.

use kit::testing::answers::{fields, reason};
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::ids::{ClassId, PupilId};
use tonic::Code;

use super::fixture::{AFTERNOON, World, fresh, register};

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(2);
        let (_, others) = world.class(1);
        let stranger = PupilId::generate();
        let marks = [
            (pupils[0], "/"),
            (pupils[0], "/"),
            (pupils[1], "H"),
            (others[0], "/"),
            (stranger, "N"),
            (pupils[1], "\\"),
        ];
        let refused = world.post(class_id, &marks).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let found = fields(&refused);
        assert_eq!(
            found,
            [
                "marks[1].pupil_id",
                "marks[2].code",
                "marks[3].pupil_id",
                "marks[4].pupil_id",
                "marks[5].code",
                "marks[5].pupil_id",
            ],
            "{}",
            world.backend
        );
        assert!(world.history(pupils[0]).await.is_empty(), "a refused register leaves nothing");
        assert!(!refused.message().contains(&stranger.to_string()));

        let bad = pb::PostRegisterRequest {
            class_id: "3B".to_owned(),
            date: "tomorrow".to_owned(),
            session: 9,
            marks: vec![pb::Mark { pupil_id: "x".to_owned(), code: "-".to_owned() }],
            ..register(class_id, &[])
        };
        let refused = world.api.post_register(world.request(bad)).await.unwrap_err();
        assert_eq!(fields(&refused), ["class_id", "date", "marks[0].code", "marks[0].pupil_id", "session"]);
    }
}

#[tokio::test]
async fn a_single_fault_gives_its_own_reason() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        let (_, others) = world.class(1);
        for (pupil_id, code, wanted) in [
            (pupils[0], "H", "WITHDRAWN_CODE"),
            (pupils[0], "I01", "UNKNOWN_CODE"),
            (pupils[0], "-", "NO_MARK"),
            (pupils[0], "\\", "WRONG_SESSION"),
            (others[0], "/", "NOT_IN_CLASS"),
            (PupilId::generate(), "/", "UNKNOWN_PUPIL"),
        ] {
            assert_eq!(reason(world.post(class_id, &[(pupil_id, code)]).await), wanted, "{code}");
        }
        assert_eq!(reason(world.post(class_id, &[]).await), "REQUIRED");
        assert_eq!(reason(world.post(class_id, &vec![(pupils[0], "/"); 61]).await), "TOO_MANY");
        let afternoon =
            pb::PostRegisterRequest { session: AFTERNOON, ..register(class_id, &[(pupils[0], "\\")]) };
        assert_eq!(reason(world.api.post_register(world.request(afternoon)).await), "FUTURE_SESSION");
        let short =
            pb::PostRegisterRequest { request_id: "1".to_owned(), ..register(class_id, &[(pupils[0], "/")]) };
        assert_eq!(reason(world.api.post_register(world.request(short)).await), "INVALID_REQUEST_ID");
        assert_eq!(reason(world.arrive(PupilId::generate()).await), "UNKNOWN_PUPIL");
        assert_eq!(reason(world.report(PupilId::generate(), "I", 0).await), "UNKNOWN_PUPIL");
        assert_eq!(reason(world.report(pupils[0], "/", 0).await), "NOT_A_REASON");
        let long = pb::ReportAbsenceRequest {
            request_id: fresh(),
            pupil_id: pupils[0].to_string(),
            date: super::fixture::TODAY.to_owned(),
            code: "I".to_owned(),
            note: "ż".repeat(501),
            ..Default::default()
        };
        assert_eq!(reason(world.api.report_absence(world.request(long)).await), "TOO_LONG");
    }
}

#[tokio::test]
async fn a_request_id_with_other_content_is_refused() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        let message = register(class_id, &[(pupils[0], "/")]);
        world.api.post_register(world.request(message.clone())).await.unwrap();
        let other = pb::PostRegisterRequest {
            request_id: message.request_id,
            ..register(class_id, &[(pupils[0], "N")])
        };
        assert_eq!(reason(world.api.post_register(world.request(other)).await), "REQUEST_ID_REUSED");
    }
}

#[tokio::test]
async fn without_the_directory_a_command_can_be_sent_again_later() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        let message = register(class_id, &[(pupils[0], "N")]);
        world.neighbours.directory.go_away();
        let refused = world.api.post_register(world.request(message.clone())).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(reason(Err::<(), _>(refused)), "DIRECTORY_UNAVAILABLE");
        assert_eq!(reason(world.close().await), "DIRECTORY_UNAVAILABLE");
        world.neighbours.directory.come_back();
        world.api.post_register(world.request(message)).await.unwrap();
        assert_eq!(world.open_cases().await.len(), 1, "{}", world.backend);
    }
}

#[tokio::test]
async fn an_answer_of_the_directory_that_makes_no_sense_decides_nothing() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.neighbours.directory.change(pupils[0], |pupil| pupil.class_id = "the oak class".to_owned());
        let refused = world.post(class_id, &[(pupils[0], "N")]).await;
        assert_eq!(reason(refused), "DIRECTORY_UNAVAILABLE", "{}", world.backend);
        assert!(world.open_cases().await.is_empty());
    }
}

#[tokio::test]
async fn a_school_without_a_roster_is_told_so_and_not_to_try_again() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.neighbours.directory.have_no_roster();
        let refused = world.post(class_id, &[(pupils[0], "N")]).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{}", world.backend);
        assert_eq!(reason(Err::<(), _>(refused)), "NO_ROSTER");
        assert_eq!(reason(world.close().await), "NO_ROSTER");
        assert_eq!(reason(world.report(pupils[0], "I", 0).await), "NO_ROSTER");
        assert_eq!(reason(world.arrive(pupils[0]).await), "NO_ROSTER");
    }
}

#[tokio::test]
async fn a_class_that_nobody_is_in_takes_no_marks() {
    for world in World::each().await {
        let (_, pupils) = world.class(1);
        let refused = world.post(ClassId::generate(), &[(pupils[0], "/")]).await;
        assert_eq!(reason(refused), "NOT_IN_CLASS");
    }
}
