//! What comes after an `N`, or before it: a reason from home, an arrival, an explanation.

use kit::testing::answers::{reason, sealed};
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::ids::{CaseId, PupilId};

use super::fixture::{MORNING, Said, World, fresh, register};

fn fact(name: &str, pupil_id: PupilId, version: u64) -> Said {
    (name.to_owned(), pupil_id.to_string(), version)
}

#[tokio::test]
async fn a_reason_that_came_first_opens_no_case() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        assert!(world.report(pupils[0], "I", 0).await.unwrap().case_ids.is_empty());
        let posted = world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        assert_eq!(posted.cases_opened, 0);
        assert_eq!(world.close().await.unwrap().announced, 0);
        assert!(world.said().await.is_empty());
        let history = world.history(pupils[0]).await;
        let last = history.last().unwrap();
        assert_eq!((last.1.as_deref(), last.2.as_str()), (Some("I"), "PostRegister"), "{}", world.backend);
    }
}

#[tokio::test]
async fn a_reason_before_the_close_closes_the_case_in_silence_and_after_it_is_said() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(2);
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "N")]).await.unwrap();
        assert_eq!(world.report(pupils[0], "M", MORNING).await.unwrap().case_ids.len(), 1);
        world.close().await.unwrap();
        assert_eq!(world.report(pupils[1], "I", 0).await.unwrap().case_ids.len(), 1);
        assert_eq!(
            world.said().await,
            [fact("unexplained", pupils[1], 2), fact("explained", pupils[1], 3)],
            "{}",
            world.backend
        );
        assert!(world.open_cases().await.is_empty());
    }
}

#[tokio::test]
async fn an_arrival_is_l_before_the_close_and_u_after_it_and_corrects_what_was_told() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(3);
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "N"), (pupils[2], "/")]).await.unwrap();
        let early = world.arrive(pupils[0]).await.unwrap();
        assert_eq!((early.code.as_str(), early.case_id.is_empty()), ("L", false));
        world.close().await.unwrap();
        let late = world.arrive(pupils[1]).await.unwrap();
        assert_eq!((late.code.as_str(), late.case_id.is_empty()), ("U", false));
        let present = world.arrive(pupils[2]).await.unwrap();
        assert_eq!((present.code.as_str(), present.case_id.as_str()), ("/", ""));
        assert_eq!(
            world.said().await,
            [fact("unexplained", pupils[1], 2), fact("arrived", pupils[1], 3)],
            "{}",
            world.backend
        );
    }
}

#[tokio::test]
async fn an_open_case_is_explained_once() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.close().await.unwrap();
        let case_id = world.open_cases().await[0].id.clone();
        for (code, wanted) in
            [("N", "NOT_A_REASON"), ("/", "NOT_A_REASON"), ("H", "WITHDRAWN_CODE"), ("I01", "UNKNOWN_CODE")]
        {
            assert_eq!(reason(world.explain(&case_id, code).await), wanted, "{code}");
        }
        // The next day is early enough: the reason is due within five school days.
        world.clock.set("2026-11-25T10:00:00Z".parse().unwrap());
        let case = world.explain(&case_id, "I").await.unwrap().case.unwrap();
        assert_eq!((case.version, case.announced_at.is_some()), (3, true));
        assert_eq!(world.said().await.last().unwrap(), &fact("explained", pupils[0], 3));
        assert_eq!(reason(world.explain(&case_id, "M").await), "CASE_CLOSED");
        let unknown = CaseId::generate().to_string();
        assert_eq!(reason(world.explain(&unknown, "I").await), "UNKNOWN_CASE");
    }
}

#[tokio::test]
async fn a_report_may_come_for_a_later_school_day() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        let report = |date: &str| {
            let message = pb::ReportAbsenceRequest {
                request_id: fresh(),
                pupil_id: pupils[0].to_string(),
                date: date.to_owned(),
                code: "M".to_owned(),
                ..Default::default()
            };
            let request = world.request(message);
            async { sealed(world.api.report_absence(request).await) }
        };
        report("2026-11-25").await.unwrap();
        for (date, wanted) in [
            ("2026-11-23", "PAST_SESSION"),
            ("2026-11-29", "NOT_A_SCHOOL_DAY"),
            ("2027-01-05", "OUTSIDE_TERM"),
        ] {
            assert_eq!(reason(report(date).await), wanted, "{date}");
        }
        world.clock.set("2026-11-25T08:55:00Z".parse().unwrap());
        let mut message = register(class_id, &[(pupils[0], "N")]);
        message.date = "2026-11-25".to_owned();
        let request = world.request(message);
        let posted = world.api.post_register(request).await;
        assert_eq!(sealed(posted).unwrap().cases_opened, 0, "{}", world.backend);
    }
}
