//! A person asks for it to be sent again: to those whom nothing reached, and to nobody else.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::*;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";

fn everything(gathering: &str) -> pb::RedeliverRequest {
    pb::RedeliverRequest {
        request_id: EventId::generate().to_string(),
        what: Some(pb::redeliver_request::What::GatheringId(gathering.to_owned())),
        why: "her phone was off".to_owned(),
    }
}

async fn redeliver(world: &World, request: &pb::RedeliverRequest) -> Result<pb::RedeliverResponse, Status> {
    Ok(world.api.redeliver(world.request(request.clone())).await?.into_inner())
}

fn counts(answer: &pb::RedeliverResponse) -> [i32; 5] {
    [answer.contacts, answer.messages, answer.left_alone, answer.tasks, answer.over]
}

/// Nothing reaches the mother of Amy; the father is told.
async fn mother_is_not_reached(world: &World) -> String {
    world.dead(MUM);
    world.dead(MAIL);
    world.missing(world.directory.add("Amy", &[parent(&[MUM, MAIL]), parent(&[DAD])])).await;
    world.gathered();
    world.until_tasks(&["no_working_address", "not_reached"]).await;
    world.until_quiet().await;
    world.gatherings().await.remove(0).id
}

fn received(world: &World, address: &str) -> usize {
    world.received().get(address).map_or(0, Vec::len)
}

#[tokio::test]
async fn whom_nothing_reached_is_told_from_the_first_address_on_and_nobody_else() {
    for world in worlds(&Setup::default()).await {
        let gathering = mother_is_not_reached(&world).await;
        world.simulator.behave(Behaviour::Alive { address: MUM.to_owned() });
        let before = received(&world, MUM);
        let request = everything(&gathering);
        let answer = redeliver(&world, &request).await.unwrap();
        assert_eq!(counts(&answer), [1, 1, 1, 0, 0], "{}", world.backend);
        eventually("texts to her", before + 1, async || received(&world, MUM)).await;
        world.until_quiet().await;
        assert_eq!(received(&world, DAD), 1);
        // The same wish again changes nothing, and another finds nobody.
        assert_eq!(redeliver(&world, &request).await.unwrap(), answer);
        eventually("receipts", 2, async || {
            world.number("SELECT COUNT(*) AS number FROM deliveries WHERE state = 'delivered'").await
        })
        .await;
        let again = redeliver(&world, &everything(&gathering)).await.unwrap();
        assert_eq!(counts(&again), [0, 0, 2, 0, 0]);
        assert_eq!(received(&world, MUM), before + 1);
        let kept = "SELECT COUNT(*) AS number FROM redeliveries WHERE why = 'her phone was off'";
        assert_eq!(world.number(kept).await, 2);
        let decided = "SELECT COUNT(*) AS number FROM decisions WHERE why = 'REDELIVERED'";
        assert_eq!(world.number(decided).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn when_it_fails_again_a_person_is_asked_again() {
    for world in worlds(&Setup::default()).await {
        let gathering = mother_is_not_reached(&world).await;
        world.complete_task("not_reached").await;
        assert_eq!(redeliver(&world, &everything(&gathering)).await.unwrap().contacts, 1);
        world.until_tasks(&["no_working_address", "not_reached", "not_reached"]).await;
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_on_its_way_is_left_alone_and_what_is_over_is_not_sent() {
    for world in quiet_worlds().await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        let case = world.missing(amy).await;
        let gathering = world.gatherings().await.remove(0).id;
        let reason = |refused: Result<_, Status>| {
            let status = refused.map(|_: pb::RedeliverResponse| ()).unwrap_err();
            (status.code(), status.get_details_error_info().unwrap().reason)
        };
        let refused = reason(redeliver(&world, &everything(&gathering)).await);
        assert_eq!(refused, (Code::FailedPrecondition, "STILL_GATHERING".to_owned()));
        let unknown = everything(&proto::ids::GatheringId::generate().to_string());
        let refused = reason(redeliver(&world, &unknown).await);
        assert_eq!(refused, (Code::NotFound, "UNKNOWN_NOTICE".to_owned()));
        world.gathered();
        world.sweep().await;
        let answer = redeliver(&world, &everything(&gathering)).await.unwrap();
        assert_eq!(counts(&answer), [0, 0, 1, 0, 0], "{}", world.backend);
        world.explained(&case, 2).await;
        let answer = redeliver(&world, &everything(&gathering)).await.unwrap();
        assert_eq!(counts(&answer), [0, 0, 0, 0, 1]);
        assert_eq!(world.deliveries().await.len(), 1);
        world.end().await;
    }
}
