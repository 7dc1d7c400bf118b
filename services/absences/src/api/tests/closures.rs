//! A closure of the school: nobody is missed from it, and nobody who was missing before is forgotten.

use std::time::Duration;

use kit::testing::answers::{reason, sealed};
use kit::testing::eventually;
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::events::absences::Session;
use proto::events::scheduling::{Closure, ClosureChanged, ClosureDeclared, ClosureEnded};
use proto::events::scope::Scope;
use proto::ids::{ClosureId, PupilId};
use proto::scheduling::v1::Session::{Afternoon, Morning};
use tonic::Code;

use super::fixture::{AFTERNOON, TODAY, World, close};
use crate::closures::Looked;
use crate::store::read::CloseAt;

const ALL_DAY: (&str, &str) = (TODAY, TODAY);

fn closure(scope: Scope) -> Closure {
    let today = TODAY.parse().unwrap();
    Closure {
        scope,
        first_day: today,
        from: Session::Morning,
        last_day: today,
        reason: "The heating has failed".to_owned(),
        collection: None,
        tell_until: "2026-11-25T00:00:00Z".parse().unwrap(),
    }
}

async fn hears_declared(world: &World, id: ClosureId) {
    let fact = ClosureDeclared { closure: closure(Scope::WholeSchool) };
    world.hears(&id.to_string(), 1, fact).await;
}

async fn hears_ended(world: &World, id: ClosureId, version: u64) {
    let today = TODAY.parse().unwrap();
    let fact = ClosureEnded {
        scope: Scope::WholeSchool,
        open_on: today,
        not_closed_from: today,
        tell_until: "2026-11-25T00:00:00Z".parse().unwrap(),
    };
    world.hears(&id.to_string(), version, fact).await;
}

async fn last_code(world: &World, pupil_id: PupilId) -> String {
    world.history(pupil_id).await.pop().unwrap().1.unwrap()
}

async fn names(world: &World) -> Vec<String> {
    world.said().await.into_iter().map(|said| said.0).collect()
}

#[tokio::test]
async fn the_register_of_a_closed_school_is_neither_posted_nor_closed_and_nobody_is_missed() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(3);
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "/")]).await.unwrap();
        world.timetable.close(&Scope::WholeSchool, Morning, ALL_DAY);
        let refused = world.post(class_id, &[(pupils[2], "N")]).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(Err::<(), _>(refused)), "SCHOOL_CLOSED");
        assert_eq!(reason(world.close().await), "SCHOOL_CLOSED");

        world.at("09:15");
        world.closer.close_due(CloseAt::RegisterTime).await;
        world.closer.close_unposted(CloseAt::RegisterTime).await;
        world.at("13:20");
        world.closer.close_unposted(CloseAt::RegisterTime).await;
        assert!(world.said().await.is_empty() && world.tasks().await.is_empty(), "{}", world.backend);
        assert!(world.open_cases().await.is_empty());
        assert_eq!(last_code(&world, pupils[0]).await, "Y4");
        assert_eq!(last_code(&world, pupils[1]).await, "/", "whoever came, came");

        let asked = world.timetable.asked();
        world.closer.close_due(CloseAt::RegisterTime).await;
        world.closer.close_unposted(CloseAt::RegisterTime).await;
        assert_eq!(world.timetable.asked(), asked, "what is closed is not asked for again");
        assert!(world.arrive(pupils[2]).await.is_ok(), "a child who comes in spite of it is written down");
        assert!(world.report(pupils[0], "I", 0).await.is_ok());
    }
}

#[tokio::test]
async fn nobody_is_missed_from_a_closed_class_or_year_group_and_the_others_are() {
    for world in World::each().await {
        let (open, pupils) = world.class(1);
        let (closed, shut) = world.class(2);
        let infants = proto::ids::ClassId::generate();
        let infant = world.neighbours.directory.add_to(infants, "R");
        world.timetable.close(&Scope::Classes(vec![closed]), Morning, ALL_DAY);
        world.timetable.close(&Scope::YearGroups(vec!["R".into()]), Morning, ALL_DAY);
        world.post(open, &[(pupils[0], "N")]).await.unwrap();
        let posted = world.post(closed, &[(shut[0], "N")]).await.unwrap();
        assert_eq!((posted.cases_opened, posted.pupils_without_mark.len()), (0, 0), "{}", world.backend);
        assert_eq!(last_code(&world, shut[0]).await, "Y3");
        let answer = world.close().await.unwrap();
        assert_eq!((answer.announced, answer.person_only), (1, 0));
        assert!(answer.classes_without_register.is_empty() && answer.pupils_without_mark.is_empty());
        assert!(world.tasks().await.is_empty());
        assert_eq!(world.said().await, [("unexplained".to_owned(), pupils[0].to_string(), 2)]);
        world.post(infants, &[(infant, "N")]).await.unwrap();
        assert_eq!(world.said().await.len(), 1, "nor after the close");
    }
}

