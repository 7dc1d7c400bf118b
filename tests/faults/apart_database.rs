//! PostgreSQL goes away under load while every service runs in a process of its own, with TLS all the way.

use tests::School;
use tests::apart::ground::Ground;
use tests::apart::protected::Standing;

use crate::alive::every_story_is_told;
use crate::load::{AtHome, CALLERS, Load, roster};
use crate::outboxes::Outboxes;

/// How many refusals each outage lasts: one until every caller was refused, one no longer than the
/// server takes.
const OUTAGES: [usize; 2] = [CALLERS, 0];
/// Accidents in all with each outage, and how many of these before it.
const EACH: usize = 40;
const BEFORE: usize = 15;
/// The dispatcher's credit window: what an outage between a send and its record may repeat.
const CREDITS: usize = 512;

#[tokio::test(flavor = "multi_thread")]
async fn services_apart_refuse_while_the_database_is_restarted_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut ground = Ground::start(folder.path()).await;
    let outboxes = Outboxes::on(&ground.postgres.address());
    let roster = roster(EACH * OUTAGES.len());
    let school = Box::pin(School::start_protected(roster, &ground, Standing::Trial)).await;
    let load = Load::on(&school);
    let postgres = &mut ground.postgres;
    let faults = async {
        for (outage, refusals) in OUTAGES.into_iter().enumerate() {
            let before = outage * EACH;
            load.goes_on(EACH);
            load.has_taken(before + BEFORE).await;
            let refused = *load.refused.borrow();
            postgres.leave().await;
            load.is_away(true);
            load.was_refused(refused + refusals).await;
            load.is_away(false);
            postgres.come_back().await;
            load.has_taken(before + EACH).await;
        }
        load.ends();
    };
    let began = tokio::time::Instant::now();
    tokio::join!(faults, load.callers());
    load.arrives().await;
    outboxes.are_empty().await;
    school.settles().await;
    let seen = load.at_home(&school.phones.messages());
    println!(
        "apart, the database: {} RPCs refused, the slowest answer in {:?}; {} messages, {} repeated; {:?}",
        *load.refused.borrow(),
        load.slowest.get(),
        seen.messages,
        seen.repeated,
        began.elapsed()
    );
    assert_eq!(load.answered_away.get(), 0, "answered OK without a database");
    assert!(seen.repeated <= CREDITS, "{} repeated", seen.repeated);
    let AtHome { missing, out_of_order, .. } = seen;
    assert_eq!((missing, out_of_order), (Vec::new(), Vec::new()));
    every_story_is_told(&school).await;
    school.ends_clean().await;
    ground.stop().await;
}
