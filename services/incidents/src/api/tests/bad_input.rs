//! What cannot be taken is refused with a stable reason, all of it at once, and changes nothing.

use kit::Tenant;
use kit::testing::answers::{fields, reason};
use proto::ids::{AccidentId, PupilId};
use proto::incidents::v1 as pb;
use proto::incidents::v1::incidents_service_server::IncidentsService;
use tonic::Code;

use super::fixture::{ELEVEN, World, amend, fresh, grazed_knee, instant, record, request_of};

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    for world in World::each().await {
        let bad = pb::RecordAccidentRequest {
            request_id: fresh(),
            pupil_id: "Amy".to_owned(),
            account: Some(pb::Account {
                kind: 9,
                what: " ".to_owned(),
                place: "ż".repeat(101),
                happened_at: None,
                first_aid: String::new(),
                no_first_aid_because: String::new(),
                first_aider: "Mrs\nOkafor".to_owned(),
                names_checked: false,
            }),
        };
        let refused = world.api.record_accident(world.request(bad)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let found = fields(&refused);
        assert_eq!(
            found,
            [
                "account.first_aid",
                "account.first_aider",
                "account.happened_at",
                "account.kind",
                "account.place",
                "account.what",
                "pupil_id",
            ],
            "{}",
            world.backend
        );
        let bad = pb::AmendAccidentRequest { why: String::new(), account: None, ..amend("x", grazed_knee()) };
        let refused = world.api.amend_accident(world.request(bad)).await.unwrap_err();
        assert_eq!(fields(&refused), ["accident_id", "account", "why"]);
    }
}

#[tokio::test]
async fn a_single_fault_gives_its_own_reason_in_a_record_and_in_an_amendment() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        world.pupil("Ben");
        let standing = world.record(amy, grazed_knee()).await.unwrap();
        let text = |text: &str| text.to_owned();
        let good = grazed_knee;
        for (account, wanted) in [
            (pb::Account { kind: 0, ..good() }, "REQUIRED"),
            (pb::Account { kind: 3, ..good() }, "UNKNOWN_KIND"),
            (pb::Account { what: text(""), ..good() }, "REQUIRED"),
            (pb::Account { what: "ż".repeat(501), ..good() }, "TOO_LONG"),
            (pb::Account { what: text("fell\u{7}"), ..good() }, "CONTROL_CHARACTERS"),
            (pb::Account { what: text("<b>fell</b>"), ..good() }, "MARKUP"),
            (pb::Account { place: text("((place))"), ..good() }, "MARKUP"),
            (pb::Account { first_aid: text("{{ice}}"), ..good() }, "MARKUP"),
            (
                pb::Account { first_aid: text(""), no_first_aid_because: text("\u{202e}kram on"), ..good() },
                "MARKUP",
            ),
            (pb::Account { place: text("the\nhall"), ..good() }, "CONTROL_CHARACTERS"),
            (pb::Account { place: text(""), ..good() }, "REQUIRED"),
            (pb::Account { first_aid: "ż".repeat(501), ..good() }, "TOO_LONG"),
            (pb::Account { first_aid: text(" "), ..good() }, "FIRST_AID_REQUIRED"),
            (pb::Account { no_first_aid_because: text("no mark"), ..good() }, "FIRST_AID_CONTRADICTION"),
            (pb::Account { first_aider: text(""), ..good() }, "REQUIRED"),
            (pb::Account { happened_at: None, ..good() }, "REQUIRED"),
            (
                pb::Account {
                    happened_at: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
                    ..good()
                },
                "INVALID_TIME",
            ),
            (
                pb::Account { happened_at: Some(instant("2026-11-24T11:02:01Z")), ..good() },
                "HAPPENED_IN_FUTURE",
            ),
            (pb::Account { happened_at: Some(instant("2026-11-10T10:59:59Z")), ..good() }, "TOO_LONG_AGO"),
            (pb::Account { what: text("Pushed by BEN"), ..good() }, "NAMES_ANOTHER_PUPIL"),
        ] {
            assert_eq!(reason(world.record(amy, account.clone()).await), wanted, "{}", world.backend);
            assert_eq!(reason(world.amend(&standing.accident_id, account).await), wanted);
        }
        let no_reason = pb::AmendAccidentRequest { why: text(" "), ..amend(&standing.accident_id, good()) };
        assert_eq!(reason(world.api.amend_accident(world.request(no_reason)).await), "REQUIRED");
        let short = pb::RecordAccidentRequest { request_id: text("1"), ..record(amy, good()) };
        assert_eq!(reason(world.api.record_accident(world.request(short)).await), "INVALID_REQUEST_ID");
        assert_eq!((world.said().await.len(), world.history().await.len()), (1, 1), "all else left nothing");
        let in_lines = pb::Account { what: text("Fell.\nA graze, <5 cm."), ..good() };
        world.amend(&standing.accident_id, in_lines).await.unwrap();
        let two_minutes_ahead = pb::Account { happened_at: Some(instant("2026-11-24T11:02:00Z")), ..good() };
        world.record(amy, two_minutes_ahead).await.unwrap();
    }
}

