//! A consumer that ends: what it had begun is finished, and what it had only fetched is free at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::super::consumer_name;
use super::super::reaction::Reaction;
use super::consumers::{Trial, settings};
use crate::Tenant;
use crate::config;
use crate::fixtures::{Rang, account, rang};
use crate::store::Store;
use crate::testing::eventually;

/// Counts when it is asked, and decides when it is let go.
fn slow(store: &Store, asked: &Arc<AtomicU32>, gate: &Arc<Semaphore>) -> Reaction {
    let (store, asked, gate) = (store.clone(), Arc::clone(asked), Arc::clone(gate));
    Reaction::to::<Rang, _, _>(move |event| {
        asked.fetch_add(1, Ordering::Relaxed);
        let (commit, gate) = (account(&store, &event.id.to_string(), 1), Arc::clone(&gate));
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(commit)
        }
    })
}

/// What is not given back waits longer than any test does.
fn patient() -> config::Nats {
    config::Nats { ack_wait: Duration::from_mins(5), ..settings() }
}

async fn in_hand(trial: &Trial) -> usize {
    let Ok(stream) = trial.ear.stream_of("bell").await else { return 0 };
    stream.consumer_info(consumer_name("ear", "bell")).await.map_or(0, |info| info.num_ack_pending)
}

#[tokio::test]
async fn what_was_fetched_and_not_begun_is_heard_by_the_next_at_once() {
    let trial = &Trial::on_every_store().await[0];
    let (asked, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    let stop = CancellationToken::new();
    let mut leaving = trial.hear_until(vec![slow(&trial.store, &asked, &gate)], patient(), stop.clone());
    for number in 1..=60 {
        trial.say(&rang(Tenant::generate(), number)).await;
    }
    eventually("facts in its hands", 60, || in_hand(trial)).await;
    // What the server has sent comes before its answer to this.
    trial.ear.client.flush().await.unwrap();
    let begun = asked.load(Ordering::Relaxed);
    assert!((1..60).contains(&begun), "{begun}");
    stop.cancel();
    gate.add_permits(1_000);
    leaving.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(trial.count("ledger").await, i64::from(begun), "what was begun is finished, and no more");
    let reactions = vec![slow(&trial.store, &asked, &gate)];
    let _next = trial.hear_until(reactions, patient(), CancellationToken::new());
    trial.everything_is_heard().await;
    assert_eq!((trial.count("ledger").await, asked.load(Ordering::Relaxed)), (60, 60));
}

#[tokio::test]
async fn what_was_begun_is_finished_although_the_consumer_was_lost() {
    let trial = &Trial::on_every_store().await[0];
    let (asked, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    let reactions = vec![slow(&trial.store, &asked, &gate)];
    let _hearing = trial.hear_until(reactions, patient(), CancellationToken::new());
    trial.say(&rang(Tenant::generate(), 1)).await;
    eventually("times asked", 1, || async { asked.load(Ordering::Relaxed) }).await;
    let stream = trial.ear.stream_of("bell").await.unwrap();
    stream.delete_consumer(&consumer_name("ear", "bell")).await.unwrap();
    // It has been told of it before this is answered, and the runtime has one thread.
    trial.ear.client.flush().await.unwrap();
    tokio::task::yield_now().await;
    gate.add_permits(1_000);
    eventually("accounts", 1, || trial.count("ledger")).await;
    trial.everything_is_heard().await;
    assert_eq!(asked.load(Ordering::Relaxed), 1, "nobody is asked about it again");
}
