//! A recall: what it stops, what it says, and that nothing starts once it has answered.

use std::time::Instant;

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::*;

const MUM: &str = "+447700900001";
const DAD: &str = "+447700900002";

fn everything(gathering: &str) -> pb::RecallRequest {
    pb::RecallRequest {
        request_id: EventId::generate().to_string(),
        what: Some(pb::recall_request::What::GatheringId(gathering.to_owned())),
        why: "sent by mistake".to_owned(),
    }
}

fn one(notice: &str) -> pb::RecallRequest {
    pb::RecallRequest {
        what: Some(pb::recall_request::What::NoticeId(notice.to_owned())),
        ..everything("unused")
    }
}

async fn recall(world: &World, request: &pb::RecallRequest) -> Result<(i32, i32, i32), Status> {
    let answer = world.api.recall(world.request(request.clone())).await?.into_inner();
    Ok((answer.stopped, answer.had_left, answer.in_the_air))
}

async fn amy_is_missing(world: &World) -> String {
    world.missing(world.directory.add("Amy", &[parent(&[MUM]), parent(&[DAD])])).await;
    world.gatherings().await.remove(0).id
}

fn slow(world: &World, milliseconds: u64) {
    world.simulator.behave(Behaviour::Slow { provider: simulator::Provider::Notify, milliseconds });
}

