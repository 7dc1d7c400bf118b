//! A stream that is lost between a relay's publishing and its remembering that it has published.

use sea_orm::ConnectionTrait;

use super::super::relay;
use super::Nats;
use super::relays::{outbox_ids, published, say, unsent};
use crate::Tenant;
use crate::fixtures::number;
use crate::testing::{eventually, stores};

#[tokio::test]
async fn a_fact_that_went_into_a_lost_stream_is_published_again_by_whoever_noticed_it() {
    for trial in stores("trial", &[]).await {
        let (nats, store) = (Nats::start().await, &trial.store);
        let (here, there) = (nats.bus("bell").await, nats.bus("bell").await);
        let replica = match trial.backend {
            "PostgreSQL" => trial.open_again("trial", &[]).await,
            _ => store.clone(),
        };
        say(store, Tenant::generate(), 0..3).await;
        let seen = relay::look(store, &here).await.unwrap();
        let rows = relay::unsent(store).await.unwrap();
        relay::publish(&here, &rows).await.unwrap();
        here.context.delete_stream("schoolbell_bell").await.unwrap();
        relay::look(&replica, &there).await.unwrap();
        assert!(!relay::remember(store, &seen, &rows).await.unwrap(), "{}", trial.backend);
        relay::publish_all(store, &here).await.unwrap();
        assert_eq!(unsent(store).await, 0);
        assert_eq!(published(&here).await, outbox_ids(store).await, "{}", trial.backend);
    }
}

#[tokio::test]
async fn a_replica_that_notices_the_loss_while_another_is_remembering_undoes_what_that_remembers() {
    let trials = stores("trial", &[]).await;
    let trial = trials.iter().find(|trial| trial.backend == "PostgreSQL").unwrap();
    let (nats, store, replica) = (Nats::start().await, &trial.store, trial.open_again("trial", &[]).await);
    let (here, there) = (nats.bus("bell").await, nats.bus("bell").await);
    say(store, Tenant::generate(), 0..3).await;
    let seen = relay::look(store, &here).await.unwrap();
    let rows = relay::unsent(store).await.unwrap();
    relay::publish(&here, &rows).await.unwrap();
    here.context.delete_stream("schoolbell_bell").await.unwrap();
    // The change of the outbox waits for a lock of ours: it has looked at the stream by then, and
    // the other replica must not be able to look at the outbox before it.
    let lock = "CREATE FUNCTION met() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$; \
                CREATE TRIGGER met BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION met()";
    store.read().execute_unprepared(lock).await.unwrap();
    let ours = store.begin().await.unwrap();
    ours.execute_unprepared("SELECT pg_advisory_xact_lock(7)").await.unwrap();
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let meeting = async {
        eventually("who waits to remember", 1, || number(store, waiting)).await;
        let noticing = relay::look(&replica, &there);
        let letting_go = async {
            eventually("who waits, with the one who notices", 2, || number(store, waiting)).await;
            ours.rollback().await.unwrap();
        };
        tokio::join!(noticing, letting_go).0.unwrap();
    };
    let (remembered, ()) = tokio::join!(relay::remember(store, &seen, &rows), meeting);
    assert!(remembered.unwrap(), "nobody had noticed when it began");
    assert_eq!(unsent(store).await, 3, "what it remembered was not so");
    relay::publish_all(store, &here).await.unwrap();
    assert_eq!(published(&here).await, outbox_ids(store).await);
}
