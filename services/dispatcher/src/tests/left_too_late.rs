//! A message that left in the seconds in which a restriction was set is somebody's task at once.

use std::collections::BTreeSet;

use proto::directory::v1::Restriction;
use proto::events::incidents::AccidentKind;
use proto::events::scheduling::Closure;
use proto::events::scope::Scope;

use super::*;
use crate::domain::audience::key_of;
use crate::store::restrictions;

const MUM: &str = "+447700900001";
const DAD: &str = "+447700900002";

/// Both parents of Amy and Ben, with one message to each of them.
async fn siblings(world: &World) -> (PupilId, PupilId, String) {
    let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
    let links = [mother, father.clone()];
    let (amy, ben) = (world.directory.add("Amy", &links), world.directory.add("Ben", &links));
    world.missing(amy).await;
    world.missing(ben).await;
    world.gathered();
    (amy, ben, father.contact_id)
}

#[tokio::test]
async fn what_left_before_the_restriction_was_heard_is_the_lead_s_task_about_that_child() {
    for world in worlds(&Setup::default()).await {
        let (amy, ben, father) = siblings(&world).await;
        world.until_states(&["delivered", "delivered"]).await;
        world.restricted(amy, Some(&father), false).await;
        world.until_tasks(&["left_before_restriction"]).await;
        let task = world.tasks().await.remove(0);
        assert_eq!(task.role, "designated_safeguarding_lead");
        assert!(task.subjects.contains(&father) && task.subjects.contains(&amy.to_string()));
        assert!(!task.subjects.contains(&ben.to_string()));
        world.pass(30);
        world.until_tasks(&["left_before_restriction"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_contact_who_is_barred_from_everything_is_a_task_for_each_child() {
    for world in worlds(&Setup::default()).await {
        let (amy, _, father) = siblings(&world).await;
        world.until_states(&["delivered", "delivered"]).await;
        world.restricted(amy, Some(&father), true).await;
        world.until_tasks(&["left_before_restriction", "left_before_restriction"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_pupil_who_became_person_only_is_a_task_for_each_contact_who_was_told() {
    for world in worlds(&Setup::default()).await {
        let (amy, ..) = siblings(&world).await;
        world.until_states(&["delivered", "delivered"]).await;
        world.restricted(amy, None, false).await;
        world.until_tasks(&["left_before_restriction", "left_before_restriction"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_message_that_is_accepted_just_after_the_restriction_is_found_when_it_has_landed() {
    for world in worlds(&Setup::default()).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::Slow { provider, milliseconds: 1_000 });
        let (amy, _, father) = siblings(&world).await;
        eventually("in the air", 2, async || world.api.air.deliveries().len()).await;
        world.pass(3);
        world.restricted(amy, Some(&father), false).await;
        world.until_states(&["delivered", "delivered"]).await;
        world.until_tasks(&["left_before_restriction"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_restriction_that_the_bus_brought_late_is_compared_with_what_left_when_it_was_set() {
    for world in worlds(&Setup::default()).await {
        let (amy, _, father) = siblings(&world).await;
        world.until_states(&["delivered", "delivered"]).await;
        let set_at = world.now();
        world.pass(1_000);
        let data = Restricted { pupil_id: amy, contact_id: Some(father.parse().unwrap()), no_contact: false };
        let about = About { time: set_at, ..world.about(&amy.to_string(), 1) };
        world.hear(&Event::new(EventId::generate(), about, data)).await.unwrap();
        world.until_tasks(&["left_before_restriction"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_left_to_somebody_else_at_an_address_of_who_is_barred_is_the_lead_s_task() {
    for world in worlds(&Setup::default()).await {
        let mother = parent(&["family@example.org"]);
        // Told nothing himself: he is for emergencies only.
        let father = proto::directory::v1::Link { emergency_only: true, ..parent(&["Family@Example.org"]) };
        let stranger = proto::directory::v1::Link { emergency_only: true, ..parent(&[DAD]) };
        let amy = world.directory.add("Amy", &[mother, father.clone(), stranger.clone()]);
        world.missing(amy).await;
        world.gathered();
        world.until_states(&["accepted"]).await;
        world.restricted(amy, Some(&stranger.contact_id), false).await;
        world.restricted(amy, Some(&father.contact_id), false).await;
        world.until_tasks(&["left_before_restriction"]).await;
        let task = world.tasks().await.remove(0);
        assert!(task.subjects.contains(&father.contact_id) && task.subjects.contains(&amy.to_string()));
        world.pass(30);
        world.until_tasks(&["left_before_restriction"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_left_long_before_or_long_after_is_nobody_s_task() {
    for world in quiet_worlds().await {
        let (amy, _, father) = siblings(&world).await;
        world.sweep().await;
        world.meddle("UPDATE members SET told = TRUE").await;
        let delivery = world.deliveries().await.remove(1).id;
        let at = kit::clock::micros(world.now());
        for (started, ended) in [(at - 2, at - 1), (at + 121_000_000, at + 122_000_000)] {
            world
                .meddle(&format!(
                    "INSERT INTO attempts (delivery_id, started_at, ended_at, state, why) \
                     VALUES ('{delivery}', {started}, {ended}, 'accepted', 'SENT')"
                ))
                .await;
        }
        world.restricted(amy, Some(&father), false).await;
        world.sweep().await;
        assert!(world.tasks().await.is_empty());
        world.meddle(&format!("UPDATE attempts SET ended_at = {at} WHERE ended_at < {at}")).await;
        world.sweep().await;
        assert_eq!(world.tasks().await.len(), 1, "on {}", world.backend);
        // Long after it was heard nobody looks any more.
        world.meddle("DELETE FROM tasks").await;
        world.pass(901);
        world.sweep().await;
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

/// Snow, with words about when and where children are collected, or without.
fn snow(collection: Collection) -> Closure {
    let snow = said::snow(Scope::WholeSchool);
    Closure { collection: snow.collection.clone().filter(|_| collection == Collection::Said), ..snow }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collection {
    Said,
    Unsaid,
}

/// What the lead would be asked now because of what left, by delivery.
async fn alarms(world: &World) -> usize {
    let now = world.now();
    let young = restrictions::young(&world.store, now).await.unwrap();
    let mut alarms = restrictions::left_too_late(&world.store, &young, now).await.unwrap().len();
    for restriction in &young {
        let at_this_address = BTreeSet::from([key_of(SHARED)]);
        let shared = restrictions::left_to_their_address(restriction, &at_this_address, now).unwrap();
        alarms += shared.len();
    }
    alarms
}

const SHARED: &str = "family@example.org";

#[tokio::test]
async fn a_closure_that_said_where_children_are_is_the_lead_s_task_and_one_that_did_not_is_nobody_s() {
    for (collection, expected) in [(Collection::Unsaid, 0), (Collection::Said, 1)] {
        for world in worlds(&Setup::default()).await {
            let father = parent(&[DAD]);
            let amy = world.directory.add("Amy", std::slice::from_ref(&father));
            world.closed(snow(collection)).await;
            world.until_all_are_out(1).await;
            world.restricted(amy, Some(&father.contact_id), false).await;
            assert_eq!(alarms(&world).await, expected, "on {}", world.backend);
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_closure_worded_for_who_is_barred_is_nobody_s_task_and_the_one_beside_it_stays_one() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother.clone(), father.clone()]);
        world.directory.restrict(amy, &father, Restriction::NoChildInformation);
        let id = world.closed(snow(Collection::Said)).await;
        world.until_all_are_out(2).await;
        world.closure_changed(&id, 2, snow(Collection::Said)).await;
        world.until_all_are_out(4).await;
        let received = world.received();
        assert!(received[MUM].iter().all(|body| body.contains("hall")));
        assert!(received[DAD].iter().all(|body| body.contains("closed") && !body.contains("hall")));
        world.restricted(amy, Some(&father.contact_id), false).await;
        assert_eq!(alarms(&world).await, 0, "on {}", world.backend);
        world.restricted(amy, Some(&mother.contact_id), false).await;
        assert_eq!(alarms(&world).await, 2, "on {}", world.backend);
        // Who may hear nothing at all should not have had any of it.
        world.restricted(amy, Some(&father.contact_id), true).await;
        assert_eq!(alarms(&world).await, 4, "on {}", world.backend);
        world.end().await;
    }
}

#[tokio::test]
async fn a_closure_to_a_mailbox_that_was_known_to_be_shared_is_nobody_s_task_and_to_another_it_is() {
    for (known, expected) in [(true, 0), (false, 1)] {
        for world in worlds(&Setup::default()).await {
            let mut mother = parent(&[SHARED]);
            mother.addresses[0].barred = known;
            let father = proto::directory::v1::Link { emergency_only: true, ..parent(&[SHARED]) };
            let amy = world.directory.add("Amy", &[mother, father.clone()]);
            world.closed(snow(Collection::Said)).await;
            world.until_all_are_out(1).await;
            world.restricted(amy, Some(&father.contact_id), false).await;
            assert_eq!(alarms(&world).await, expected, "on {}", world.backend);
            world.end().await;
        }
    }
}

#[tokio::test]
async fn what_a_message_may_have_said_once_is_known_before_it_leaves_and_not_forgotten_when_it_says_less() {
    for world in worlds(&Setup::default()).await {
        let father = parent(&[DAD]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&father));
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::Slow { provider, milliseconds: 500 });
        world.simulator.behave(Behaviour::RateLimited { provider, requests: 1 });
        world.closed(snow(Collection::Said)).await;
        eventually("in the air", 1, async || world.api.air.deliveries().len()).await;
        assert_eq!(world.messages().await[0].general, Some(false), "on {}", world.backend);
        eventually("tried", 1, async || world.count("attempts").await).await;
        world.directory.restrict(amy, &father, Restriction::NoChildInformation);
        world.restricted(amy, Some(&father.contact_id), false).await;
        world.pass(60);
        world.until_all_are_out(1).await;
        assert!(!world.received()[DAD][0].contains("hall"));
        // Nobody knows for certain that the first try said nothing to anybody.
        assert_eq!(alarms(&world).await, 1, "on {}", world.backend);
        world.end().await;
    }
}

#[tokio::test]
async fn a_head_injury_that_left_before_the_restriction_was_heard_is_the_lead_s_task() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother, father.clone()]);
        world.hurt(said::accident(amy, AccidentKind::HeadInjury)).await;
        world.until_all_are_out(2).await;
        world.restricted(amy, Some(&father.contact_id), false).await;
        world.until_tasks(&["left_before_restriction", "ring_about_head_injury"]).await;
        world.end().await;
    }
}
