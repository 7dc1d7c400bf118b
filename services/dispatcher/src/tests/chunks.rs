//! Leases: who may work on what, and for how long.

use jiff::Timestamp;

use super::*;
use crate::store::chunks::{Chunk, Line, claim, close, next_due, release, renew, something_overtakes};

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

fn texts() -> Line {
    Line::Of("sms.notify".parse().unwrap())
}

async fn claimed(world: &World, owner: &str) -> Option<String> {
    claim(&world.store, &texts(), owner).await.unwrap().map(|chunk| chunk.id)
}

/// A chunk of texts in the normal lane.
fn normal(world: &World) -> Chunk {
    let channel = "sms.notify".parse().unwrap();
    Chunk { id: "mine".to_owned(), school: world.school, channel, lane: 1 }
}

#[tokio::test]
async fn the_urgent_lane_is_claimed_first_and_within_a_lane_what_is_due_longest() {
    for world in quiet_worlds().await {
        let now = world.now();
        let second = SignedDuration::from_secs(1);
        chunk(&world, "normal-late", 1, now).await;
        chunk(&world, "normal-early", 1, now - second).await;
        chunk(&world, "urgent", 0, now).await;
        chunk(&world, "not-yet", 0, now + second).await;
        assert!(something_overtakes(&world.store, &normal(&world)).await.unwrap());
        for expected in [Some("urgent"), Some("normal-early"), Some("normal-late"), None] {
            assert_eq!(claimed(&world, "a").await.as_deref(), expected);
        }
        assert!(!something_overtakes(&world.store, &normal(&world)).await.unwrap());
        assert_eq!(next_due(&world.store, &texts()).await.unwrap(), Some(now + second));
        world.pass(1);
        assert_eq!(claimed(&world, "a").await.as_deref(), Some("not-yet"));
        assert_eq!(next_due(&world.store, &texts()).await.unwrap(), None);
        world.end().await;
    }
}

#[tokio::test]
async fn a_leased_chunk_is_nobody_else_s_until_its_lease_has_run_out() {
    for world in quiet_worlds().await {
        chunk(&world, "one", 1, world.now()).await;
        assert_eq!(claimed(&world, "a").await.as_deref(), Some("one"));
        assert_eq!(claimed(&world, "b").await, None);
        assert!(renew(&world.store, "one", "a").await.unwrap());
        assert!(!renew(&world.store, "one", "b").await.unwrap());
        assert!(!release(&world.store, "one", "b", world.now()).await.unwrap());
        assert!(!close(&world.store, "one", "b").await.unwrap());
        world.meddle("UPDATE chunks SET lease_until = 0").await;
        assert_eq!(claimed(&world, "b").await.as_deref(), Some("one"));
        assert!(!renew(&world.store, "one", "a").await.unwrap(), "its first holder has lost it");
        assert!(release(&world.store, "one", "b", world.now()).await.unwrap());
        assert_eq!(claimed(&world, "a").await.as_deref(), Some("one"));
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
            claims.spawn(async move { claim(&store, &texts(), &format!("owner-{owner}")).await.unwrap() });
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
        let chunk = claimed(&world, "a").await.unwrap();
        assert!(!close(&world.store, &chunk, "a").await.unwrap());
        world.meddle("UPDATE deliveries SET chunk_id = NULL").await;
        assert!(close(&world.store, &chunk, "a").await.unwrap());
        assert_eq!(world.count("chunks").await, 0);
        world.end().await;
    }
}

#[tokio::test]
async fn each_channel_has_a_line_of_its_own_and_what_no_channel_carries_any_more_has_one_too() {
    for world in quiet_worlds().await {
        let line = |name: &str| Line::Of(name.parse().unwrap());
        let beside = Line::Beside(vec!["sms.notify".parse().unwrap(), "email.smtp".parse().unwrap()]);
        chunk(&world, "text", 1, world.now()).await;
        for (line, expected) in [(line("email.smtp"), None), (beside.clone(), None), (texts(), Some("text"))]
        {
            let held = claim(&world.store, &line, "a").await.unwrap().map(|chunk| chunk.id);
            assert_eq!(held.as_deref(), expected);
        }
        chunk(&world, "gone", 0, world.now()).await;
        world.meddle("UPDATE chunks SET channel = 'sms.gone' WHERE id = 'gone'").await;
        assert!(!something_overtakes(&world.store, &normal(&world)).await.unwrap());
        assert_eq!(next_due(&world.store, &texts()).await.unwrap(), None);
        let held = claim(&world.store, &beside, "a").await.unwrap().unwrap();
        assert_eq!((held.id.as_str(), held.channel.as_str()), ("gone", "sms.gone"));
        world.end().await;
    }
}
