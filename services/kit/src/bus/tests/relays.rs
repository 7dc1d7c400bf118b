//! The relay against a real server: in order, once, and again when the stream was lost.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::{Bus, relay};
use super::{Nats, messages};
use crate::Tenant;
use crate::clock::micros;
use crate::fixtures::{number, rang, real};
use crate::store::{Commit, Store, rows};
use crate::testing::{eventually, stores};

pub async fn say(store: &Store, tenant: Tenant, numbers: std::ops::Range<u32>) {
    let commits = numbers.map(|number| store.commit(Commit::new().fact(&rang(tenant, number)).unwrap()));
    for outcome in join_all(commits).await {
        outcome.unwrap();
    }
}

/// The relay as the runner runs it, and the way to end it.
fn run(store: &Store, bus: &Bus) -> (JoinSet<anyhow::Result<()>>, CancellationToken) {
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(relay::run(store.clone(), bus.clone(), stop.clone()));
    (tasks, stop)
}

pub async fn unsent(store: &Store) -> i64 {
    number(store, "SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL").await
}

async fn forget_what_was_sent(store: &Store) {
    let forget = store.statement("UPDATE outbox SET sent_at = NULL", []);
    store.commit(Commit::new().execute(forget)).await.unwrap();
}

/// The ids of what stands in the stream, in its order; each must stand on its own subject.
pub async fn published(bus: &Bus) -> Vec<String> {
    let stream = bus.stream_of(bus.service).await.unwrap();
    let state = &stream.cached_info().state;
    let mut ids = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
        let id = message.headers.get("Nats-Msg-Id").unwrap().to_string();
        assert_eq!(body["id"], id.as_str());
        assert_eq!(message.headers.get("Content-Type").unwrap().as_str(), "application/cloudevents+json");
        assert_eq!(*message.subject, format!("schoolbell.bell.rang.{}", body["school"].as_str().unwrap()));
        ids.push(id);
    }
    ids
}

async fn outbox(store: &Store) -> Vec<rows::outbox::Model> {
    rows::outbox::Entity::find().order_by_asc(rows::outbox::Column::Id).all(store.read()).await.unwrap()
}

pub async fn outbox_ids(store: &Store) -> Vec<String> {
    outbox(store).await.into_iter().map(|row| row.event_id).collect()
}

