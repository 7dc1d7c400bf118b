//! The credit window, and stopping: how much may be in the air, and that nothing hangs.

use super::*;
use crate::sender::CREDITS;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_is_in_the_air_than_there_are_credits() {
    let setup = Setup { runs: Runs::Nothing, connections: 2_000, answers_within: 2_500, ..Setup::default() };
    for mut world in worlds(&setup).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::TimeOutBeforeAccepting { provider, requests: 700 });
        world.missing(world.directory.add("Amy", &parents(700))).await;
        world.gathered();
        world.sweep().await;
        world.run();
        let most = std::sync::atomic::AtomicUsize::new(0);
        eventually("settled once", 700, async || {
            let now = world.api.air.deliveries().len();
            most.fetch_max(now, std::sync::atomic::Ordering::Relaxed);
            world.count("attempts").await
        })
        .await;
        let most = most.into_inner();
        assert!(most <= CREDITS, "{most} were in the air");
        assert!(most > CREDITS / 2, "only {most} were in the air: this shows nothing");
        world.end().await;
    }
}

#[tokio::test]
async fn without_a_fresh_copy_of_the_generation_nothing_is_started_and_a_stop_does_not_hang() {
    for mut world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        world.sweep().await;
        // The sender and the rest run, and nobody follows the generation.
        world.work.spawn(world.sender.take().unwrap().run(world.stop.clone()));
        let settling = world.settling.take().unwrap();
        world.work.spawn(settling);
        let leased = "SELECT COUNT(*) AS number FROM chunks WHERE owner IS NOT NULL";
        eventually("leased", 1, async || world.number(leased).await).await;
        assert_eq!(world.api.generation.fresh(), None);
        assert_eq!(world.times_cleared(), 0);
        world.stop.cancel();
        eventually("given back", 0, async || world.number(leased).await).await;
        assert!(world.simulator.messages().is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn the_copy_of_the_generation_grows_stale_when_the_store_is_away() {
    for mut world in quiet_worlds().await {
        world.run();
        let fresh = async || world.api.generation.fresh().is_some();
        eventually("a copy", true, fresh).await;
        world.store.close().await.unwrap();
        eventually("a copy", false, fresh).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_stop_while_a_provider_is_slow_waits_for_its_answer_and_writes_it_down() {
    for world in worlds(&Setup::default()).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::Slow { provider, milliseconds: 1_000 });
        world.simulator.behave(Behaviour::Receipts { travel: simulator::Travel::Withheld });
        world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        eventually("in the air", 1, async || world.api.air.deliveries().len()).await;
        world.stop.cancel();
        world.until_states(&["accepted"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_stop_while_the_store_is_away_gives_up_what_cannot_be_written() {
    for world in worlds(&Setup::default()).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::Slow { provider, milliseconds: 500 });
        world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        eventually("in the air", 1, async || world.api.air.deliveries().len()).await;
        world.store.close().await.unwrap();
        world.until_received(1).await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_urgent_overtakes_a_run_that_is_under_way() {
    let setup = Setup { connections: 1, ..Setup::default() };
    for world in worlds(&setup).await {
        let wrong = world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        world.until_states(&["delivered"]).await;
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::Slow { provider, milliseconds: 100 });
        world.missing(world.directory.add("Ben", &parents(400))).await;
        world.gathered();
        world.until_received(5).await;
        world.arrived(&wrong, 2).await;
        eventually("the correction", 2, async || world.received()["+447700900001"].len()).await;
        let before = world.simulator.messages().len();
        assert!(before < 200, "{before} others went first");
        world.end().await;
    }
}
