//! The pulse, against a real server: a hearer knows whether it is in touch with its sayer.

use std::sync::Arc;

use futures::StreamExt;
use proto::events::{About, Event, Fact};
use proto::ids::EventId;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::reaction::Reaction;
use super::super::{pulse, relay};
use super::consumers::{Trial, counting};
use crate::Tenant;
use crate::fixtures::{Rang, account, rang};
use crate::testing::eventually;

/// More than a consumer fetches ahead.
const MANY: u32 = 150;

fn felt(trial: &Trial) -> Option<String> {
    trial.pulses.watch().borrow().get("bell").map(ToString::to_string)
}

#[tokio::test]
async fn a_hearer_has_the_pulse_of_a_sayer_that_lives_and_loses_it_with_the_server() {
    let mut trials = Trial::on_every_store().await;
    for trial in &mut trials {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(relay::run(trial.store.clone(), trial.bell.clone(), stop.clone()));
        let _hearing = trial.hear(vec![counting(&trial.store, &Arc::default())]);
        let seen = &*trial;
        let at = |at: &str| {
            seen.store.clock().set(at.parse().unwrap());
            Some(at.to_owned())
        };
        let before = at("2026-11-24T08:00:00Z");
        eventually("the pulse", before.clone(), || async { felt(seen) }).await;
        eventually("the pulse later", at("2026-11-24T09:00:00Z"), || async { felt(seen) }).await;
        trial.nats.kill().await;
        // What was sent before may still be on its way; then the last beat is the last.
        let relays_failed = || async { trial.ear.stream_of("bell").await.is_err() };
        eventually("no server", true, relays_failed).await;
        let last = felt(trial);
        trial.store.clock().set("2026-11-24T10:00:00Z".parse().unwrap());
        eventually("no server", true, relays_failed).await;
        assert_eq!(felt(trial), last);
        trial.nats.start_again().await;
        let seen = &*trial;
        let again = Some("2026-11-24T10:00:00Z".to_owned());
        eventually("the pulse once more", again, || async { felt(seen) }).await;
        stop.cancel();
        tasks.join_next().await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn whoever_has_not_been_handed_everything_is_not_in_touch() {
    let trial = &Trial::on_every_store().await[0];
    let tenant = Tenant::generate();
    for number in 0..MANY {
        trial.say(&rang(tenant, number)).await;
    }
    let (gate, store) = (Arc::new(Semaphore::new(0)), trial.store.clone());
    let held = Arc::clone(&gate);
    let reaction = Reaction::to::<Rang, _, _>(move |event| {
        let (gate, store) = (Arc::clone(&held), store.clone());
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(account(&store, &event.id.to_string(), 1))
        }
    });
    let mut beats = pulse::of(&trial.ear, "bell").await.unwrap();
    let _hearing = trial.hear(vec![reaction]);
    gate.add_permits(1);
    eventually("accounts", 1, || trial.count("ledger")).await;
    for _ in 0..3 {
        pulse::Heart::default().beat(&trial.bell).await.unwrap();
        beats.next().await.unwrap();
    }
    assert_eq!(felt(trial), None, "most has not been handed out");
    gate.add_permits(MANY as usize);
    trial.everything_is_heard().await;
    let in_touch = || async {
        pulse::Heart::default().beat(&trial.bell).await.unwrap();
        felt(trial).is_some()
    };
    eventually("in touch", true, in_touch).await;
}

/// A fact that none reacts to is no reason to be out of touch.
#[tokio::test]
async fn facts_of_no_concern_do_not_count() {
    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
    struct Other {}
    impl Fact for Other {
        const SERVICE: &'static str = "bell";
        const NAME: &'static str = "other";
        const SAFETY: bool = false;
    }
    let trial = &Trial::on_every_store().await[0];
    let school = Tenant::generate();
    let about = About { school, subject: "x".to_owned(), version: 1, time: trial.store.clock().now() };
    trial.say(&Event::new(EventId::generate(), about, Other {})).await;
    let _hearing = trial.hear(vec![counting(&trial.store, &Arc::default())]);
    let in_touch = || async {
        pulse::Heart::default().beat(&trial.bell).await.unwrap();
        felt(trial).is_some()
    };
    eventually("in touch", true, in_touch).await;
}
