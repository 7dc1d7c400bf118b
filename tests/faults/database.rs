//! PostgreSQL goes away under load, in the middle of what it was doing.

use tests::School;
use tests::given::postgres::GivenPostgres;
use tests::installation::Backend;

use crate::alive::every_story_is_told;
use crate::load::{AtHome, CALLERS, Load, roster};
use crate::outboxes::Outboxes;

/// How many refusals each outage lasts: one until every caller was refused, one no longer than the
/// server takes.
const OUTAGES: [usize; 2] = [CALLERS, 0];
/// Accidents in all with each outage, and how many of these before it.
const EACH: usize = 60;
const BEFORE: usize = 20;
/// The dispatcher's credit window: what an outage between a send and its record may repeat.
const CREDITS: usize = 512;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_restarted_refuses_meanwhile_and_loses_nothing() {
    let mut postgres = GivenPostgres::start().await;
    let mut outboxes = Outboxes::default();
    let given = |settings: &mut schoolbell::settings::Settings| {
        postgres.give(settings);
        outboxes = Outboxes::of(settings);
    };
    let school = School::start_given(Backend::Sqlite, roster(OUTAGES.len() * EACH), given).await;
    let load = Load::on(&school);
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
        "{} RPCs refused, the slowest answer in {:?}; {} messages, {} repeated; {:?}",
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
    postgres.stop().await;
}
