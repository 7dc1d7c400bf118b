//! What cannot be taken is refused with a stable reason, all of it at once, and changes nothing.

use kit::testing::answers::{fields, reason};
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::ids::PupilId;
use proto::scheduling::v1 as pb;
use tonic::Code;

use super::fixture::{TODAY, TOMORROW, World, change, closure, whole_school, years};

fn valid() -> pb::DeclareClosureRequest {
    closure(whole_school(), TODAY, TODAY)
}

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    for world in World::each().await {
        let bad = pb::DeclareClosureRequest {
            audience: None,
            first_day: "today".to_owned(),
            last_day: "2026-11-31".to_owned(),
            from: 7,
            reason: "<b>Closed</b>".to_owned(),
            collection: "x".repeat(301),
            ..valid()
        };
        let refused = world.declare(bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let every = ["audience", "collection", "first_day", "from", "last_day", "reason"];
        assert_eq!(fields(&refused), every, "{}", world.backend);
        assert!(!format!("{refused:?}").contains("<b>"), "what was sent is not repeated");
        let bad = pb::ChangeClosureRequest {
            last_day: Some("soon".to_owned()),
            reason: Some(" ".to_owned()),
            collection: Some("`".to_owned()),
            ..change("clo_1")
        };
        let refused = world.change(bad).await.unwrap_err();
        assert_eq!(fields(&refused), ["closure_id", "collection", "last_day", "reason"]);
        assert!(world.names().await.is_empty() && world.audit().await.is_empty());
    }
}

#[tokio::test]
async fn words_are_words_and_nothing_else() {
    for world in World::each().await {
        for (text, wanted) in [
            ("", "REQUIRED"),
            ("  ", "REQUIRED"),
            (".", "REQUIRED"),
            ("2026!", "REQUIRED"),
            ("((name))", "MARKUP"),
            ("{% if %}", "MARKUP"),
            ("{# x #}", "MARKUP"),
            ("\u{202e}won\u{202c}", "MARKUP"),
            ("<script>", "MARKUP"),
            ("see https://example.com", "MARKUP"),
            ("see HTTP://example.com", "MARKUP"),
            ("{{ school }}", "MARKUP"),
            ("[open](x)", "MARKUP"),
            ("`boiler`", "MARKUP"),
            ("two\nlines", "CONTROL_CHARACTERS"),
            (&"ż".repeat(161), "TOO_LONG"),
        ] {
            let message = pb::DeclareClosureRequest { reason: text.to_owned(), ..valid() };
            assert_eq!(reason(world.declare(message).await), wanted, "{text:?} on {}", world.backend);
        }
        let link = pb::DeclareClosureRequest { collection: "http://example.com".to_owned(), ..valid() };
        assert_eq!(reason(world.declare(link).await), "MARKUP");
        let longest =
            pb::DeclareClosureRequest { reason: "ż".repeat(160), collection: "ż".repeat(300), ..valid() };
        world.declare(longest).await.unwrap();
    }
}

#[tokio::test]
async fn days_that_cannot_be_closed_are_refused() {
    for world in World::each().await {
        for (first, last, wanted) in [
            ("2026-11-23", "2026-11-24", "PAST_CLOSURE"),
            ("2026-11-25", "2026-11-24", "ENDS_BEFORE_IT_STARTS"),
            ("2026-11-24", "2026-12-25", "TOO_LONG"),
            ("2026-11-28", "2026-11-30", "NOT_A_SCHOOL_DAY"),
            ("2027-05-03", "2027-05-03", "NOT_A_SCHOOL_DAY"),
            ("2026-12-21", "2026-12-21", "OUTSIDE_TERM"),
        ] {
            assert_eq!(reason(world.close(first, last).await), wanted, "{first} to {last}");
        }
        world.at("2026-11-24T15:20");
        assert_eq!(reason(world.close(TODAY, TODAY).await), "PAST_CLOSURE", "{}", world.backend);
        world.at("2026-11-24T15:19");
        let closure_id = world.close(TODAY, TODAY).await.unwrap();
        assert_eq!(reason(world.extend(&closure_id, "2026-11-23").await), "ENDS_BEFORE_IT_STARTS");
        assert_eq!(reason(world.extend(&closure_id, "2026-12-25").await), "TOO_LONG");
        world.at("2026-11-25T08:00");
        let words = pb::ChangeClosureRequest { reason: Some("Ice".to_owned()), ..change(&closure_id) };
        assert_eq!(reason(world.change(words).await), "PAST_DAY");
        world.at("2026-11-25T10:00");
        let refused = world.extend(&closure_id, "2026-11-25").await.unwrap_err();
        assert_eq!(fields(&refused), ["last_day"], "{}", world.backend);
        assert!(refused.message().ends_with("declare another closure"));
        assert_eq!(reason(Err::<(), _>(refused)), "PAST_CLOSURE", "the school is open since the morning");
        world.close("2026-11-25", "2026-11-25").await.unwrap();
    }
}

