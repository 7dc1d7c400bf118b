//! The school-wide close, by command and by the clock.

use super::fixture::{AFTERNOON, World, close};
use crate::store::read::CloseAt;
use kit::testing::answers::reason;
use kit::testing::eventually;
use proto::absences::v1::absences_service_server::AbsencesService;

#[tokio::test]
async fn the_close_tells_once_and_asks_the_office_for_what_is_missing() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(4);
        let (forgotten, _) = world.class(2);
        let person = pupils[1];
        world.post(class_id, &[(pupils[0], "N"), (person, "N"), (pupils[2], "/")]).await.unwrap();
        world.neighbours.directory.change(person, |pupil| pupil.person_only = true);
        world.at("09:15");
        let closed = world.close().await.unwrap();
        assert!(!closed.already_closed);
        assert_eq!((closed.announced, closed.person_only), (1, 1), "{}", world.backend);
        assert_eq!(closed.classes_without_register, [forgotten.to_string()]);
        assert_eq!(closed.pupils_without_mark, [pupils[3].to_string()]);
        assert_eq!(world.said().await, [("unexplained".to_owned(), pupils[0].to_string(), 2)]);
        let tasks = world.tasks().await;
        let kinds: Vec<(&str, &str)> = tasks.iter().map(|task| (task.0.as_str(), task.1.as_str())).collect();
        assert_eq!(
            kinds,
            [
                ("marks_missing", "office"),
                ("person_only_absent", "designated_safeguarding_lead"),
                ("register_missing", "office"),
            ]
        );
        assert_eq!(tasks[0].2, [pupils[3].to_string()]);
        assert_eq!(tasks[1].2[0], person.to_string());
        assert_eq!(tasks[2].2, [forgotten.to_string()]);

        world.at("09:20");
        let again = world.close().await.unwrap();
        assert!(again.already_closed);
        assert_eq!((again.closed_at, again.announced), (closed.closed_at, 1));
        assert_eq!(again.pupils_without_mark, closed.pupils_without_mark);
        assert_eq!((world.said().await.len(), world.tasks().await.len()), (1, 3));
    }
}

#[tokio::test]
async fn a_pupil_who_left_the_roll_before_the_close_is_a_persons_task() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(2);
        world.post(class_id, &[(pupils[0], "N"), (pupils[1], "/")]).await.unwrap();
        world.neighbours.directory.remove(pupils[0]);
        let closed = world.close().await.unwrap();
        assert_eq!((closed.announced, closed.person_only), (0, 1));
        assert!(world.said().await.is_empty());
        assert_eq!(world.tasks().await[0].0, "absent_not_on_roll");
    }
}

#[tokio::test]
async fn what_may_have_been_closed_before_a_restore_is_a_persons_to_close() {
    for mut world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.at("11:00");
        world.restored().await;
        world.closer.close_due(CloseAt::RegisterTime).await;
        world.closer.close_unposted(CloseAt::RegisterTime).await;
        assert!(world.said().await.is_empty(), "{}", world.backend);
        let tasks = world.tasks().await;
        assert_eq!(tasks.len(), 1, "{tasks:?}");
        assert_eq!((tasks[0].0.as_str(), tasks[0].1.as_str()), ("restored", "attendance_officer"));
        assert_eq!(world.close().await.unwrap().announced, 1);
    }
}

#[tokio::test]
async fn at_the_register_time_the_clock_closes_what_has_a_register() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.at("09:14");
        world.closer.close_due(CloseAt::RegisterTime).await;
        assert!(world.said().await.is_empty(), "a minute too early");
        world.at("09:15");
        world.neighbours.directory.go_away();
        world.closer.close_due(CloseAt::RegisterTime).await;
        assert!(world.said().await.is_empty(), "without the directory it stays due");
        world.neighbours.directory.come_back();
        world.closer.close_due(CloseAt::RegisterTime).await;
        assert_eq!(world.said().await.len(), 1, "{}", world.backend);
        world.closer.close_due(CloseAt::RegisterTime).await;
        assert!(world.close().await.unwrap().already_closed);
        assert_eq!(world.said().await.len(), 1);
        let audit = world.audit().await;
        assert!(audit.iter().any(|entry| entry.0 == "absences" && entry.1 == "closed at its time"));
    }
}

