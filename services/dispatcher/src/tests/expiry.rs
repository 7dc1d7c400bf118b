//! What comes too late to be worth sending becomes a person's, by name.

use super::*;

const MUM: &str = "+447700900001";

/// The session ends sooner, before patience with an address does.
async fn ends_in(world: &World, seconds: i64) {
    let at = kit::clock::micros(world.now() + SignedDuration::from_secs(seconds));
    world.meddle(&format!("UPDATE deliveries SET valid_until = {at}")).await;
    world.meddle(&format!("UPDATE gatherings SET valid_until = {at}")).await;
}

#[tokio::test]
async fn a_message_that_could_not_leave_in_time_is_a_task_naming_contact_and_pupil() {
    for mut world in quiet_worlds().await {
        let mother = parent(&[MUM, "mum@example.org"]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&mother));
        world.missing(amy).await;
        world.gathered();
        world.sweep().await;
        world.clock.set(session_ends_at());
        world.run();
        world.until_states(&["expired"]).await;
        world.until_tasks(&["not_reached"]).await;
        world.until_quiet().await;
        let subjects = serde_json::json!([mother.contact_id, amy.to_string()]).to_string();
        assert_eq!(world.tasks().await[0].subjects, subjects);
        assert!(world.simulator.messages().is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_gathering_that_could_not_leave_in_time_is_a_task_for_everybody_it_concerns() {
    for world in quiet_worlds().await {
        let (mother, father) = (parent(&[MUM]), parent(&["dad@example.org"]));
        let barred = proto::directory::v1::Link { no_contact: true, ..parent(&["+447700900003"]) };
        let amy = world.directory.add("Amy", &[mother.clone(), father.clone(), barred]);
        world.missing(amy).await;
        world.clock.set(session_ends_at());
        world.sweep().await;
        let tasks: Vec<_> = world.tasks().await.into_iter().map(|task| (task.kind, task.subjects)).collect();
        let task = |contact: &str| {
            ("not_reached".to_owned(), serde_json::json!([contact, amy.to_string()]).to_string())
        };
        assert_eq!(tasks, [task(&mother.contact_id), task(&father.contact_id)]);
        assert_eq!((world.deliveries().await.len(), world.gatherings().await[0].state.as_str()), (0, "left"));
        world.end().await;
    }
}

#[tokio::test]
async fn a_gathering_that_is_too_late_does_not_wait_for_a_directory_that_is_away() {
    for world in quiet_worlds().await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.missing(amy).await;
        world.directory.go_away();
        world.clock.set(session_ends_at());
        world.sweep().await;
        let tasks = world.tasks().await;
        assert_eq!((tasks.len(), tasks[0].kind.as_str()), (1, "nobody_to_tell"));
        assert_eq!(tasks[0].subjects, format!("[\"{amy}\"]"));
        world.end().await;
    }
}

#[tokio::test]
async fn what_may_have_left_is_asked_for_before_it_counts_as_too_late() {
    for world in worlds(&Setup { answers_within: 300, ..Setup::default() }).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::Receipts { travel: simulator::Travel::Withheld });
        world.simulator.behave(Behaviour::TimeOutAfterAccepting { provider, requests: 1 });
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.until_states(&["unknown"]).await;
        assert!(world.members().await[0].told, "perhaps");
        ends_in(&world, 15).await;
        world.pass(20);
        world.until_states(&["accepted"]).await;
        assert_eq!(world.simulator.messages().len(), 1);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_mail_that_may_have_left_and_is_too_late_stays_unknown_and_is_a_task() {
    for world in worlds(&Setup::default()).await {
        world.simulator.behave(Behaviour::DropAfterFinalDot { requests: 1 });
        world.missing(world.directory.add("Amy", &[parent(&["mum@example.org"])])).await;
        world.gathered();
        world.until_states(&["unknown"]).await;
        ends_in(&world, 15).await;
        world.pass(20);
        world.until_tasks(&["not_reached"]).await;
        world.until_quiet().await;
        assert_eq!(world.fates().await, [("unknown".to_owned(), "EXPIRED".to_owned())]);
        assert!(world.members().await[0].told, "perhaps");
        world.end().await;
    }
}
