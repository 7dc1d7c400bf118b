//! Closures that nobody has ended are asked about.

use kit::testing::eventually;

use super::fixture::{TODAY, TOMORROW, World};

#[tokio::test]
async fn the_office_is_asked_once_on_the_morning_after_a_closure() {
    for world in World::each().await {
        let closure_id = world.close(TODAY, TODAY).await.unwrap();
        world.at("2026-11-24T16:00");
        world.asker.ask_due().await;
        world.at("2026-11-25T06:59");
        world.asker.ask_due().await;
        assert!(world.tasks().await.is_empty(), "{}: too early", world.backend);
        world.at("2026-11-25T07:00");
        world.neighbours.directory.go_away();
        world.asker.ask_due().await;
        assert!(world.tasks().await.is_empty(), "without the directory it stays due");
        world.neighbours.directory.come_back();
        world.asker.ask_due().await;
        world.asker.ask_due().await;
        let asked = ("closure_to_end".to_owned(), "office".to_owned(), vec![closure_id.clone()]);
        assert_eq!(world.tasks().await, std::slice::from_ref(&asked), "{}", world.backend);

        // Extended before the morning's register opens, it is a question again when those days have passed.
        world.extend(&closure_id, TOMORROW).await.unwrap();
        world.asker.ask_due().await;
        assert_eq!(world.tasks().await.len(), 1);
        world.at("2026-11-26T09:00");
        world.asker.ask_due().await;
        assert_eq!(world.tasks().await, [asked.clone(), asked]);
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_closure_that_has_ended_or_on_a_weekend() {
    for world in World::each().await {
        let ended = world.close(TODAY, TODAY).await.unwrap();
        world.end(&ended, TOMORROW).await.unwrap();
        let friday = world.close("2026-11-27", "2026-11-27").await.unwrap();
        for (at, asked) in [("2026-11-28T12:00", 0), ("2026-11-29T12:00", 0), ("2026-11-30T07:00", 1)] {
            world.at(at);
            world.asker.ask_due().await;
            assert_eq!(world.tasks().await.len(), asked, "{at} on {}", world.backend);
        }
        assert_eq!(world.tasks().await[0].2, [friday]);
    }
}

#[tokio::test]
async fn the_loop_asks_what_is_due_and_ends_when_it_is_asked_to() {
    for world in World::each().await {
        world.close(TODAY, TODAY).await.unwrap();
        world.at("2026-11-25T07:00");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut running = tokio::task::JoinSet::new();
        running.spawn(world.asker.clone().run(async {
            stopped.await.unwrap();
        }));
        eventually("tasks opened", 1, || async { world.tasks().await.len() }).await;
        stop.send(()).unwrap();
        running.join_next().await.unwrap().unwrap().unwrap();
    }
}
