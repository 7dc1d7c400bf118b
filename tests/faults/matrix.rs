//! The dispatcher dies at every step between a fact and its receipt, and is started again: on both
//! databases, in one process with everybody and in processes of its own, alone and with a twin.
//!
//! `make test` takes every point once, and gives each the next of the six settings; the whole product is
//! `make soak`. The figures stand in the README of this folder.

use std::fmt;

use dispatcher::points;
use futures::StreamExt;
use kit::faults::{self, Fault, Point};
use tests::apart::mortal::{Layout, Shape};
use tests::installation::Backend;
use tokio::time::Instant;

use crate::cell::{Cell, Day};
use crate::killed::CREDITS;

/// SQLite has one process for each database, so a twin needs PostgreSQL.
pub const LAYOUTS: [Layout; 6] = [
    Layout { backend: Backend::Sqlite, shape: Shape::Whole(1) },
    Layout { backend: Backend::Postgres, shape: Shape::Apart(1) },
    Layout { backend: Backend::Postgres, shape: Shape::Whole(2) },
    Layout { backend: Backend::Sqlite, shape: Shape::Apart(1) },
    Layout { backend: Backend::Postgres, shape: Shape::Whole(1) },
    Layout { backend: Backend::Postgres, shape: Shape::Apart(2) },
];
/// How many days are lived at the same time.
const AT_ONCE: usize = 6;

/// A point, and where it is come to.
#[derive(Clone, Copy)]
struct Trial {
    point: Point,
    /// Whose point it is: the dispatcher's, but that facts are published by those who say them.
    service: &'static str,
    /// Which time that it is come to.
    time: u64,
    layout: Layout,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { backend, shape } = self.layout;
        write!(f, "{} {} no. {}, {backend:?}, {shape:?}", self.service, self.point.name(), self.time)
    }
}

/// Every point of the way, in the order of the way.
pub fn all_points() -> Vec<Point> {
    let (sayer, hearer) = faults::COMMON.split_at(2);
    [sayer, hearer, points::ALL].concat()
}

fn trial((number, point): (usize, Point), layout: Layout) -> Trial {
    let of_a_sayer = [faults::PUBLISHING, faults::PUBLISHED].contains(&point);
    let sayers = ["absences", "incidents", "messaging"];
    let service = if of_a_sayer { sayers[number % sayers.len()] } else { "dispatcher" };
    Trial { point, service, time: 1, layout }
}

async fn survives(trial: Trial) -> Result<Day, String> {
    let begun = Instant::now();
    let (service, point) = (trial.service.to_owned(), trial.point.name().to_owned());
    let fault = Fault { service, point, time: trial.time, holds_for: None };
    let cell = Cell::begin(trial.layout, &[fault]).await;
    let day = cell.lives().await;
    println!(
        "{trial}: {} died, {} messages, lost {}, told twice {}, letters twice {}, untrue {}; {:?}",
        day.deaths,
        day.messages,
        day.lost.len(),
        day.twice,
        day.letters_twice,
        day.untrue.len(),
        begun.elapsed()
    );
    let survived = day.deaths > 0 && day.lost.is_empty() && day.untrue.is_empty();
    if !survived || day.letters_twice > 0 || day.twice > CREDITS * day.deaths {
        return Err(format!("{trial}: {day:#?}"));
    }
    cell.ends().await;
    Ok(day)
}

async fn all_survive(trials: Vec<Trial>) {
    let begun = Instant::now();
    let number = trials.len();
    let days = futures::stream::iter(trials).map(|trial| Box::pin(survives(trial)));
    let days: Vec<Result<Day, String>> = days.buffer_unordered(AT_ONCE).collect().await;
    let twice: usize = days.iter().flatten().map(|day| day.twice).sum();
    let messages: usize = days.iter().flatten().map(|day| day.messages).sum();
    println!("{number} days, {messages} messages, {twice} told twice; {:?}", begun.elapsed());
    let failed: Vec<String> = days.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_at_any_step_between_fact_and_receipt_loses_nobody_and_no_letter_comes_twice() {
    let points = all_points().into_iter().enumerate();
    all_survive(points.map(|point| trial(point, LAYOUTS[point.0 % LAYOUTS.len()])).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "seven minutes: `make soak`"]
async fn at_every_step_in_every_layout() {
    let points: Vec<_> = all_points().into_iter().enumerate().collect();
    let trials = LAYOUTS.iter().flat_map(|layout| points.iter().map(|point| trial(*point, *layout)));
    all_survive(trials.collect()).await;
}