#[tokio::test]
async fn another_childs_name_is_never_repeated_and_a_person_may_vouch_for_a_word() {
    for world in World::each().await {
        let rose = world.pupil("Rose-Anne");
        world.pupil("Will");
        let account = pb::Account {
            what: "rose anne will be fine".to_owned(),
            first_aid: "ice; she rests until WILL's break".to_owned(),
            ..grazed_knee()
        };
        let refused = world.record(rose, account.clone()).await.unwrap_err();
        assert_eq!(fields(&refused), ["account.first_aid", "account.what"]);
        let told = format!("{refused:?} {}", String::from_utf8_lossy(refused.details())).to_lowercase();
        assert!(!told.contains("will"), "{told}");
        let checked = pb::Account { names_checked: true, ..account };
        world.record(rose, checked.clone()).await.unwrap();
        assert_eq!(world.standing().await.remove(0).account, Some(checked), "that it was checked is kept");
    }
}

#[tokio::test]
async fn pupils_and_accidents_of_elsewhere_are_unknown() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        assert_eq!(reason(world.record(PupilId::generate(), grazed_knee()).await), "UNKNOWN_PUPIL");
        let refused = world.amend(&AccidentId::generate().to_string(), grazed_knee()).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        assert_eq!(reason(Err::<(), _>(refused)), "UNKNOWN_ACCIDENT");
        let recorded = world.record(amy, grazed_knee()).await.unwrap();
        let elsewhere = request_of(Tenant::generate(), amend(&recorded.accident_id, grazed_knee()));
        assert_eq!(reason(world.api.amend_accident(elsewhere).await), "UNKNOWN_ACCIDENT");
        assert_eq!(world.standing().await.remove(0).version, 1, "{}", world.backend);
        world.neighbours.directory.remove(amy);
        assert_eq!(reason(world.record(amy, grazed_knee()).await), "UNKNOWN_PUPIL");
        world.amend(&recorded.accident_id, grazed_knee()).await.unwrap();
    }
}

#[tokio::test]
async fn without_the_directory_a_command_can_be_sent_again_later() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let message = record(amy, grazed_knee());
        world.neighbours.directory.go_away();
        let refused = world.api.record_accident(world.request(message.clone())).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(reason(Err::<(), _>(refused)), "DIRECTORY_UNAVAILABLE");
        world.neighbours.directory.come_back();
        let recorded = world.api.record_accident(world.request(message)).await.unwrap().into_inner();
        assert_eq!(recorded.recorded_at, Some(instant(ELEVEN)), "{}", world.backend);
        world.neighbours.directory.go_away();
        let refused = world.amend(&recorded.accident_id, grazed_knee()).await;
        assert_eq!(reason(refused), "DIRECTORY_UNAVAILABLE");
        assert_eq!(world.standing().await.len(), 1, "a list needs no directory");
    }
}

#[tokio::test]
async fn an_answer_of_the_directory_that_makes_no_sense_decides_nothing() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        world.neighbours.directory.change_school(|school| school.time_zone = "Elm Park".to_owned());
        let refused = world.record(amy, grazed_knee()).await;
        assert_eq!(reason(refused), "DIRECTORY_UNAVAILABLE", "{}", world.backend);
        assert!(world.standing().await.is_empty());
    }
}

#[tokio::test]
async fn a_school_without_a_roster_is_told_so_and_not_to_try_again() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        world.neighbours.directory.have_no_roster();
        let refused = world.record(amy, grazed_knee()).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{}", world.backend);
        assert_eq!(reason(Err::<(), _>(refused)), "NO_ROSTER");
    }
}

#[tokio::test]
async fn the_roll_of_the_largest_school_is_read_whole() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        world.pupil(&"ż".repeat(3 << 20));
        world.record(amy, grazed_knee()).await.unwrap();
    }
}
