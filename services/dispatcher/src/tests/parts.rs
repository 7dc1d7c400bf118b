//! A plan for many is decided at once and written out in parts: once, whoever does it.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::messaging::AnnouncementSent;
use proto::events::scope::Scope;

use super::said::letter;
use super::*;
use crate::planner::Line;
use crate::routes::Lane;
use crate::store::backlog::read;
use crate::store::erasure::{Erased, STROKE, erase};
use crate::store::parts::PlanWriter;
use crate::store::restored::hold_back;

/// More than one part holds.
const FAMILIES: u16 = 1_100;

/// A school that is written to, whose planner died when it had decided whom to tell.
async fn decided(world: &World) -> String {
    for number in 0..FAMILIES {
        let mailbox = format!("family{number}@example.org");
        world.directory.add(&format!("Child{number}"), &[parent(&[&mailbox])]);
    }
    world.announced(AnnouncementSent { text: None, ..letter(Scope::WholeSchool) }).await;
    world.planner.as_ref().unwrap().sweep_line(Line::Letters, world.now()).await.unwrap();
    let gathering = world.gatherings().await.remove(0);
    assert_eq!((gathering.state.as_str(), world.count("parts").await), ("left", 2), "{}", world.backend);
    assert_eq!(world.count("deliveries").await, 0, "{}", world.backend);
    gathering.id
}

async fn is_written_out(world: &World) {
    let all = i64::from(FAMILIES);
    for (table, rows) in [("deliveries", all), ("members", all), ("decisions", all), ("parts", 0)] {
        assert_eq!(world.count(table).await, rows, "{table} on {}", world.backend);
    }
    let addresses = world.number("SELECT COUNT(DISTINCT address) AS number FROM deliveries").await;
    assert_eq!(addresses, all, "{}", world.backend);
}

#[tokio::test]
async fn every_part_is_written_out_once_by_whoever_is_first() {
    for world in quiet_worlds().await {
        decided(&world).await;
        // Of another process, and of this one.
        let others = PlanWriter::new(&world.store, &Arc::default());
        let own = || world.api.plans.write_out(None);
        let (one, two, three) = tokio::join!(own(), own(), others.write_out(Some(world.school)));
        one.and(two).and(three).unwrap();
        is_written_out(&world).await;
        world.end().await;
    }
}

#[tokio::test]
async fn the_next_start_writes_out_what_is_left_and_all_of_it_leaves() {
    for mut world in quiet_worlds().await {
        decided(&world).await;
        world.run();
        world.until_number("SELECT COUNT(*) AS number FROM parts", 0).await;
        world.until_all_are_out(usize::from(FAMILIES)).await;
        is_written_out(&world).await;
        assert!(world.received().values().all(|bodies| bodies.len() == 1), "{}", world.backend);
        assert_eq!(world.received().len(), usize::from(FAMILIES), "{}", world.backend);
        world.end().await;
    }
}

#[tokio::test]
async fn whoever_asks_meanwhile_is_told_of_all_and_a_recall_stops_all() {
    for world in quiet_worlds().await {
        let gathering = decided(&world).await;
        let asked = pb::ListDeliveriesRequest { gathering_id: gathering.clone(), ..Default::default() };
        let listed = world.api.list_deliveries(world.request(asked)).await.unwrap().into_inner();
        assert!(!listed.next_page_token.is_empty(), "there are more on {}", world.backend);
        is_written_out(&world).await;
        world.end().await;
    }
    for mut world in quiet_worlds().await {
        let gathering = decided(&world).await;
        let request = pb::RecallRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::recall_request::What::GatheringId(gathering)),
            why: "sent by mistake".to_owned(),
        };
        let answer = world.api.recall(world.request(request)).await.unwrap().into_inner();
        assert_eq!(answer.stopped, i32::from(FAMILIES), "{}", world.backend);
        world.run();
        let recalled = "SELECT COUNT(*) AS number FROM deliveries WHERE state = 'recalled'";
        world.until_number(recalled, i64::from(FAMILIES)).await;
        assert!(world.received().is_empty(), "{}", world.backend);
        world.end().await;
    }
}

