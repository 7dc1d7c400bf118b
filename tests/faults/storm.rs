//! An hour of days on which everything fails at random: processes die at random steps and moments, providers refuse, are
//! silent and lose answers, receipts come late and twice. A day follows from its seed, which is printed, as far as chance is ours.

use std::time::Duration;

use fastrand::Rng;
use kit::faults::{self, Fault};
use simulator::{Behaviour, Provider, Travel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cell::{Cell, Day};
use crate::killed::CREDITS;
use crate::matrix::{LAYOUTS, all_points};

const HOUR: Duration = Duration::from_hours(1);
const PROVIDERS: [Provider; 2] = [Provider::Notify, Provider::Smtp];

/// A fault at some step, of which the process dies or holds for a while.
fn fault(random: &mut Rng) -> Fault {
    let points = all_points();
    let point = points[random.usize(..points.len())];
    let says = [faults::PUBLISHING, faults::PUBLISHED].contains(&point);
    let service = if says { ["absences", "incidents", "messaging"][random.usize(..3)] } else { "dispatcher" };
    let holds_for = random.bool().then(|| Duration::from_millis(random.u64(200..4_000)));
    let time = random.u64(1..5);
    Fault { service: service.to_owned(), point: point.name().to_owned(), time, holds_for }
}

/// What a provider does wrong.
fn behaviour(random: &mut Rng) -> Behaviour {
    let (provider, requests) = (PROVIDERS[random.usize(..2)], random.u32(1..5));
    match random.u8(..8) {
        0 => Behaviour::Slow { provider, milliseconds: random.u64(50..1_500) },
        1 => Behaviour::RateLimited { provider, requests },
        2 => {
            let status = if provider == Provider::Notify { 500 } else { 451 };
            Behaviour::Answer { provider, status, requests, text: None }
        }
        3 => Behaviour::TimeOutBeforeAccepting { provider, requests },
        4 => Behaviour::TimeOutAfterAccepting { provider, requests },
        5 => Behaviour::DropAfterFinalDot { requests },
        6 => Behaviour::Receipts { travel: Travel::Late { milliseconds: random.u64(100..3_000) } },
        _ => Behaviour::Receipts { travel: Travel::Twice },
    }
}

/// How many messages such a behaviour leaves unclear.
fn unclear(behaviour: &Behaviour) -> usize {
    match behaviour {
        Behaviour::TimeOutAfterAccepting { requests, .. } | Behaviour::DropAfterFinalDot { requests } => {
            usize::try_from(*requests).unwrap()
        }
        _ => 0,
    }
}

async fn survives(seed: u64) -> Result<Day, String> {
    let mut random = Rng::with_seed(seed);
    let layout = LAYOUTS[random.usize(..LAYOUTS.len())];
    let faults: Vec<Fault> = (0..random.usize(1..4)).map(|_| fault(&mut random)).collect();
    let behaviours: Vec<Behaviour> = (0..random.usize(..3)).map(|_| behaviour(&mut random)).collect();
    let what = format!("seed {seed}: {layout:?}, {faults:?}, {behaviours:?}");
    println!("{what}");
    let cell = Cell::begin(layout, &faults).await;
    for behaviour in &behaviours {
        cell.school.phones.behave(behaviour.clone());
    }
    let over = CancellationToken::new();
    let kills = async {
        for _ in 0..random.usize(..3) {
            let moment = Duration::from_millis(random.u64(100..6_000));
            if tokio::time::timeout(moment, over.cancelled()).await.is_ok() {
                return;
            }
            cell.school.mortal().kill_a_dispatcher(random.usize(..2)).await;
        }
    };
    let day = async {
        let day = cell.lives().await;
        over.cancel();
        day
    };
    let (day, ()) = tokio::join!(day, kills);
    let unclear: usize = behaviours.iter().map(unclear).sum();
    println!(
        "seed {seed}: {} died, {} messages, lost {}, told twice {}, letters twice {}, untrue {}",
        day.deaths,
        day.messages,
        day.lost.len(),
        day.twice,
        day.letters_twice,
        day.untrue.len()
    );
    let bad = !day.lost.is_empty() || !day.untrue.is_empty() || day.letters_twice > 0;
    if bad || day.twice > CREDITS * day.deaths + unclear {
        return Err(format!("{what}: {day:#?}"));
    }
    cell.ends().await;
    Ok(day)
}

async fn days(until: Instant) -> Vec<Result<Day, String>> {
    let mut days = Vec::new();
    while Instant::now() < until {
        days.push(Box::pin(survives(fastrand::u64(..))).await);
    }
    days
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an hour: `make soak`"]
async fn an_hour_in_which_everything_fails_at_random_loses_nobody() {
    let until = Instant::now() + HOUR;
    let lines = futures::future::join_all((0..3).map(|_| days(until))).await;
    let days: Vec<Result<Day, String>> = lines.into_iter().flatten().collect();
    let deaths: usize = days.iter().flatten().map(|day| day.deaths).sum();
    let twice: usize = days.iter().flatten().map(|day| day.twice).sum();
    println!("{} days, {deaths} deaths, {twice} told twice", days.len());
    let failed: Vec<String> = days.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
