//! The bus goes away under load: stopped, killed, and killed with all that it had stored.

use tests::School;
use tests::given::nats::{Departure, GivenNats};
use tests::installation::Backend;
use tests::wait::until;

use crate::alive::every_story_is_told;
use crate::load::{AtHome, CALLERS, Load, roster};
use crate::outboxes::Outboxes;

const DEPARTURES: [Departure; 3] = [Departure::Stopped, Departure::Killed, Departure::Emptied];
/// Accidents in all with each of them, and how many of these before it and as long as it lasts.
const EACH: usize = 60;
const BEFORE: usize = 15;
const AWAY: usize = 45;

async fn nothing_is_lost(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let mut nats = GivenNats::start(folder.path()).await;
    let mut outboxes = Outboxes::default();
    let given = |settings: &mut schoolbell::settings::Settings| {
        nats.give(settings);
        outboxes = Outboxes::of(settings);
    };
    let school = School::start_given(backend, roster(EACH * DEPARTURES.len()), given).await;
    let load = Load::on(&school);
    let faults = async {
        for (round, departure) in DEPARTURES.into_iter().enumerate() {
            let before = round * EACH;
            load.goes_on(AWAY);
            load.has_taken(before + BEFORE).await;
            nats.leave(departure).await;
            let failures = relay_failures(&school).await;
            load.is_away(true);
            load.has_taken(before + AWAY).await;
            // Long enough for the relay to have noticed.
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
    nats.is_heard().await;
    school.settles().await;
    let seen = load.at_home(&school.phones.messages());
    println!(
        "{backend:?}: {} RPCs answered OK while the bus was away, {} refused, the slowest in {:?}; {:?} from the first",
        load.answered_away.get(),
        *load.refused.borrow(),
        load.slowest.get(),
        began.elapsed()
    );
    println!(
        "{backend:?}: {} messages, {} repeated; {} of {} outdated",
        seen.messages,
        seen.repeated,
        seen.outdated.len(),
        seen.amended_away
    );
    // On a busy machine the directory may once not answer in time; the bus came back only after
    // the others had been taken.
    assert!(*load.refused.borrow() <= CALLERS, "{} RPCs refused", *load.refused.borrow());
    assert!(load.answered_away.get() >= DEPARTURES.len() * 10, "{} RPCs", load.answered_away.get());
    // Whoever hears the first words and the last together tells the last only; facts that are
    // handed out one after the other can fall apart, and then the last words come as an update.
    let (outdated, amended) = (seen.outdated.len(), seen.amended_away);
    assert!(amended > 0 && outdated * 4 <= amended, "{outdated} of {amended} were told outdated words");
    let AtHome { missing, out_of_order, repeated, .. } = seen;
    assert_eq!((missing, out_of_order, repeated), (Vec::new(), Vec::new(), 0));
    every_story_is_told(&school).await;
    school.ends_clean().await;
    nats.stop().await;
}

async fn relay_failures(school: &School) -> u64 {
    let metrics =
        reqwest::get(format!("http://{}/metrics", school.http)).await.unwrap().text().await.unwrap();
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("kit_relay_failures_total{service=\"incidents\"} ")?.parse().ok());
    count.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_is_stopped_killed_and_emptied_loses_nothing_and_repeats_nothing() {
    Box::pin(nothing_is_lost(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_postgresql() {
    Box::pin(nothing_is_lost(Backend::Postgres)).await;
}
