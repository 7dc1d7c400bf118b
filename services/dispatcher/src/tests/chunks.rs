//! Leases: who may work on what, and for how long.

use jiff::Timestamp;

use super::*;
use crate::routes::Lane;
use crate::store::chunks::{Line, Waiting, claim, close, release, renew, waiting};

async fn chunk(world: &World, id: &str, lane: i64, due_at: Timestamp) {
    let school = world.school;
    let due_at = kit::clock::micros(due_at);
    world
        .meddle(&format!(
            "INSERT INTO chunks (id, school, channel, lane, due_at) \
             VALUES ('{id}', '{school}', 'sms.notify', {lane}, {due_at})"
        ))
        .await;
}

fn texts(lane: Lane) -> Line {
    Line::Of("sms.notify".parse().unwrap(), lane)
}

async fn claimed(world: &World, lane: Lane, owner: &str) -> Option<String> {
    claim(&world.store, &texts(lane), owner).await.unwrap().map(|chunk| chunk.id)
}

#[tokio::test]
async fn each_lane_is_claimed_by_its_own_line_and_within_it_what_is_due_longest() {
    for world in quiet_worlds().await {
        let now = world.now();
        let second = SignedDuration::from_secs(1);
        chunk(&world, "normal-late", 1, now).await;
        chunk(&world, "normal-early", 1, now - second).await;
        chunk(&world, "urgent", 0, now).await;
        chunk(&world, "not-yet", 0, now + second).await;
        let first =
            |lane: Lane, due_at| Waiting { channel: "sms.notify".to_owned(), lane: lane.order(), due_at };
        let mut found = waiting(&world.store).await.unwrap();
        found.sort_by_key(|waiting| waiting.lane);
        assert_eq!(found, [first(Lane::Urgent, now), first(Lane::Normal, now - second)]);
        for (lane, expected) in [
            (Lane::Bulk, None),
            (Lane::Urgent, Some("urgent")),
            (Lane::Urgent, None),
            (Lane::Normal, Some("normal-early")),
            (Lane::Normal, Some("normal-late")),
            (Lane::Normal, None),
        ] {
            assert_eq!(claimed(&world, lane, "a").await.as_deref(), expected);
        }
        assert_eq!(waiting(&world.store).await.unwrap(), [first(Lane::Urgent, now + second)]);
        world.pass(1);
        assert_eq!(claimed(&world, Lane::Urgent, "a").await.as_deref(), Some("not-yet"));
        assert_eq!(waiting(&world.store).await.unwrap(), []);
        world.end().await;
    }
}

#[tokio::test]
async fn a_leased_chunk_is_nobody_else_s_until_its_lease_has_run_out() {
    for world in quiet_worlds().await {
        chunk(&world, "one", 1, world.now()).await;
        assert_eq!(claimed(&world, Lane::Normal, "a").await.as_deref(), Some("one"));
        assert_eq!(claimed(&world, Lane::Normal, "b").await, None);
        assert!(renew(&world.store, "one", "a").await.unwrap());
        assert!(!renew(&world.store, "one", "b").await.unwrap());
        assert!(!release(&world.store, "one", "b", world.now()).await.unwrap());
        assert!(!close(&world.store, "one", "b").await.unwrap());
        world.meddle("UPDATE chunks SET lease_until = 0").await;
        assert_eq!(claimed(&world, Lane::Normal, "b").await.as_deref(), Some("one"));
        assert!(!renew(&world.store, "one", "a").await.unwrap(), "its first holder has lost it");
        assert!(release(&world.store, "one", "b", world.now()).await.unwrap());
        assert_eq!(claimed(&world, Lane::Normal, "a").await.as_deref(), Some("one"));
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_has_one_holder_however_many_reach_for_it() {
    for world in quiet_worlds().await {
        for number in 0..10 {
            chunk(&world, &format!("chunk-{number}"), 1, world.now()).await;
        }
        let mut claims = JoinSet::new();
        for owner in 0..30 {
            let store = world.store.clone();
            claims.spawn(async move {
                claim(&store, &texts(Lane::Normal), &format!("owner-{owner}")).await.unwrap()
            });
        }
        let mut held: Vec<_> = claims.join_all().await.into_iter().flatten().map(|chunk| chunk.id).collect();
        held.sort();
        held.dedup();
        assert_eq!(held.len(), 10);
        world.end().await;
    }
}

#[tokio::test]
async fn a_chunk_is_closed_only_when_nothing_of_it_is_open() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        world.sweep().await;
        let chunk = claimed(&world, Lane::Normal, "a").await.unwrap();
        assert!(!close(&world.store, &chunk, "a").await.unwrap());
        world.meddle("UPDATE deliveries SET chunk_id = NULL").await;
        assert!(close(&world.store, &chunk, "a").await.unwrap());
        assert_eq!(world.count("chunks").await, 0);
        world.end().await;
    }
}

#[tokio::test]
async fn each_channel_has_lines_of_its_own_and_what_no_channel_carries_any_more_has_one_too() {
    for world in quiet_worlds().await {
        let line = |name: &str| Line::Of(name.parse().unwrap(), Lane::Normal);
        let beside = Line::Beside(vec!["sms.notify".parse().unwrap(), "email.smtp".parse().unwrap()]);
        chunk(&world, "text", 1, world.now()).await;
        let first = waiting(&world.store).await.unwrap().remove(0);
        assert!(texts(Lane::Normal).takes(&first) && !texts(Lane::Urgent).takes(&first));
        assert!(!line("email.smtp").takes(&first) && !beside.takes(&first));
        let lines = [(line("email.smtp"), None), (beside.clone(), None), (texts(Lane::Normal), Some("text"))];
        for (line, expected) in lines {
            let held = claim(&world.store, &line, "a").await.unwrap().map(|chunk| chunk.id);
            assert_eq!(held.as_deref(), expected);
        }
        chunk(&world, "gone", 0, world.now()).await;
        world.meddle("UPDATE chunks SET channel = 'sms.gone' WHERE id = 'gone'").await;
        let gone = waiting(&world.store).await.unwrap().remove(0);
        assert!(beside.takes(&gone) && !texts(Lane::Urgent).takes(&gone));
        let held = claim(&world.store, &beside, "a").await.unwrap().unwrap();
        assert_eq!((held.id.as_str(), held.channel.as_str()), ("gone", "sms.gone"));
        world.end().await;
    }
}
