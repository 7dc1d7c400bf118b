//! A closure while the directory is away: what was resolved goes to the addresses that were known,
//! in words that anybody may read; what was not is a person's, and stands on the website.

use std::collections::BTreeSet;

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::incidents::AccidentKind;
use proto::events::scheduling::Closure;
use proto::events::scope::Scope;

use super::said::{accident, snow};
use super::*;
use crate::directory::School;
use crate::store::schools;
use crate::store::uncleared::{self, Uncleared};
use neighbours::directory::Hangs;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";

/// The dispatcher has worded something for this school before.
async fn knows_the_school(world: &World) {
    world.api.directory.school(world.school).await.unwrap();
}

#[tokio::test]
async fn what_was_resolved_goes_uncleared_without_a_word_of_collection_and_not_to_who_was_barred_since() {
    for mut world in quiet_worlds().await {
        let (mother, father) = (parent(&[MUM, MAIL]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother.clone(), father.clone()]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.sweep().await;
        assert_eq!(world.addresses().await, [MUM, DAD, MAIL]);
        knows_the_school(&world).await;
        world.directory.go_away();
        world.restricted(amy, Some(&father.contact_id), true).await;
        world.run();
        world.until_received(2).await;
        world.until_quiet().await;
        let received = world.received();
        assert_eq!(received.keys().collect::<Vec<_>>(), [MUM, MAIL]);
        for bodies in received.values() {
            assert!(bodies[0].contains("closed") && !bodies[0].contains("hall"), "{bodies:?}");
        }
        let his = world.messages().await.into_iter().find(|row| row.address == DAD).unwrap();
        assert_eq!((his.state.as_str(), his.why.as_str()), ("skipped", "NO_CONTACT"));
        let notice_id = world.notices().await.remove(0).id;
        let request = pb::ExplainRequest { contact_id: mother.contact_id.clone(), notice_id };
        let steps = world.api.explain(world.request(request)).await.unwrap().into_inner().steps;
        assert!(steps.iter().any(|step| step.reason == "NOT_CLEARED"), "{steps:?}");
        // Nobody has heard where the children are, so somebody is asked to see to it, once.
        world.until_tasks(&["collection_not_told"]).await;
        assert_eq!(world.tasks().await[0].role, "office");
        world.end().await;
    }
}

#[tokio::test]
async fn a_directory_that_is_soon_back_costs_nobody_when_and_where_children_are_collected() {
    let setup = Setup { runs: Runs::Nothing, waits_for_directory: 10, ..Setup::default() };
    for mut world in worlds(&setup).await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.sweep().await;
        knows_the_school(&world).await;
        world.directory.go_away();
        let before = world.directory.calls().len();
        world.run();
        let asked = async || world.directory.calls().len() > before;
        eventually("a question that nobody answers", true, asked).await;
        // Put off by the clock as it stands: time that passes before would never come to it.
        let put_off = "SELECT COUNT(*) AS number FROM chunks WHERE owner IS NULL";
        let due = format!("{put_off} AND due_at > {}", kit::clock::micros(world.now()));
        eventually("a message that was put off", 1, async || world.number(&due).await).await;
        world.directory.come_back();
        world.pass(5);
        world.until_received(1).await;
        assert!(world.received()[MUM][0].contains("hall"), "{:?}", world.received());
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_directory_that_takes_questions_and_never_answers_holds_up_no_closure_either() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        let closure = Closure { collection: None, ..snow(Scope::WholeSchool) };
        world.closed(closure).await;
        world.sweep().await;
        knows_the_school(&world).await;
        world.directory.hang(Hangs::Every);
        world.run();
        world.until_received(2).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MUM, MAIL]);
        assert_eq!(world.number(NOT_CLEARED).await, 1);
        assert!(world.tasks().await.is_empty(), "nothing was left unsaid");
        world.end().await;
    }
}

const NOT_CLEARED: &str = "SELECT COUNT(*) AS number FROM decisions WHERE why = 'NOT_CLEARED'";