#[tokio::test]
async fn facts_arrive_in_their_order_with_their_ids() {
    let nats = Nats::start().await;
    for (trial, service) in stores("trial", &[]).await.into_iter().zip(["bell", "bell"]) {
        let bus = nats.bus(service).await;
        let before = messages(&bus, "bell").await.unwrap_or_default();
        let (mut relay, stop) = run(&trial.store, &bus);
        say(&trial.store, Tenant::generate(), 0..1).await;
        say(&trial.store, Tenant::generate(), 1..1_203).await;
        eventually("what is not sent", 0, || unsent(&trial.store)).await;
        let here: Vec<_> = published(&bus).await.split_off(usize::try_from(before).unwrap());
        assert_eq!(here, outbox_ids(&trial.store).await, "{}", trial.backend);
        stop.cancel();
        relay.join_next().await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_atomic_batch_is_really_used_and_one_known_id_refuses_all_of_it() {
    let nats = Nats::start().await;
    let trial = &stores("trial", &[]).await[0];
    let bus = nats.bus("bell").await;
    bus.own_stream().await.unwrap();
    say(&trial.store, Tenant::generate(), 0..1_000).await;
    let rows = outbox(&trial.store).await;
    // Ok says that the server's one answer counted every fact of the batch.
    relay::publish_batch(&bus, &rows[..500]).await.unwrap();
    assert_eq!(messages(&bus, "bell").await, Some(500));
    relay::publish_batch(&bus, &rows[499..]).await.unwrap_err();
    assert_eq!(messages(&bus, "bell").await, Some(500), "a refused batch leaves nothing behind");
    relay::publish_batch(&bus, &rows[500..]).await.unwrap();
    assert_eq!(published(&bus).await, outbox_ids(&trial.store).await);
}

#[tokio::test]
async fn an_outbox_that_is_replayed_says_nothing_twice() {
    for trial in stores("trial", &[]).await {
        let nats = Nats::start().await;
        let (store, bus) = (&trial.store, nats.bus("bell").await);
        say(store, Tenant::generate(), 0..40).await;
        relay::publish_all(store, &bus).await.unwrap();
        // As after a crash between publishing and remembering it; two more have come since.
        forget_what_was_sent(store).await;
        say(store, Tenant::generate(), 40..42).await;
        relay::publish_all(store, &bus).await.unwrap();
        assert_eq!(unsent(store).await, 0);
        assert_eq!(published(&bus).await, outbox_ids(store).await, "{}", trial.backend);
    }
}

#[tokio::test]
async fn relays_of_two_replicas_say_nothing_twice() {
    let nats = Nats::start().await;
    let trials = stores("trial", &[]).await;
    let trial = trials.iter().find(|trial| trial.backend == "PostgreSQL").unwrap();
    let replica = trial.open_again("trial", &[]).await;
    let (here, there) = (nats.bus("bell").await, nats.bus("bell").await);
    let (_first, _) = run(&trial.store, &here);
    let (_second, _) = run(&replica, &there);
    let tenant = Tenant::generate();
    tokio::join!(say(&trial.store, tenant, 0..300), say(&replica, tenant, 300..600));
    eventually("what is not sent", 0, || unsent(&replica)).await;
    let published = published(&here).await;
    let ids: BTreeSet<&String> = published.iter().collect();
    assert_eq!((published.len(), ids.len()), (600, 600));
}

#[tokio::test]
async fn a_stream_that_was_deleted_gets_back_what_it_would_still_keep() {
    for trial in stores("trial", &[]).await {
        let nats = Nats::start().await;
        let (store, bus) = (&trial.store, nats.bus("bell").await);
        say(store, Tenant::generate(), 0..20).await;
        let (_relay, _) = run(store, &bus);
        eventually("what is not sent", 0, || unsent(store)).await;
        let long_ago = micros(real() - SignedDuration::from_hours(15 * 24));
        let first = "UPDATE outbox SET sent_at = $1 WHERE id = (SELECT MIN(id) FROM outbox)";
        store.commit(Commit::new().execute(store.statement(first, [long_ago.into()]))).await.unwrap();
        bus.context.delete_stream("schoolbell_bell").await.unwrap();
        eventually("facts in the stream", Some(19), || messages(&bus, "bell")).await;
        assert_eq!(published(&bus).await, outbox_ids(store).await[1..], "{}", trial.backend);
    }
}

#[tokio::test]
async fn a_server_that_lost_its_disk_gets_everything_again() {
    let mut nats = Nats::start().await;
    let trial = &stores("trial", &[]).await[0];
    let bus = nats.bus("bell").await;
    let (_relay, _) = run(&trial.store, &bus);
    say(&trial.store, Tenant::generate(), 0..20).await;
    eventually("what is not sent", 0, || unsent(&trial.store)).await;
    nats.kill().await;
    nats.lose_everything();
    nats.start_again().await;
    say(&trial.store, Tenant::generate(), 20..21).await;
    eventually("facts in the stream", Some(21), || messages(&bus, "bell")).await;
    assert_eq!(published(&bus).await.len(), 21);
}

#[tokio::test]
async fn without_a_server_decisions_go_on_and_their_facts_arrive_later() {
    let mut nats = Nats::start().await;
    let trial = &stores("trial", &[]).await[0];
    let bus = nats.bus("bell").await;
    let (mut relay, stop) = run(&trial.store, &bus);
    say(&trial.store, Tenant::generate(), 0..3).await;
    eventually("what is not sent", 0, || unsent(&trial.store)).await;
    nats.kill().await;
    say(&trial.store, Tenant::generate(), 3..30).await;
    assert_eq!(unsent(&trial.store).await, 27);
    nats.start_again().await;
    eventually("what is not sent", 0, || unsent(&trial.store)).await;
    assert_eq!(published(&bus).await, outbox_ids(&trial.store).await);
    // And a relay that is asked to end while there is none does not hang.
    nats.kill().await;
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(15), relay.join_next()).await;
    ended.expect("the relay ends").unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn what_was_committed_before_the_end_is_published_at_the_end() {
    let nats = Nats::start().await;
    let trial = &stores("trial", &[]).await[0];
    let bus = nats.bus("bell").await;
    let (mut relay, stop) = run(&trial.store, &bus);
    eventually("a stream", Some(0), || messages(&bus, "bell")).await;
    say(&trial.store, Tenant::generate(), 0..700).await;
    stop.cancel();
    relay.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(messages(&bus, "bell").await, Some(700));
    let remembered = trial.store.statement("SELECT created FROM streams WHERE name = 'schoolbell_bell'", []);
    assert!(trial.store.read().query_one_raw(remembered).await.unwrap().is_some());
}
