//! While the directory is away nothing about a child leaves; a person is asked, and what a person
//! has dealt with does not leave afterwards either.

use super::*;

const MUM: &str = "+447700900001";
const DAD: &str = "+447700900002";

fn times(kind: &str, number: usize) -> Vec<&str> {
    vec![kind; number]
}

#[tokio::test]
async fn a_gathering_waits_for_the_directory_and_leaves_when_it_is_back() {
    for world in quiet_worlds().await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.missing(amy).await;
        world.directory.go_away();
        world.gathered();
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        world.pass(119);
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        assert!(world.tasks().await.is_empty());
        world.pass(1);
        for _ in 0..2 {
            assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
            world.until_tasks(&["directory_away"]).await;
        }
        assert_eq!(world.tasks().await[0].subjects, format!("[\"{amy}\"]"));
        world.directory.come_back();
        world.sweep().await;
        assert_eq!(world.deliveries().await.len(), 1, "the task is still open");
        world.end().await;
    }
}

#[tokio::test]
async fn a_person_who_dealt_with_a_waiting_gathering_has_dealt_with_its_pupils_and_no_others() {
    for world in quiet_worlds().await {
        let amy = world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.directory.go_away();
        world.pass(GATHERS_FOR + 120);
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        world.complete_task("directory_away").await;
        // Nobody has dealt with Ben, who came to the gathering that still waits.
        let ben = world.missing(world.directory.add("Ben", &[parent(&[DAD])])).await;
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        world.until_tasks(&times("directory_away", 2)).await;
        world.directory.come_back();
        world.sweep().await;
        let addresses: Vec<_> =
            world.deliveries().await.into_iter().map(|delivery| delivery.address).collect();
        assert_eq!(addresses, [DAD]);
        let handled = format!(
            "SELECT COUNT(*) AS number FROM decisions WHERE why = 'HANDLED_BY_PERSON' AND pupil_id = '{}'",
            amy.pupil
        );
        assert_eq!(world.number(&handled).await, 1);
        assert_eq!(world.members().await[0].pupil_id, ben.pupil.to_string());
        world.end().await;
    }
}

#[tokio::test]
async fn a_message_waits_for_its_clearance_and_goes_when_it_is_there() {
    for mut world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.sweep().await;
        world.directory.go_away();
        world.run();
        let refused = "SELECT COUNT(*) AS number FROM chunks WHERE owner IS NULL AND due_at > 0";
        eventually("given back", 1, async || world.number(refused).await).await;
        // The sender comes back every two seconds, and asks a person after two minutes.
        eventually("a task", 1, async || {
            world.pass(20);
            world.tasks().await.len()
        })
        .await;
        assert!(world.now() >= "2026-11-24T08:52:30Z".parse().unwrap());
        assert_eq!(world.tasks().await[0].kind, "directory_away");
        assert!(world.simulator.messages().is_empty());
        world.directory.come_back();
        eventually("the message", 1, async || {
            world.pass(1);
            world.simulator.messages().len()
        })
        .await;
        world.until_states(&["delivered"]).await;
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_message_with_which_a_person_has_dealt_does_not_go_any_more() {
    for mut world in quiet_worlds().await {
        let mother = parent(&[MUM, "mum@example.org"]);
        world.missing(world.directory.add("Amy", std::slice::from_ref(&mother))).await;
        world.gathered();
        world.sweep().await;
        world.directory.go_away();
        world.run();
        eventually("a task", 1, async || {
            world.pass(20);
            world.tasks().await.len()
        })
        .await;
        world.complete_task("directory_away").await;
        world.directory.come_back();
        eventually("stopped", "skipped".to_owned(), async || {
            world.pass(1);
            world.deliveries().await.remove(0).state
        })
        .await;
        assert_eq!(world.fates().await[0].1, "HANDLED_BY_PERSON");
        world.until_quiet().await;
        assert!(world.simulator.messages().is_empty());
        assert_eq!((world.deliveries().await.len(), world.tasks().await.len()), (1, 1));
        world.end().await;
    }
}

#[tokio::test]
async fn a_task_that_is_completed_when_nothing_waits_any_more_keeps_nobody_from_the_next_address() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&[MUM, "mum@example.org"])])).await;
        world.directory.go_away();
        world.pass(GATHERS_FOR + 120);
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        world.until_tasks(&["directory_away"]).await;
        world.directory.come_back();
        world.sweep().await;
        assert_eq!(world.count("waits").await, 0);
        world.complete_task("directory_away").await;
        world.meddle("UPDATE deliveries SET state = 'failed', next_address = TRUE, chunk_id = NULL").await;
        world.sweep().await;
        assert_eq!(world.deliveries().await.len(), 2);
        // A later wait of the same gathering asks anew.
        world.meddle("UPDATE deliveries SET state = 'failed', next_address = TRUE, chunk_id = NULL").await;
        world.directory.go_away();
        world.pass(120);
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        world.until_tasks(&times("directory_away", 2)).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_message_that_left_after_its_wait_waits_no_more() {
    for mut world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.sweep().await;
        world.directory.go_away();
        world.run();
        eventually("a task", 1, async || {
            world.pass(20);
            world.tasks().await.len()
        })
        .await;
        assert_eq!(world.count("waits").await, 1);
        world.directory.come_back();
        eventually("the message", 1, async || {
            world.pass(1);
            world.simulator.messages().len()
        })
        .await;
        eventually("nothing waits", 0, async || world.count("waits").await).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_next_step_waits_for_the_directory_too_and_a_person_may_deal_with_it() {
    for done in [true, false] {
        for world in quiet_worlds().await {
            world.missing(world.directory.add("Amy", &[parent(&[MUM, "mum@example.org"])])).await;
            world.gathered();
            world.sweep().await;
            world
                .meddle("UPDATE deliveries SET state = 'failed', next_address = TRUE, chunk_id = NULL")
                .await;
            world.directory.go_away();
            world.pass(120);
            assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
            world.until_tasks(&["directory_away"]).await;
            if done {
                world.complete_task("directory_away").await;
            }
            world.directory.come_back();
            world.sweep().await;
            assert_eq!(world.deliveries().await.len(), if done { 1 } else { 2 });
            let handled = "SELECT COUNT(*) AS number FROM decisions WHERE why = 'HANDLED_BY_PERSON'";
            assert_eq!(world.number(handled).await, i64::from(done));
            assert_eq!(world.deliveries().await.iter().filter(|row| row.next_address).count(), 0);
            world.end().await;
        }
    }
}
