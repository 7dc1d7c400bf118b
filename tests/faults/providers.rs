//! Providers that do everything wrong in turn, while nobody dies.

use simulator::{Behaviour, Provider};
use tests::apart::mortal::{Layout, Shape};
use tests::installation::Backend;

use crate::cell::Cell;

const NOTIFY: Provider = Provider::Notify;
const SMTP: Provider = Provider::Smtp;

/// What they do, one request each unless a number is said, and how many of these are accepted without an answer.
fn wrongs() -> (Vec<Behaviour>, usize) {
    let answer = |provider, status, text: Option<&str>| Behaviour::Answer {
        provider,
        status,
        requests: 1,
        text: text.map(ToOwned::to_owned),
    };
    let wrongs = vec![
        Behaviour::Slow { provider: NOTIFY, milliseconds: 400 },
        Behaviour::RateLimited { provider: NOTIFY, requests: 2 },
        answer(NOTIFY, 500, None),
        answer(NOTIFY, 503, None),
        Behaviour::TimeOutBeforeAccepting { provider: NOTIFY, requests: 2 },
        Behaviour::TimeOutAfterAccepting { provider: NOTIFY, requests: 2 },
        Behaviour::RateLimited { provider: SMTP, requests: 1 },
        answer(SMTP, 451, Some("4.3.0 later")),
        answer(SMTP, 421, Some("4.3.2 closing")),
        Behaviour::TimeOutBeforeAccepting { provider: SMTP, requests: 1 },
        Behaviour::TimeOutAfterAccepting { provider: SMTP, requests: 1 },
        Behaviour::DropAfterFinalDot { requests: 2 },
    ];
    (wrongs, 5)
}

async fn everybody_is_told(layout: Layout) {
    let cell = Cell::begin(layout, &[]).await;
    let (wrongs, unclear) = wrongs();
    for wrong in wrongs {
        cell.school.phones.behave(wrong);
    }
    let day = cell.lives().await;
    println!(
        "providers, {layout:?}: {} messages, lost {}, told twice {}, letters twice {}",
        day.messages,
        day.lost.len(),
        day.twice,
        day.letters_twice
    );
    assert_eq!((&day.lost, &day.untrue), (&Vec::new(), &Vec::new()));
    assert_eq!(day.letters_twice, 0);
    assert!(day.twice <= unclear, "{day:?}");
    cell.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_are_slow_refuse_hang_and_lose_answers_lose_nobody_and_no_letter_comes_twice() {
    let on = |backend| Layout { backend, shape: Shape::Apart(1) };
    tokio::join!(
        Box::pin(everybody_is_told(on(Backend::Sqlite))),
        Box::pin(everybody_is_told(on(Backend::Postgres)))
    );
}
