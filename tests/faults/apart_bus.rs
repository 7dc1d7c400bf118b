//! The bus goes away under load while every service runs in a process of its own, with TLS all the way.

use tests::School;
use tests::apart::ground::Ground;
use tests::apart::protected::Standing;
use tests::given::nats::Departure;
use tests::wait::until;

use crate::alive::every_story_is_told;
use crate::load::{AtHome, CALLERS, Load, roster};
use crate::outboxes::Outboxes;

const DEPARTURES: [Departure; 2] = [Departure::Stopped, Departure::Killed];
/// Accidents in all with each of them, and how many of these before it and as long as it lasts.
const EACH: usize = 40;
const BEFORE: usize = 10;
const AWAY: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn services_apart_lose_and_repeat_nothing_when_the_bus_is_stopped_and_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut ground = Ground::start(folder.path()).await;
    let outboxes = Outboxes::on(&ground.postgres.address());
    let roster = roster(EACH * DEPARTURES.len());
    let school = Box::pin(School::start_protected(roster, &ground, Standing::Trial)).await;
    let load = Load::on(&school);
    let nats = &mut ground.nats;
    let faults = async {
        for (round, departure) in DEPARTURES.into_iter().enumerate() {
            let before = round * EACH;
            load.goes_on(AWAY);
            load.has_taken(before + BEFORE).await;
            nats.leave(departure).await;
            let failures = relay_failures(&school).await;
            load.is_away(true);
            load.has_taken(before + AWAY).await;
            until("a failure", || relay_failures(&school), |now| *now > failures).await;
            load.is_away(false);
            load.goes_on(EACH - AWAY);
            nats.come_back().await;
            load.has_taken(before + EACH).await;
        }
        load.ends();
    };
    let began = tokio::time::Instant::now();
    tokio::join!(faults, load.callers());
    load.arrives().await;
    outboxes.are_empty().await;
    ground.nats.is_heard().await;
    school.settles().await;
    let seen = load.at_home(&school.phones.messages());
    println!(
        "apart, the bus: {} RPCs answered OK while it was away, {} refused, the slowest in {:?}; {} messages, {} repeated; {:?}",
        load.answered_away.get(),
        *load.refused.borrow(),
        load.slowest.get(),
        seen.messages,
        seen.repeated,
        began.elapsed()
    );
    // On a busy machine the directory may once not answer in time.
    assert!(*load.refused.borrow() <= CALLERS, "{} RPCs refused", *load.refused.borrow());
    assert!(load.answered_away.get() >= DEPARTURES.len() * 10, "{} RPCs", load.answered_away.get());
    let AtHome { missing, out_of_order, repeated, .. } = seen;
    assert_eq!((missing, out_of_order, repeated), (Vec::new(), Vec::new(), 0));
    every_story_is_told(&school).await;
    school.ends_clean().await;
    ground.stop().await;
}

async fn relay_failures(school: &School) -> u64 {
    let metrics = school.protected().document("incidents", "/metrics").await.unwrap().text().await.unwrap();
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("kit_relay_failures_total{service=\"incidents\"} ")?.parse().ok());
    count.unwrap_or(0)
}