#[tokio::test]
async fn that_nobody_was_asked_is_written_once_however_often_a_message_is_tried() {
    for world in quiet_worlds().await {
        let members = BTreeSet::from([(ContactId::generate(), PupilId::generate())]);
        let uncleared = [Uncleared { gathering: "gth_1".to_owned(), members }];
        for _ in 0..2 {
            uncleared::write(&world.store, &uncleared, Vec::new(), world.now()).await.unwrap();
        }
        assert_eq!(world.number(NOT_CLEARED).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn who_was_barred_from_a_child_since_does_not_hear_of_a_part_of_the_school() {
    for mut world in quiet_worlds().await {
        let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother, father.clone()]);
        world.closed(snow(Scope::Pupils(vec![amy]))).await;
        world.sweep().await;
        assert_eq!(world.addresses().await, [MUM, DAD]);
        knows_the_school(&world).await;
        world.directory.go_away();
        world.restricted(amy, Some(&father.contact_id), false).await;
        world.run();
        world.until_received(1).await;
        world.until_quiet().await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MUM]);
        let his = world.messages().await.into_iter().find(|row| row.address == DAD).unwrap();
        assert_eq!((his.state.as_str(), his.why.as_str()), ("skipped", "NO_CHILD_INFORMATION"));
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_about_a_child_waits_beside_it_until_a_person_is_asked_and_the_directory_is_back() {
    for mut world in quiet_worlds().await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.hurt(accident(amy, AccidentKind::HeadInjury)).await;
        world.closed(snow(Scope::WholeSchool)).await;
        world.sweep().await;
        knows_the_school(&world).await;
        // Both in one chunk, as after a provider that was busy.
        world
            .meddle(
                "UPDATE deliveries SET chunk_id = (SELECT MIN(id) FROM chunks) WHERE chunk_id IS NOT NULL",
            )
            .await;
        world.directory.go_away();
        world.run();
        world.until_received(1).await;
        assert!(world.received()[MUM][0].contains("closed"));
        eventually("a task", 3, async || {
            world.pass(20);
            world.tasks().await.len()
        })
        .await;
        world.until_tasks(&["collection_not_told", "directory_away", "ring_about_head_injury"]).await;
        assert_eq!(world.simulator.messages().len(), 1);
        world.directory.come_back();
        eventually("the other message", 2, async || {
            world.pass(1);
            world.simulator.messages().len()
        })
        .await;
        assert!(world.received()[MUM][1].contains("bumped their head"));
        world.end().await;
    }
}

#[tokio::test]
async fn what_nobody_can_resolve_stands_on_the_website_is_one_task_and_goes_when_the_directory_is_back() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.directory.go_away();
        world.closed(snow(Scope::WholeSchool)).await;
        assert_eq!(world.alerts().await.len(), 1);
        world.pass(119);
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        assert!(world.tasks().await.is_empty());
        world.pass(1);
        for _ in 0..2 {
            assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
            world.until_tasks(&["scope_unknown"]).await;
        }
        world.directory.come_back();
        world.sweep().await;
        assert_eq!(world.addresses().await, [MUM]);
        world.end().await;
    }
}

#[tokio::test]
async fn what_could_not_be_told_in_its_time_is_one_task_whoever_else_waits() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.closed(snow(Scope::WholeSchool)).await;
        world.directory.go_away();
        world.clock.set(said::midnight());
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_ok());
        world.until_tasks(&["many_not_told", "nobody_to_tell"]).await;
        assert!(world.messages().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_dispatcher_that_starts_while_the_directory_is_away_knows_the_school_from_before() {
    for world in worlds(&Setup::default()).await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.until_received(1).await;
        let kept = schools::known(&world.store, world.school).await.unwrap();
        assert_eq!(kept, world.api.directory.school_as_known(world.school));
        world.end().await;
    }
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.sweep().await;
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
        let school = School { name: "Elm Park".into(), phone: "01632 960001".into(), zone };
        schools::keep(&world.store, world.school, &school).await.unwrap();
        world.directory.go_away();
        world.run();
        world.until_received(1).await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_was_resolved_and_cannot_be_worded_is_a_task_too() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.sweep().await;
        // Nobody here has ever asked what the school is called.
        world.directory.go_away();
        world.run();
        eventually("a task", 1, async || {
            world.pass(20);
            world.tasks().await.len()
        })
        .await;
        world.until_tasks(&["scope_unknown"]).await;
        world.directory.come_back();
        eventually("the message", 1, async || {
            world.pass(1);
            world.simulator.messages().len()
        })
        .await;
        world.end().await;
    }
}
