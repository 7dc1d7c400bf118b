//! The whole morning of the demo with every service in processes of its own, as `docker-compose.yml`
//! has them, each of which is killed with SIGKILL again and again, at random moments, and started
//! again in its place. The demo's witness judges what arrived outside.

use std::time::Duration;

use futures::StreamExt;
use jiff::SignedDuration;
use kit::config::Secret;
use schoolbell::app;
use schoolbell::demo::morning::{Judged, Script};
use schoolbell::demo::office::Office;
use schoolbell::demo::pace::Pace;
use schoolbell::demo::public::Website;
use schoolbell::demo::stage::{GATHERS_FOR, World};
use schoolbell::demo::story::{Listener, Story};
use simulator::ReceiptsTo;
use tests::apart::Apart;
use tests::installation::{Backend, Installation};
use tokio_util::sync::CancellationToken;

use crate::killed::CREDITS;

/// What is granted where processes die: a fact may wait in the outbox of a service that is away, and
/// for its hearer, to whom it is handed out again only after some seconds.
const PACE: Pace = Pace {
    gathers_for: SignedDuration::from_secs(25),
    in_the_air: SignedDuration::from_secs(25),
    shown_within: Duration::from_mins(1),
    told_within: Duration::from_mins(1),
    settles_within: Duration::from_mins(3),
};

/// From one death to the next, and how long the dead one stays away, in milliseconds.
const LIVES: std::ops::Range<u64> = 300..1_800;
const STAYS_AWAY: std::ops::Range<u64> = 0..800;

/// What came of a morning.
struct Survived {
    seed: u64,
    judged: Judged,
    /// Who was killed, in order.
    killed: Vec<String>,
}

/// Plays a morning. The seed says who dies in which order, and when.
async fn survive(seed: u64) -> Survived {
    app::choose_tls();
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("roster");
    let world = World::begin(&files, folder.path().join("outside-world.jsonl")).await.unwrap();
    let token = Secret::random();
    let installation = Installation {
        folder: folder.path(),
        backend: Backend::Postgres,
        phones: &world.simulator,
        receipts_token: &token,
        gathers: GATHERS_FOR,
    };
    let mut apart = Apart::start(installation, world.clock.clone()).await;
    world.simulator.send_receipts_to(ReceiptsTo {
        url: format!("http://{}/dispatcher/receipts/notify", apart.http("dispatcher")),
        bearer_token: token.reveal().to_owned(),
        after: Duration::from_millis(300),
        retry_every: Duration::from_secs(2),
    });
    let office = Office::at(apart.doors(), apart.signer());
    let website = Website::at(apart.http("website"), office.school).unwrap();
    let story = Story::new(world.clock.clone(), Listener::Nobody);
    let script = Script { office: &office, world: &world, website: &website, story: &story, pace: PACE };
    let over = CancellationToken::new();
    let morning = async {
        let judged = script.play(&files).await;
        over.cancel();
        judged
    };
    let (judged, killed) = tokio::join!(morning, kill(&mut apart, seed, &over));
    let judged = judged.map_err(|error| format!("seed {seed}: {error:#}\n{}", last_words(&apart.log())));
    let judged = judged.unwrap();
    apart.stop().await;
    world.simulator.stop().await;
    Survived { seed, judged, killed }
}

/// Kills everybody in some order, then everybody in another, until the morning is over.
async fn kill(apart: &mut Apart, seed: u64, over: &CancellationToken) -> Vec<String> {
    let (mut random, mut killed, mut next) = (fastrand::Rng::with_seed(seed), Vec::new(), Vec::new());
    loop {
        if next.is_empty() {
            next = apart.everybody();
            random.shuffle(&mut next);
        }
        let Some((service, place)) = next.pop() else { return killed };
        if comes_first(over, random.u64(LIVES)).await {
            return killed;
        }
        let return_now = comes_first(over, random.u64(STAYS_AWAY));
        apart.kill_for_a_while((&service, place), return_now).await;
        killed.push(service);
    }
}

/// Waits for some milliseconds; whether the morning is over before.
async fn comes_first(over: &CancellationToken, milliseconds: u64) -> bool {
    tokio::time::timeout(Duration::from_millis(milliseconds), over.cancelled()).await.is_ok()
}

fn last_words(log: &std::path::Path) -> String {
    let words = std::fs::read_to_string(log).unwrap_or_default();
    let last: Vec<&str> = words.lines().rev().filter(|line| !line.contains("\"INFO\"")).take(20).collect();
    last.join("\n")
}

/// Most of a morning is waiting, for a gathering or for a fact that is handed out again: some are played at once.
const AT_ONCE: usize = 3;

async fn mornings(number: usize) {
    let all = (0..number).map(|_| Box::pin(survive(fastrand::u64(..))));
    let mut all = futures::stream::iter(all).buffer_unordered(AT_ONCE);
    while let Some(Survived { seed, judged, killed }) = all.next().await {
        let of = |service: &str| killed.iter().filter(|one| *one == service).count();
        let [twice, barred, wrongly, untold] = judged.verdict.figures().map(|(_, found)| found.len());
        println!(
            "seed {seed}: {} killed ({} dispatchers), {} deliveries, told twice {twice}, barred {barred}, wrongly \
             {wrongly}, not told {untold}",
            killed.len(),
            of("dispatcher"),
            judged.state.deliveries.len(),
        );
        for service in app::all() {
            assert!(of(&service) > 0, "seed {seed}: {service} was never killed: {killed:?}");
        }
        assert_eq!([barred, wrongly, untold], [0, 0, 0], "seed {seed}: {:#?}", judged.verdict);
        assert!(twice <= CREDITS * of("dispatcher"), "seed {seed}: {:#?}", judged.verdict);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_mornings_in_which_every_service_is_killed_again_and_again_lose_nobody() {
    mornings(3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "half an hour: `make soak`"]
async fn twenty_mornings() {
    mornings(20).await;
}