#[tokio::test]
async fn what_the_clock_cannot_close_is_a_persons_task_after_two_minutes_and_told_when_it_can() {
    for away in ["the directory cannot be asked", "scheduling cannot be asked"] {
        for world in World::each().await {
            let (class_id, pupils) = world.class(1);
            world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
            match away {
                "scheduling cannot be asked" => world.timetable.go_away(),
                _ => world.neighbours.directory.go_away(),
            }
            for (time, asked) in [("09:16", 0), ("09:17", 1), ("09:18", 1)] {
                world.at(time);
                world.closer.close_due(CloseAt::RegisterTime).await;
                assert_eq!(world.tasks().await.len(), asked, "{time}: {away} on {}", world.backend);
            }
            let task = world.tasks().await.remove(0);
            assert_eq!((task.0.as_str(), task.1.as_str()), ("register_not_closed", "attendance_officer"));
            assert!(world.why_of_tasks().await[0].contains(away), "{away}");
            assert!(world.said().await.is_empty());
            world.timetable.come_back();
            world.neighbours.directory.come_back();
            world.closer.close_due(CloseAt::RegisterTime).await;
            assert_eq!((world.said().await.len(), world.tasks().await.len()), (1, 1), "{}", world.backend);
        }
    }
}

#[tokio::test]
async fn a_session_that_is_closed_at_its_end_is_waited_for_until_then() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.neighbours.directory.go_away();
        for (time, asked) in [("09:30", 0), ("12:01", 0), ("12:02", 1)] {
            world.at(time);
            world.closer.close_due(CloseAt::SessionEnd).await;
            assert_eq!(world.tasks().await.len(), asked, "{time} on {}", world.backend);
        }
    }
}

#[tokio::test]
async fn what_nobody_closed_is_closed_at_the_end_of_the_session_and_becomes_a_task() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.at("11:59");
        world.closer.close_due(CloseAt::SessionEnd).await;
        assert!(world.tasks().await.is_empty());
        world.at("12:00");
        world.closer.close_due(CloseAt::SessionEnd).await;
        assert!(world.said().await.is_empty(), "a message would be stale");
        let tasks = world.tasks().await;
        assert_eq!((tasks[0].0.as_str(), tasks[0].1.as_str()), ("absence_not_told", "attendance_officer"));
    }
}

#[tokio::test]
async fn a_session_of_which_no_class_posts_is_closed_at_its_time_and_asks_the_office() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        // The school is known by what it posted in the morning; nobody posts in the afternoon.
        world.post(class_id, &[(pupils[0], "/")]).await.unwrap();
        world.close().await.unwrap();
        let before = world.tasks().await.len();
        world.at("13:19");
        world.closer.close_unposted(CloseAt::RegisterTime).await;
        assert_eq!(world.tasks().await.len(), before, "a minute too early");
        world.at("13:20");
        world.closer.close_unposted(CloseAt::RegisterTime).await;
        let after = world.tasks().await;
        assert!(after.len() > before, "{}", world.backend);
        assert!(after.iter().any(|task| task.0 == "register_missing"));
        world.closer.close_unposted(CloseAt::RegisterTime).await;
        assert_eq!(world.tasks().await, after, "once");
    }
}

#[tokio::test]
async fn a_register_is_not_closed_before_it_opens_nor_on_another_day() {
    for world in World::each().await {
        let afternoon = world.api.close_register(world.request(close(AFTERNOON))).await;
        assert_eq!(reason(afternoon), "FUTURE_SESSION");
        let day = |date: &str| {
            let message = proto::absences::v1::CloseRegisterRequest { date: date.to_owned(), ..close(1) };
            world.api.close_register(world.request(message))
        };
        for (date, wanted) in [
            ("2026-11-23", "PAST_SESSION"),
            ("2026-11-25", "FUTURE_SESSION"),
            ("2026-11-28", "NOT_A_SCHOOL_DAY"),
            ("2026-12-21", "OUTSIDE_TERM"),
            ("24/11/2026", "INVALID_DATE"),
        ] {
            assert_eq!(reason(day(date).await), wanted, "{date}");
        }
    }
}

#[tokio::test]
async fn the_loop_closes_what_is_due_and_ends_when_it_is_asked_to() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        world.at("09:15");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut running = tokio::task::JoinSet::new();
        running.spawn(world.closer.clone().run(CloseAt::RegisterTime, async {
            stopped.await.unwrap();
        }));
        eventually("facts said", 1, || async { world.said().await.len() }).await;
        stop.send(()).unwrap();
        running.join_next().await.unwrap().unwrap().unwrap();
    }
}
