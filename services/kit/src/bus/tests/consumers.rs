//! Hearing, against a real server: an effect once, whatever comes twice, late or broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use proto::events::{Event, Fact, subject_of};
use sea_orm::ConnectionTrait;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::consumer::Hearing;
use super::super::pulse::Pulses;
use super::super::reaction::{Reaction, Verdict};
use super::super::{Bus, consumer_name};
use super::{Nats, messages};
use crate::Tenant;
use crate::config;
use crate::fixtures::{LEDGER, Rang, account, alarm, number, rang, rows};
use crate::store::{Commit, Store};
use crate::testing::{eventually, stores};

/// A sayer and a hearer on one server.
pub struct Trial {
    pub nats: Nats,
    pub bell: Bus,
    pub ear: Bus,
    pub store: Store,
    pub backend: &'static str,
    pub pulses: Pulses,
    test: crate::testing::TestStore,
}

impl Trial {
    pub async fn on_every_store() -> Vec<Self> {
        let mut trials = Vec::new();
        for store in stores("ear", LEDGER).await {
            let nats = Nats::start().await;
            let (bell, ear) = (nats.bus("bell").await, nats.bus("ear").await);
            bell.own_stream().await.unwrap();
            trials.push(Self {
                nats,
                bell,
                ear,
                store: store.store.clone(),
                backend: store.backend,
                pulses: Pulses::default(),
                test: store,
            });
        }
        trials
    }

    /// The database was put back to an earlier state, as far as `forget` says.
    pub async fn restored(&mut self, forget: &str) {
        let held_back = Commit::new().execute(self.store.statement(forget, []));
        let at = self.store.clock().real();
        self.store.mark_restored(at, held_back).await.unwrap();
        self.store.close().await.unwrap();
        self.store = self.test.open_again("ear", LEDGER).await;
    }

    pub async fn say<T: Fact>(&self, event: &Event<T>) {
        let subject = subject_of(T::SERVICE, T::NAME, event.school);
        self.say_raw(&subject, &serde_json::to_string(event).unwrap()).await;
    }

    pub async fn say_raw(&self, subject: &str, body: &str) {
        let said = self.bell.context.publish(subject.to_owned(), body.to_owned().into()).await.unwrap();
        said.await.unwrap();
    }

    /// The consumer as the runner runs it.
    pub fn hear(&self, reactions: Vec<Reaction>) -> JoinSet<anyhow::Result<()>> {
        self.hear_until(reactions, settings(), CancellationToken::new())
    }