#[tokio::test]
async fn what_has_not_been_planned_never_is() {
    for world in worlds(&Setup::default()).await {
        let gathering = amy_is_missing(&world).await;
        assert_eq!(recall(&world, &everything(&gathering)).await.unwrap(), (0, 0, 0));
        world.gathered();
        let left = async || world.gatherings().await.remove(0).state;
        eventually("the gathering", "left".to_owned(), left).await;
        world.until_quiet().await;
        assert_eq!((world.deliveries().await.len(), world.simulator.messages().len()), (0, 0));
        assert_eq!(world.notices().await[0].why, "RECALLED");
        assert!(world.tasks().await.is_empty(), "a person wanted it so");
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_held_in_a_chunk_is_stopped() {
    for mut world in quiet_worlds().await {
        let gathering = amy_is_missing(&world).await;
        world.gathered();
        world.sweep().await;
        assert_eq!(recall(&world, &everything(&gathering)).await.unwrap(), (2, 0, 0));
        world.run();
        world.until_states(&["recalled", "recalled"]).await;
        assert!(world.fates().await.iter().all(|(_, why)| why == "RECALLED"));
        let request = pb::GetProgressRequest { gathering_id: gathering.clone() };
        let progress = world.api.get_progress(world.request(request)).await.unwrap().into_inner();
        let skipped: Vec<_> =
            progress.skipped.iter().map(|one| (one.reason.as_str(), one.contacts)).collect();
        assert_eq!((skipped, progress.not_reached), (vec![("RECALLED", 2)], 0), "{}", world.backend);
        let request = pb::ListDeliveriesRequest { gathering_id: gathering.clone(), ..Default::default() };
        let stopped = world.api.list_deliveries(world.request(request)).await.unwrap().into_inner();
        let named = |one: &pb::Delivery| (one.contact_ids.len(), one.subjects.len());
        let named: Vec<_> = stopped.deliveries.iter().map(named).collect();
        assert_eq!(named, [(1, 1), (1, 1)], "it is known whom it would have told");
        world.until_quiet().await;
        assert!(world.simulator.messages().is_empty() && world.tasks().await.is_empty());
        // Nothing new came of asking again.
        assert_eq!(recall(&world, &everything(&gathering)).await.unwrap(), (2, 0, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_in_the_air_is_called_so() {
    for world in worlds(&Setup::default()).await {
        slow(&world, 3_000);
        let gathering = amy_is_missing(&world).await;
        world.gathered();
        eventually("in the air", 2, async || world.api.air.deliveries().len()).await;
        assert_eq!(recall(&world, &everything(&gathering)).await.unwrap(), (0, 0, 2));
        assert!(world.simulator.messages().is_empty(), "it answered while they were under way");
        world.until_states(&["delivered", "delivered"]).await;
        world.until_quiet().await;
        assert_eq!(recall(&world, &everything(&gathering)).await.unwrap(), (0, 2, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn a_chunk_of_another_process_may_be_in_the_air() {
    for world in quiet_worlds().await {
        let gathering = amy_is_missing(&world).await;
        world.gathered();
        world.sweep().await;
        let line = crate::store::chunks::Line::Of("sms.notify".parse().unwrap(), crate::routes::Lane::Normal);
        crate::store::chunks::claim(&world.store, &line, "somebody else").await.unwrap().unwrap();
        assert_eq!(recall(&world, &everything(&gathering)).await.unwrap(), (0, 0, 2));
        world.meddle("UPDATE chunks SET lease_until = 0").await;
        assert_eq!(recall(&world, &everything(&gathering)).await.unwrap(), (2, 0, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn once_it_has_answered_nothing_starts_any_more() {
    // One of them is for what is urgent.
    let setup = Setup { connections: 5, ..Setup::default() };
    for world in worlds(&setup).await {
        slow(&world, 200);
        world.missing(world.directory.add("Amy", &parents(200))).await;
        let gathering = world.gatherings().await.remove(0).id;
        world.gathered();
        world.until_received(8).await;
        let (stopped, had_left, in_the_air) = recall(&world, &everything(&gathering)).await.unwrap();
        assert_eq!(stopped + had_left + in_the_air, 200);
        assert!(stopped > 100 && in_the_air <= 4, "{stopped} {had_left} {in_the_air}");
        world.until_quiet().await;
        let sent = i32::try_from(world.simulator.messages().len()).unwrap();
        assert!((had_left..=had_left + in_the_air).contains(&sent), "{had_left} + {in_the_air}, sent {sent}");
        world.end().await;
    }
}

#[tokio::test]
async fn a_message_that_names_another_child_too_leaves_without_the_recalled_one() {
    for mut world in quiet_worlds().await {
        let mother = parent(&[MUM]);
        for name in ["Amy", "Ben"] {
            world.missing(world.directory.add(name, std::slice::from_ref(&mother))).await;
        }
        world.gathered();
        world.sweep().await;
        let amy = world.notices().await.remove(0).id;
        recall(&world, &one(&amy)).await.unwrap();
        world.run();
        world.until_states(&["delivered"]).await;
        assert!(world.received()[MUM][0].contains("Ben was not"));
        assert!(!world.received()[MUM][0].contains("Amy"));
        world.end().await;
    }
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_and_is_done_once() {
    for world in quiet_worlds().await {
        let gathering = amy_is_missing(&world).await;
        world.gathered();
        world.sweep().await;
        let request = everything(&gathering);
        let (one, twin) = tokio::join!(recall(&world, &request), recall(&world, &request));
        assert_eq!((one.unwrap(), twin.unwrap()), ((2, 0, 0), (2, 0, 0)));
        world.meddle("UPDATE deliveries SET state = 'skipped'").await;
        let begun = Instant::now();
        assert_eq!(recall(&world, &request).await.unwrap(), (2, 0, 0));
        assert!(begun.elapsed() < Duration::from_secs(1), "the answer is remembered");
        assert_eq!(world.count("recalls").await, 1);
        let whys =
            "SELECT COUNT(*) AS number FROM recalls WHERE why = 'sent by mistake' AND who = 'person-1'";
        assert_eq!(world.number(whys).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn a_request_id_with_other_content_is_refused_before_anything_is_withdrawn() {
    for world in quiet_worlds().await {
        let gathering = amy_is_missing(&world).await;
        world.missing(world.directory.add("Ben", &[parent(&[MUM])])).await;
        let notices = world.notices().await;
        let first = one(&notices[0].id);
        let other = pb::RecallRequest { request_id: first.request_id.clone(), ..one(&notices[1].id) };
        // At the same moment one of them is faster; afterwards the other is refused all the same.
        let outcomes = tokio::join!(recall(&world, &first), recall(&world, &other));
        let (refused, loser, kept) = match outcomes {
            (Ok(_), Err(refused)) => (refused, other, 1),
            (Err(refused), Ok(_)) => (refused, first, 0),
            both => panic!("one of two is done: {both:?}"),
        };
        for refused in [refused, recall(&world, &loser).await.unwrap_err()] {
            assert_eq!(refused.code(), Code::InvalidArgument);
            let details = refused.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, "REQUEST_ID_REUSED");
        }
        let notices = world.notices().await;
        assert_eq!(
            (notices[kept].state.as_str(), notices[1 - kept].state.as_str()),
            ("gathering", "withdrawn")
        );
        let reworded = pb::RecallRequest { why: "another reason".to_owned(), ..one(&notices[kept].id) };
        recall(&world, &reworded).await.unwrap();
        assert_eq!(world.gatherings().await[0].id, gathering);
        world.end().await;
    }
}

#[tokio::test]
async fn what_cannot_be_recalled_is_refused() {
    for world in quiet_worlds().await {
        let gathering = amy_is_missing(&world).await;
        let nothing = pb::RecallRequest { what: None, ..everything(&gathering) };
        let silent = pb::RecallRequest { why: "  ".to_owned(), ..everything(&gathering) };
        let wordy = pb::RecallRequest { why: "x".repeat(501), ..everything(&gathering) };
        let nameless = pb::RecallRequest { request_id: "short".to_owned(), ..everything(&gathering) };
        for (request, code) in [
            (nothing, Code::InvalidArgument),
            (silent, Code::InvalidArgument),
            (wordy, Code::InvalidArgument),
            (nameless, Code::InvalidArgument),
            (everything("gth_1"), Code::InvalidArgument),
            (one(&gathering), Code::InvalidArgument),
            (everything(&proto::ids::GatheringId::generate().to_string()), Code::NotFound),
        ] {
            assert_eq!(recall(&world, &request).await.unwrap_err().code(), code, "{request:?}");
        }
        // Somebody of another school.
        let mut stranger = world.request(everything(&gathering));
        stranger.extensions_mut().insert(Caller { tenant: SchoolId::generate(), ..world.caller() });
        assert_eq!(world.api.recall(stranger).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(world.notices().await[0].state, "gathering");
        world.end().await;
    }
}
