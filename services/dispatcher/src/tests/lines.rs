//! What is slow, stuck or large holds up nobody else: a whole school that is not resolved, a row that
//! cannot be read, a gathering with more messages than a statement takes values.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::incidents::AccidentKind;
use proto::events::scope::Scope;

use super::said::{accident, letter, snow};
use super::*;
use neighbours::directory::Hangs;

const MUM: &str = "+447700900001";
const MUM_TOO: &str = "+447700900011";
const DAD: &str = "+447700900002";

#[tokio::test]
async fn a_letter_whose_readers_nobody_names_delays_no_news_of_a_child() {
    for world in worlds(&Setup::default()).await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.directory.hang(Hangs::WholeSchool);
        world.announced(letter(Scope::WholeSchool)).await;
        world.pass(1);
        world.hurt(accident(amy, AccidentKind::HeadInjury)).await;
        world.pass(1);
        world.until_received(1).await;
        assert_eq!(world.gatherings().await.iter().filter(|row| row.state == "open").count(), 1);
        world.end().await;
    }
}

#[tokio::test]
async fn fifty_gatherings_that_cannot_leave_do_not_hide_the_next() {
    for world in quiet_worlds().await {
        for parent in parents(50) {
            world.hurt(accident(world.directory.add("Amy", &[parent]), AccidentKind::Minor)).await;
        }
        world.meddle("UPDATE gatherings SET about = '{}'").await;
        world.hurt(accident(world.directory.add("Ben", &[parent(&[MUM])]), AccidentKind::Minor)).await;
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err(), "it is said");
        assert_eq!(world.addresses().await, [MUM]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_step_that_cannot_be_taken_does_not_hold_up_the_next_one() {
    for world in quiet_worlds().await {
        let [amy, ben] = [("Amy", MUM), ("Ben", DAD)].map(|(name, number)| {
            world.directory.add(name, &[parent(&[number, &format!("{name}@example.org")])])
        });
        for pupil in [amy, ben] {
            world.missing(pupil).await;
            world.gathered();
            world.sweep().await;
        }
        world.meddle("UPDATE deliveries SET state = 'failed', chunk_id = NULL, next_address = TRUE").await;
        world.meddle("UPDATE gatherings SET about = '{}' WHERE id = (SELECT MIN(id) FROM gatherings)").await;
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err(), "it is said");
        assert_eq!(world.addresses().await, [MUM, DAD, "Ben@example.org"]);
        world.end().await;
    }
}

/// A gathering to the whole school in which so many others have been told, each at an address of
/// their own: more than either database takes values in a statement.
async fn among_many(world: &World) -> String {
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 66000)";
    world
        .meddle(&format!(
            "{many} INSERT INTO deliveries SELECT 'other_' || n.i, NULL, d.school, d.gathering_id, d.kind, d.channel, \
             'other_' || n.i, 'accepted', 'SENT', 1, NULL, d.created_at, d.updated_at, d.valid_until, NULL, FALSE, NULL, NULL \
             FROM n, (SELECT * FROM deliveries ORDER BY id LIMIT 1) d"
        ))
        .await;
    let (contact, pupil) = (ContactId::generate(), PupilId::generate());
    world
        .meddle(&format!(
            "INSERT INTO members SELECT d.id, '{contact}', '{pupil}', n.id, TRUE, '', NULL \
             FROM deliveries d JOIN notices n ON n.gathering_id = d.gathering_id WHERE d.id LIKE 'other_%'"
        ))
        .await;
    world.gatherings().await.remove(0).id
}

#[tokio::test]
async fn a_gathering_of_any_size_takes_its_steps_is_sent_again_and_recalled() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MUM_TOO])]);
        world.closed(snow(Scope::WholeSchool)).await;
        world.sweep().await;
        let gathering = among_many(&world).await;
        let failed = "UPDATE deliveries SET state = 'failed', chunk_id = NULL, next_address";
        world.meddle(&format!("{failed} = TRUE WHERE address = '{MUM}'")).await;
        world.sweep().await;
        let hers = "SELECT COUNT(*) AS number FROM deliveries WHERE address LIKE '+44%'";
        assert_eq!(world.number(hers).await, 2, "the next address is tried");
        world.meddle(&format!("{failed} = FALSE WHERE address = '{MUM_TOO}'")).await;
        let request = pb::RedeliverRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::redeliver_request::What::GatheringId(gathering.clone())),
            why: "she asked".to_owned(),
        };
        world.api.redeliver(world.request(request)).await.unwrap();
        assert_eq!(world.number(hers).await, 3);
        let request = pb::RecallRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::recall_request::What::GatheringId(gathering)),
            why: "the snow melts".to_owned(),
        };
        let answer = world.api.recall(world.request(request)).await.unwrap().into_inner();
        assert_eq!((answer.had_left, answer.stopped), (66_000, 1));
        world.end().await;
    }
}