#[tokio::test]
async fn a_closure_that_begins_at_noon_never_ends_the_follow_up_of_the_morning() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.close().await.unwrap();
        world.at("10:30");
        let id = world.timetable.close(&Scope::WholeSchool, Afternoon, ALL_DAY);
        hears_declared(&world, id).await;
        assert_eq!(world.closer.end_covered().await, Looked::Everywhere);
        assert_eq!(world.open_cases().await.len(), 1, "{}: still missing", world.backend);
        assert_eq!(names(&world).await, ["unexplained"]);
        world.at("13:05");
        let afternoon = pb::PostRegisterRequest {
            session: AFTERNOON,
            ..super::fixture::register(class_id, &[(pupils[0], "N")])
        };
        let refused = world.api.post_register(world.request(afternoon)).await;
        assert_eq!(reason(refused), "SCHOOL_CLOSED");
        assert_eq!(reason(world.api.close_register(world.request(close(AFTERNOON))).await), "SCHOOL_CLOSED");
    }
}

#[tokio::test]
async fn a_closure_ends_the_cases_that_it_covers_and_leaves_a_persons_task_to_the_person() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(2);
        world.neighbours.directory.change(pupils[1], |pupil| pupil.person_only = true);
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "N")]).await.unwrap();
        world.close().await.unwrap();
        let id = world.timetable.close(&Scope::WholeSchool, Morning, ALL_DAY);
        for _ in 0..2 {
            hears_declared(&world, id).await;
            assert_eq!(world.closer.end_covered().await, Looked::Everywhere);
        }
        let pupil = pupils[0].to_string();
        let said = [("unexplained".to_owned(), pupil.clone(), 2), ("explained".to_owned(), pupil, 3)];
        assert_eq!(world.said().await, said, "{}", world.backend);
        assert!(world.open_cases().await.is_empty());
        let kinds: Vec<String> = world.tasks().await.into_iter().map(|task| task.0).collect();
        assert_eq!(kinds, ["person_only_absent", "told_missing_then_closed"]);
        let audit = world.audit().await;
        let entry = audit.iter().find(|entry| entry.1 == "ended by a closure").unwrap();
        assert!(entry.0 == "absences" && pupils.iter().all(|pupil| entry.2.contains(&pupil.to_string())));
        world.arrive(pupils[0]).await.unwrap();
        assert_eq!(names(&world).await, ["unexplained", "explained", "arrived"], "told again when he comes");
    }
}

#[tokio::test]
async fn a_closure_of_a_class_ends_no_case_of_another() {
    for world in World::each().await {
        let (closed, shut) = world.class(1);
        let (open, pupils) = world.class(1);
        world.post(closed, &[(shut[0], "N")]).await.unwrap();
        world.post(open, &[(pupils[0], "N")]).await.unwrap();
        let scope = Scope::Classes(vec![closed]);
        let id = world.timetable.close(&scope, Morning, ALL_DAY);
        world.hears(&id.to_string(), 2, ClosureChanged { closure: closure(scope) }).await;
        assert_eq!(world.closer.end_covered().await, Looked::Everywhere);
        let cases = world.open_cases().await;
        assert_eq!((cases.len(), cases[0].pupil_id.clone()), (1, pupils[0].to_string()), "{}", world.backend);
        assert!(world.said().await.is_empty(), "nobody had been told");
        assert_eq!(last_code(&world, shut[0]).await, "Y3");
    }
}

#[tokio::test]
async fn old_news_of_a_closure_ends_nothing() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        let id = world.timetable.close(&Scope::WholeSchool, Morning, ALL_DAY);
        world.timetable.end(id, TODAY);
        // The end is still on its way; the calendar knows it already.
        hears_declared(&world, id).await;
        let asked = world.timetable.asked();
        assert_eq!(world.closer.end_covered().await, Looked::Everywhere);
        assert_eq!(world.timetable.asked(), asked + 1);
        assert_eq!(world.open_cases().await.len(), 1, "{}", world.backend);

        hears_ended(&world, id, 3).await;
        hears_declared(&world, id).await;
        world.hears(&id.to_string(), 2, ClosureChanged { closure: closure(Scope::WholeSchool) }).await;
        world.closer.end_covered().await;
        assert_eq!(world.timetable.asked(), asked + 1, "the highest version stands");
        assert_eq!(world.close().await.unwrap().announced, 1);
    }
}

#[tokio::test]
async fn an_n_that_slips_through_is_found_at_the_next_look() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.close().await.unwrap();
        hears_declared(&world, ClosureId::generate()).await;
        world.closer.end_covered().await;
        // Posted by somebody who had asked the calendar a moment before.
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.timetable.close(&Scope::WholeSchool, Morning, ALL_DAY);
        world.closer.end_covered().await;
        assert!(world.open_cases().await.is_empty(), "{}", world.backend);
        assert_eq!(names(&world).await, ["unexplained", "explained"]);
    }
}