    /// The same with other settings, until it is stopped.
    pub fn hear_until(
        &self,
        reactions: Vec<Reaction>,
        settings: config::Nats,
        stop: CancellationToken,
    ) -> JoinSet<anyhow::Result<()>> {
        let (bus, store) = (self.ear.clone(), self.store.clone());
        let hearing = Hearing { bus, store, settings, sayer: "bell", reactions, pulses: self.pulses.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(hearing.run(stop));
        tasks
    }

    /// How many facts come after the last before which all are acknowledged.
    pub async fn waiting(&self) -> Option<u64> {
        let stream = self.ear.stream_of("bell").await.ok()?;
        let info = stream.consumer_info(consumer_name("ear", "bell")).await.ok()?;
        Some(stream.cached_info().state.last_sequence - info.ack_floor.stream_sequence)
    }

    pub async fn everything_is_heard(&self) {
        eventually("facts that wait", Some(0), || self.waiting()).await;
    }

    pub async fn count(&self, table: &str) -> i64 {
        rows(&self.store, table).await
    }
}

/// A consumer that waits for a second, and puts aside what was refused twice.
pub fn settings() -> config::Nats {
    config::Nats {
        url: None,
        passwords: std::collections::BTreeMap::default(),
        tools: Vec::new(),
        replicas: 1,
        ack_wait: Duration::from_secs(1),
        max_deliver: 2,
    }
}

/// Opens an account of a new name whenever it is asked about a bell, and counts how often it was.
pub fn counting(store: &Store, asked: &Arc<AtomicU32>) -> Reaction {
    let (store, asked) = (store.clone(), Arc::clone(asked));
    Reaction::to::<Rang, _, _>(move |event| {
        let time = asked.fetch_add(1, Ordering::Relaxed);
        let commit = account(&store, &format!("{}-{time}", event.id), event.data.number.into());
        async move { Ok(commit) }
    })
}

#[tokio::test]
async fn a_fact_that_is_heard_twice_has_its_effect_once() {
    for trial in Trial::on_every_store().await {
        let asked = Arc::default();
        let (one, two) = (rang(Tenant::generate(), 1), rang(Tenant::generate(), 2));
        // Together, so that neither of a pair can know of the other …
        for event in [&one, &one, &two] {
            trial.say(event).await;
        }
        let _hearing = trial.hear(vec![counting(&trial.store, &asked)]);
        trial.everything_is_heard().await;
        let before = asked.load(Ordering::Relaxed);
        // … and once more afterwards.
        trial.say(&one).await;
        trial.everything_is_heard().await;
        assert_eq!((trial.count("ledger").await, trial.count("inbox").await), (2, 2), "{}", trial.backend);
        assert_eq!(asked.load(Ordering::Relaxed), before, "nobody is asked about what had its effect");
        assert_eq!(messages(&trial.bell, "bell").await, Some(4));
    }
}

#[tokio::test]
async fn a_consumer_waits_for_its_stream_and_hears_it_from_the_beginning() {
    let nats = Nats::start().await;
    let stored = &stores("ear", LEDGER).await[0];
    let (bell, ear) = (nats.bus("bell").await, nats.bus("ear").await);
    let asked = Arc::default();
    let reactions = vec![counting(&stored.store, &asked)];
    let hearing = Hearing {
        bus: ear,
        store: stored.store.clone(),
        settings: settings(),
        sayer: "bell",
        reactions,
        pulses: Pulses::default(),
    };
    let mut tasks = JoinSet::new();
    let stop = CancellationToken::new();
    tasks.spawn(hearing.run(stop.clone()));
    bell.own_stream().await.unwrap();
    let event = rang(Tenant::generate(), 1);
    let subject = subject_of("bell", "rang", event.school);
    bell.context.publish(subject, serde_json::to_vec(&event).unwrap().into()).await.unwrap().await.unwrap();
    eventually("accounts", 1, || rows(&stored.store, "ledger")).await;
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_reaction_that_asks_for_time_is_asked_again() {
    for trial in Trial::on_every_store().await {
        let ready = Arc::new(AtomicBool::new(false));
        let store = trial.store.clone();
        let reaction = Reaction::to::<Rang, _, _>(move |event| {
            let ready = ready.swap(true, Ordering::Relaxed);
            let commit = account(&store, &event.id.to_string(), 1);
            async move { if ready { Ok(commit) } else { Err(Verdict::Retry("not yet".to_owned())) } }
        });
        trial.say(&rang(Tenant::generate(), 1)).await;
        let _hearing = trial.hear(vec![reaction]);
        trial.everything_is_heard().await;
        assert_eq!(
            (trial.count("ledger").await, trial.count("dead_letters").await),
            (1, 0),
            "{}",
            trial.backend
        );
    }
}

#[tokio::test]
async fn a_store_that_was_away_is_no_refusal() {
    let trial = &Trial::on_every_store().await[0];
    let (store, asked) = (trial.store.clone(), AtomicU32::new(0));
    let reaction = Reaction::to::<Rang, _, _>(move |event| {
        let commit = account(&store, &event.id.to_string(), 1);
        // As often as it may be refused, and then refused once.
        let answer = match asked.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(Verdict::Away("nobody at home".to_owned())),
            2 => Err(Verdict::Retry("not yet".to_owned())),
            _ => Ok(commit),
        };
        async move { answer }
    });
    trial.say(&rang(Tenant::generate(), 1)).await;
    let _hearing = trial.hear(vec![reaction]);
    trial.everything_is_heard().await;
    assert_eq!((trial.count("ledger").await, trial.count("dead_letters").await), (1, 0));
}

#[tokio::test]
async fn a_reaction_decides_again_when_others_change_what_it_decided_on() {
    for trial in Trial::on_every_store().await {
        trial.store.commit(account(&trial.store, "shared", 0)).await.unwrap();
        let (store, asked) = (trial.store.clone(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&asked);
        let reaction = Reaction::to::<Rang, _, _>(move |_| {
            let store = store.clone();
            let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                let version = number(&store, "SELECT version FROM ledger").await;
                let sql = "UPDATE ledger SET amount = amount + 1, version = version + 1 WHERE version = $1";
                if first {
                    let other = store.statement(sql, [version.into()]);
                    store.commit(Commit::new().execute(other)).await?;
                }
                Ok(Commit::new().guarded(store.statement(sql, [version.into()])))
            }
        });
        trial.say(&rang(Tenant::generate(), 1)).await;
        let _hearing = trial.hear(vec![reaction]);
        trial.everything_is_heard().await;
        assert_eq!(number(&trial.store, "SELECT amount FROM ledger").await, 2, "{}", trial.backend);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn a_slow_reaction_keeps_its_fact() {
    let trial = &Trial::on_every_store().await[0];
    let (store, asked) = (trial.store.clone(), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&asked);
    let reaction = Reaction::to::<Rang, _, _>(move |event| {
        counted.fetch_add(1, Ordering::Relaxed);
        let commit = account(&store, &event.id.to_string(), 1);
        async move {
            // Longer than the consumer waits for an acknowledgement.
            let mut long = tokio::time::interval(Duration::from_millis(2_500));
            long.tick().await;
            long.tick().await;
            Ok(commit)
        }
    });
    trial.say(&rang(Tenant::generate(), 1)).await;
    let _hearing = trial.hear(vec![reaction]);
    trial.everything_is_heard().await;
    let stream = trial.ear.stream_of("bell").await.unwrap();
    let info = stream.consumer_info(consumer_name("ear", "bell")).await.unwrap();
    assert_eq!((asked.load(Ordering::Relaxed), info.delivered.consumer_sequence), (1, 1));
}

#[tokio::test]
async fn a_process_that_dies_between_the_effect_and_the_acknowledgement_has_no_second_effect() {
    for trial in Trial::on_every_store().await {
        let (committed, asked) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let (store, wake, counted) = (trial.store.clone(), Arc::clone(&committed), Arc::clone(&asked));
        let reaction = Reaction::to::<Rang, _, _>(move |event| {
            let time = counted.fetch_add(1, Ordering::Relaxed);
            let commit = account(&store, &format!("{}-{time}", event.id), 1).wake(&wake);
            async move { Ok(commit) }
        });
        let mut hearing = trial.hear(vec![reaction.clone()]);
        // The writer wakes this task before it answers the consumer, and the runtime has one
        // thread: the consumer ends after its commit and before its acknowledgement.
        let mut killer = JoinSet::new();
        killer.spawn(async move {
            committed.notified().await;
            hearing.abort_all();
            while hearing.join_next().await.is_some() {}
        });
        trial.say(&rang(Tenant::generate(), 1)).await;
        killer.join_next().await.unwrap().unwrap();
        assert_eq!((trial.count("ledger").await, trial.waiting().await), (1, Some(1)), "{}", trial.backend);

        let _again = trial.hear(vec![reaction]);
        trial.everything_is_heard().await;
        assert_eq!(trial.count("ledger").await, 1, "{}", trial.backend);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_consumer_goes_on_after_the_server_was_killed() {
    let mut trials = Trial::on_every_store().await;
    let trial = &mut trials[0];
    let asked = Arc::default();
    let _hearing = trial.hear(vec![counting(&trial.store, &asked)]);
    trial.say(&rang(Tenant::generate(), 1)).await;
    eventually("accounts", 1, || rows(&trial.store, "ledger")).await;
    trial.nats.kill().await;
    trial.nats.start_again().await;
    let trial = &*trial;
    eventually("facts in the stream", Some(1), || messages(&trial.bell, "bell")).await;
    trial.say(&rang(Tenant::generate(), 2)).await;
    eventually("accounts", 2, || rows(&trial.store, "ledger")).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_stream_that_was_lost_and_said_again_has_no_second_effect() {
    let mut trials = Trial::on_every_store().await;
    let trial = &mut trials[0];
    let (asked, tenant) = (Arc::default(), Tenant::generate());
    let (known, new) = (rang(tenant, 1), rang(tenant, 2));
    let _hearing = trial.hear(vec![counting(&trial.store, &asked)]);
    trial.say(&known).await;
    eventually("accounts", 1, || rows(&trial.store, "ledger")).await;
    trial.nats.kill().await;
    trial.nats.lose_everything();
    trial.nats.start_again().await;
    let trial = &*trial;
    eventually("a stream", true, || async { trial.bell.own_stream().await.is_ok() }).await;
    trial.say(&known).await;
    trial.say(&new).await;
    eventually("facts that wait", Some(0), || trial.waiting()).await;
    assert_eq!((trial.count("ledger").await, asked.load(Ordering::Relaxed)), (2, 2));
}

#[tokio::test]
async fn a_service_hears_only_the_facts_that_it_reacts_to() {
    let trial = &Trial::on_every_store().await[0];
    let asked = Arc::default();
    trial.say(&alarm(Tenant::generate(), 1)).await;
    trial.say(&rang(Tenant::generate(), 1)).await;
    let _hearing = trial.hear(vec![counting(&trial.store, &asked)]);
    trial.everything_is_heard().await;
    assert_eq!((trial.count("ledger").await, trial.count("dead_letters").await), (1, 0));
    let nothing = trial.store.read().query_all_raw(trial.store.statement("SELECT 1 FROM tasks", [])).await;
    assert!(nothing.unwrap().is_empty());
}

#[test]
fn only_a_store_that_cannot_be_reached_is_waited_for_without_end() {
    use crate::store::Error;
    use sea_orm::{DbErr, RuntimeErr};
    let away = Error::from(DbErr::Conn(RuntimeErr::Internal("refused".to_owned())));
    assert!(matches!(Verdict::from(away), Verdict::Away(_)));
    assert!(matches!(Verdict::from(Error::Stopping), Verdict::Away(_)));
    for refused in [
        Error::Corrupt { what: "bell" },
        Error::TooLarge { what: "bell" },
        DbErr::Custom(String::new()).into(),
    ] {
        assert!(matches!(Verdict::from(refused), Verdict::Retry(_)));
    }
}