#[tokio::test]
async fn what_was_not_written_out_when_the_data_was_put_back_waits_for_a_person() {
    for world in quiet_worlds().await {
        decided(&world).await;
        let held = hold_back(&world.store, world.now()).await.unwrap();
        world.store.mark_restored(world.clock.real(), held).await.unwrap();
        is_written_out(&world).await;
        assert_eq!(world.number("SELECT COUNT(*) AS number FROM chunks").await, 0, "{}", world.backend);
        let tasks = world.tasks().await;
        assert_eq!(tasks.iter().filter(|task| task.kind == "restored").count(), 1, "{tasks:?}");
        world.end().await;
    }
}

/// A family that is written to twice, by text and by e-mail, of which only the text is written out.
async fn half_written(world: &World) {
    world.directory.add("Amy", &[parent(&["+447700900001", "amys@example.org"])]);
    world.announced(letter(Scope::WholeSchool)).await;
    world.planner.as_ref().unwrap().sweep_line(Line::Letters, world.now()).await.unwrap();
    world.meddle("UPDATE parts SET school = 'aside' WHERE id = (SELECT MAX(id) FROM parts)").await;
    assert_eq!(world.api.plans.write_out(Some(world.school)).await.unwrap(), 1);
    assert_eq!(world.addresses().await, ["+447700900001"], "{}", world.backend);
}

#[tokio::test]
async fn what_fails_before_all_of_a_plan_is_written_out_is_not_sent_where_the_rest_goes() {
    for mut world in quiet_worlds().await {
        half_written(&world).await;
        let failed = "UPDATE deliveries SET state = 'failed', chunk_id = NULL, next_address = TRUE";
        world.meddle(failed).await;
        let sweep = async || {
            world.planner.as_ref().unwrap().sweep_line(Line::Letters, world.now()).await.unwrap();
        };
        sweep().await;
        assert_eq!(world.count("deliveries").await, 1, "{}", world.backend);
        world.api.plans.write_out(None).await.unwrap();
        sweep().await;
        world.run();
        world.until_received(1).await;
        world.until_quiet().await;
        assert_eq!(world.received()["amys@example.org"].len(), 1, "{}", world.backend);
        assert_eq!(world.count("deliveries").await, 2, "{}", world.backend);
        world.end().await;
    }
}

#[tokio::test]
async fn a_part_that_cannot_be_read_hides_no_other_and_is_seen_to_wait() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&["+447700900001", "amys@example.org"])]);
        world.announced(letter(Scope::WholeSchool)).await;
        world.planner.as_ref().unwrap().sweep_line(Line::Letters, world.now()).await.unwrap();
        world.meddle("UPDATE parts SET body = '{}' WHERE id = (SELECT MIN(id) FROM parts)").await;
        world.api.plans.write_out(None).await.unwrap_err();
        assert_eq!(world.addresses().await, ["amys@example.org"], "{}", world.backend);
        assert_eq!(world.count("parts").await, 1, "{}", world.backend);
        let elsewhere = world.api.plans.write_out(Some(SchoolId::generate())).await;
        assert_eq!(elsewhere.unwrap(), 0, "another school is not concerned");
        world.meddle("DELETE FROM chunks").await;
        let waiting = read(&world.store, &world.api.timing, world.now()).await.unwrap();
        assert!(waiting[&Lane::Bulk].since.is_some(), "{waiting:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_not_written_out_is_not_erased_before_it_is() {
    for world in quiet_worlds().await {
        half_written(&world).await;
        world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
        let later = world.now() + SignedDuration::from_hours(24 * 365);
        let erased = async || erase(&world.store, later, later, STROKE).await.unwrap();
        assert_eq!(erased().await, Erased::default(), "{}", world.backend);
        world.api.plans.write_out(None).await.unwrap();
        world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
        let erased = erased().await;
        assert_eq!((erased.addresses, erased.gatherings), (2, 1), "{}", world.backend);
        world.end().await;
    }
}