#[tokio::test]
async fn when_the_closure_has_ended_registers_are_taken_again_and_who_is_still_missing_is_told_again() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(2);
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "N")]).await.unwrap();
        world.close().await.unwrap();
        let id = world.timetable.close(&Scope::WholeSchool, Morning, ALL_DAY);
        hears_declared(&world, id).await;
        world.closer.end_covered().await;
        world.timetable.end(id, TODAY);
        hears_ended(&world, id, 2).await;
        world.closer.end_covered().await;
        assert!(world.open_cases().await.is_empty(), "ended cases stay ended");

        world.at("09:40");
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "/")]).await.unwrap();
        let cases = world.open_cases().await;
        assert_eq!((cases.len(), cases[0].pupil_id.clone()), (1, pupils[0].to_string()), "{}", world.backend);
        let said = world.said().await;
        assert_eq!(said.last().unwrap(), &("unexplained".to_owned(), pupils[0].to_string(), 4));
        assert_eq!(reason(world.post(class_id, &[(pupils[1], "N")]).await), "REGISTER_CLOSED");
    }
}

#[tokio::test]
async fn without_the_calendar_nothing_is_decided_and_nothing_is_lost() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(2);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        let id = world.timetable.close(&Scope::Classes(vec![class_id]), Morning, ALL_DAY);
        world.timetable.go_away();
        let refused = world.post(class_id, &[(pupils[1], "N")]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(reason(Err::<(), _>(refused)), "SCHEDULING_UNAVAILABLE");
        assert_eq!(reason(world.close().await), "SCHEDULING_UNAVAILABLE");
        assert_eq!(reason(world.report(pupils[1], "I", 0).await), "SCHEDULING_UNAVAILABLE");
        assert_eq!(reason(world.arrive(pupils[1]).await), "SCHEDULING_UNAVAILABLE");
        hears_declared(&world, id).await;
        assert_eq!(world.closer.end_covered().await, Looked::NotEverywhere);
        world.at("09:15");
        world.closer.close_due(CloseAt::RegisterTime).await;
        assert_eq!(world.open_cases().await.len(), 1, "{}", world.backend);

        world.timetable.come_back();
        assert_eq!(world.closer.end_covered().await, Looked::Everywhere);
        assert!(world.open_cases().await.is_empty());
        world.closer.close_due(CloseAt::RegisterTime).await;
        assert!(world.said().await.is_empty() && world.tasks().await.is_empty());
    }
}

#[tokio::test]
async fn an_inset_day_is_no_school_day_and_twenty_school_days_are_counted_by_the_calendar() {
    for world in World::each().await {
        let pupil_id = world.class(1).1[0];
        let report = |date: &'static str| {
            let message = pb::ReportAbsenceRequest {
                request_id: super::fixture::fresh(),
                pupil_id: pupil_id.to_string(),
                date: date.to_owned(),
                code: "I".to_owned(),
                ..Default::default()
            };
            let world = &world;
            async move { sealed(world.api.report_absence(world.request(message)).await) }
        };
        for (date, wanted) in [
            ("2026-11-27", "NOT_A_SCHOOL_DAY"),
            ("2026-12-21", "OUTSIDE_TERM"),
            ("2026-11-23", "PAST_SESSION"),
            ("2027-11-26", "TOO_FAR_AHEAD"),
            ("9999-12-31", "TOO_FAR_AHEAD"),
        ] {
            assert_eq!(reason(report(date).await), wanted, "{date}");
        }
        report("2026-12-18").await.unwrap();
        world.at("10:00");
        let message = pb::CloseRegisterRequest { date: "9999-12-31".to_owned(), ..close(1) };
        let refused = world.api.close_register(world.request(message)).await;
        assert_eq!(reason(refused), "OUTSIDE_TERM", "{}", world.backend);
    }
}

#[tokio::test]
async fn hearing_of_a_closure_wakes_the_loop() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut running = tokio::task::JoinSet::new();
        running.spawn(world.closer.clone().run(CloseAt::SessionEnd, async {
            stopped.await.unwrap();
        }));
        let id = world.timetable.close(&Scope::WholeSchool, Morning, ALL_DAY);
        world.timetable.go_away();
        let asked = world.timetable.asked();
        hears_declared(&world, id).await;
        eventually("the calendar was asked", true, || async { world.timetable.asked() > asked }).await;
        world.timetable.come_back();
        eventually("open cases", 0, || async { world.open_cases().await.len() }).await;
        stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(10), running.join_next()).await;
        ended.unwrap().unwrap().unwrap().unwrap();
    }
}