#[tokio::test]
async fn a_closure_is_never_about_single_pupils_or_nobody() {
    for world in World::each().await {
        let pupils =
            |pupil_ids| directory::Audience { scope: Some(Scope::Pupils(directory::Pupils { pupil_ids })) };
        let class_ids = vec!["3B".to_owned()];
        let misnamed = directory::Audience { scope: Some(Scope::Classes(directory::Classes { class_ids })) };
        for (audience, wanted) in [
            (pupils(vec![PupilId::generate().to_string()]), "PUPILS_NOT_TAKEN"),
            (pupils(Vec::new()), "PUPILS_NOT_TAKEN"),
            (years(&[]), "AUDIENCE_EMPTY"),
            (years(&[" "]), "AUDIENCE_EMPTY"),
            (years(&["3"; 101]), "TOO_MANY"),
            (misnamed, "INVALID_ID"),
        ] {
            let answer = world.declare(closure(audience.clone(), TODAY, TODAY)).await;
            assert_eq!(reason(answer), wanted, "{audience:?} on {}", world.backend);
        }
    }
}

#[tokio::test]
async fn an_answer_of_the_directory_that_makes_no_sense_decides_nothing() {
    for world in World::each().await {
        world.neighbours.directory.change_school(|school| school.terms[0].first_day = "in autumn".to_owned());
        assert_eq!(reason(world.declare(valid()).await), "DIRECTORY_UNAVAILABLE", "{}", world.backend);
        assert_eq!(world.said().await, []);
    }
}

#[tokio::test]
async fn without_the_directory_nothing_is_decided_and_nothing_is_lost() {
    for world in World::each().await {
        let closure_id = world.close(TOMORROW, TOMORROW).await.unwrap();
        let message = valid();
        world.neighbours.directory.go_away();
        let refused = world.declare(message.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{}", world.backend);
        for wanted in [
            reason(Err::<(), _>(refused)),
            reason(world.extend(&closure_id, "2026-11-26").await),
            reason(world.end(&closure_id, "").await),
            reason(world.set(TODAY, pb::NonSchoolDay::Inset).await),
            reason(world.calendar(TODAY, TODAY).await),
            reason(world.count(TODAY, 1).await),
        ] {
            assert_eq!(wanted, "DIRECTORY_UNAVAILABLE");
        }
        assert_eq!(world.list("", "").await.len(), 1, "what is known is listed all the same");
        world.neighbours.directory.come_back();
        world.declare(message).await.unwrap();
    }
}

#[tokio::test]
async fn a_school_without_a_roster_is_told_so_and_not_to_try_again() {
    for world in World::each().await {
        world.neighbours.directory.have_no_roster();
        let refused = world.declare(valid()).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{}", world.backend);
        assert_eq!(reason(Err::<(), _>(refused)), "NO_ROSTER");
        assert_eq!(reason(world.calendar(TODAY, TODAY).await), "NO_ROSTER");
        assert_eq!(reason(world.count(TODAY, 1).await), "NO_ROSTER");
        assert_eq!(reason(world.set(TODAY, pb::NonSchoolDay::Inset).await), "NO_ROSTER");
    }
}
