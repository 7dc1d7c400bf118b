//! The data was put back to an earlier state: what was open waits for a person, who can send it.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;

use super::*;
use crate::store::restored::hold_back;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";

async fn restore(world: &World) {
    let held = hold_back(&world.store, world.now()).await.unwrap();
    world.store.mark_restored(world.clock.real(), held).await.unwrap();
}

async fn redeliver(world: &World, gathering: &str) -> pb::RedeliverResponse {
    let request = pb::RedeliverRequest {
        request_id: EventId::generate().to_string(),
        what: Some(pb::redeliver_request::What::GatheringId(gathering.to_owned())),
        why: "nobody knew".to_owned(),
    };
    world.api.redeliver(world.request(request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_gathered_or_was_due_is_not_sent_until_a_person_asks_for_it() {
    for mut world in quiet_worlds().await {
        let amy = world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.sweep().await;
        let ben = world.missing(world.directory.add("Ben", &[parent(&[DAD])])).await;
        restore(&world).await;
        world.run();
        world.gathered();
        world.until_tasks(&["restored", "restored"]).await;
        world.until_quiet().await;
        assert!(world.simulator.messages().is_empty(), "{}", world.backend);
        let tasks = world.tasks().await;
        let named = |case: &Case| tasks.iter().filter(|task| task.subjects.contains(&case.subject)).count();
        assert_eq!((named(&amy), named(&ben)), (1, 1));
        assert!(tasks.iter().all(|task| task.role == "office"));
        for gathering in world.gatherings().await {
            let answer = redeliver(&world, &gathering.id).await;
            assert_eq!((answer.contacts, answer.messages, answer.over), (1, 1, 0), "{}", world.backend);
        }
        world.until_received(2).await;
        world.until_quiet().await;
        assert_eq!(world.received().len(), 2);
        world.end().await;
    }
}

#[tokio::test]
async fn a_closure_that_had_not_left_goes_to_all_when_a_person_asks_for_it() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM]), parent(&[DAD])]);
        world.closed(said::snow(proto::events::scope::Scope::WholeSchool)).await;
        restore(&world).await;
        world.run();
        world.pass(60);
        world.until_tasks(&["restored"]).await;
        assert!(world.simulator.messages().is_empty(), "{}", world.backend);
        let gathering = world.gatherings().await.remove(0).id;
        assert_eq!(redeliver(&world, &gathering).await.contacts, 2);
        world.until_received(2).await;
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_receipt_of_before_starts_no_step_that_may_have_been_taken_before() {
    for mut test in stores("dispatcher", crate::store::MIGRATIONS).await {
        // Everything in this world was planned before.
        let later = test.clock.real() + SignedDuration::from_hours(1);
        test.store.mark_restored(later, kit::store::Commit::new()).await.unwrap();
        test.store.close().await.unwrap();
        test.store = test.open_again("dispatcher", crate::store::MIGRATIONS).await;
        let world = World::start(test, &Setup::default()).await;
        world.dead(MUM);
        world.missing(world.directory.add("Amy", &[parent(&[MUM, MAIL])])).await;
        world.gathered();
        world.until_tasks(&["not_reached"]).await;
        world.until_quiet().await;
        assert_eq!(world.deliveries().await.len(), 1, "{}", world.backend);
        world.end().await;
    }
}
