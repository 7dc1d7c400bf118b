//! The figures: what each must be, what was measured, the table and the file.
//!
//! [`CATALOGUE`] is the only place that knows limits; a measurement enters values. Figures of earlier runs stay in the
//! file until they are measured again, so that one can be taken alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::tools::show;

/// What of a figure is judged, and in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    RatioAtLeast,
    RatioAtMost,
    ValueAtMost,
}

/// A figure that can be taken.
struct Entry {
    name: &'static str,
    unit: &'static str,
    /// What it is a ratio to.
    limit: &'static str,
    judged: Judged,
    must: f64,
    goal: f64,
}

const fn entry(
    (name, unit): (&'static str, &'static str),
    limit: &'static str,
    judged: Judged,
    (must, goal): (f64, f64),
) -> Entry {
    Entry { name, unit, limit, judged, must, goal }
}

use Judged::{RatioAtLeast, RatioAtMost, ValueAtMost};

/// Of the console.
const CONSOLE_FILE: &str = "a file of the same process";

const CATALOGUE: [Entry; 14] = [
    entry(("texts_sqlite", "texts/s"), "wrk on the same sink", RatioAtLeast, (0.25, 0.5)),
    entry(("texts_postgres", "texts/s"), "wrk on the same sink", RatioAtLeast, (0.22, 0.45)),
    entry(("mails", "mails/s"), "smtp-source -d on the same smtp-sink", RatioAtLeast, (0.5, 1.5)),
    entry(("growth_rate", "texts/s"), "the rate of the large run", RatioAtLeast, (0.9, 0.97)),
    entry(("growth_memory", "MiB"), "", ValueAtMost, (200.0, 100.0)),
    entry(("urgent", "ms p99"), "the same when idle", RatioAtMost, (5.0, 2.0)),
    entry(("permitted_rate", "texts/s"), "what the provider permitted", RatioAtLeast, (0.97, 0.995)),
    entry(("refusals", "429s per 10,000"), "", ValueAtMost, (5.0, 0.0)),
    entry(("commands", "RPC/s"), "the same answered at once", RatioAtLeast, (0.2, 0.4)),
    entry(("console_home", "pages/s"), CONSOLE_FILE, RatioAtLeast, (0.1, 0.3)),
    entry(("console_pupil", "pages/s"), CONSOLE_FILE, RatioAtLeast, (0.1, 0.3)),
    entry(("console_pupils", "pages/s"), CONSOLE_FILE, RatioAtLeast, (0.1, 0.3)),
    entry(("idle_memory", "MiB"), "", ValueAtMost, (80.0, 40.0)),
    entry(("start", "ms"), "a bare nats-server", RatioAtMost, (8.0, 2.0)),
];

/// One measured figure, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// As in the catalogue; names that are not there are told for information.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// Of the value and of the limit.
    pub unit: String,
    /// What the machine can do, measured in the same run; none when it could not be, or when there is none.
    pub limit: Option<f64>,
    /// The value ÷ the limit.
    pub ratio: Option<f64>,
    /// What it must reach.
    pub must: Option<f64>,
    /// What it should reach.
    pub goal: Option<f64>,
}

impl Figure {
    /// A figure of the catalogue, or one for information in a unit.
    pub fn new(name: &str, value: f64, limit: Option<f64>) -> Self {
        let known = CATALOGUE.iter().find(|entry| entry.name == name);
        let ratio = limit.filter(|limit| *limit > 0.0).map(|limit| value / limit);
        Self {
            name: name.to_owned(),
            value,
            unit: known.map_or("", |entry| entry.unit).to_owned(),
            limit,
            ratio,
            must: known.map(|entry| entry.must),
            goal: known.map(|entry| entry.goal),
        }
    }

    /// For information, in a unit.
    pub fn told(name: &str, value: f64, unit: &str) -> Self {
        Self { unit: unit.to_owned(), ..Self::new(name, value, None) }
    }

    fn verdict(&self) -> &'static str {
        let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == self.name) else { return "" };
        let judged = match entry.judged {
            RatioAtLeast | RatioAtMost => self.ratio,
            ValueAtMost => Some(self.value),
        };
        let Some(judged) = judged else { return "without a limit" };
        let reaches = |wanted: f64| match entry.judged {
            RatioAtLeast => judged >= wanted,
            RatioAtMost | ValueAtMost => judged <= wanted,
        };
        match (reaches(entry.goal), reaches(entry.must)) {
            (true, _) => "goal reached",
            (false, true) => "as it must be",
            (false, false) => "BELOW",
        }
    }

    fn line(&self) -> [String; 8] {
        let limit = CATALOGUE.iter().find(|entry| entry.name == self.name).map_or("", |entry| entry.limit);
        let shown = |number: Option<f64>| number.map_or_else(String::new, show);
        [
            self.name.clone(),
            format!("{} {}", show(self.value), self.unit),
            shown(self.limit),
            limit.to_owned(),
            shown(self.ratio),
            shown(self.must),
            shown(self.goal),
            self.verdict().to_owned(),
        ]
    }
}

/// What was measured so far.
pub struct Book {
    path: PathBuf,
    figures: Vec<Figure>,
}

impl Book {
    /// Reads what earlier runs left in the folder.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("figures.json");
        let figures = match std::fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).context("figures.json of an earlier run cannot be read")?
            }
            Err(_) => Vec::new(),
        };
        Ok(Self { path, figures })
    }

    /// Enters figures in the place of those of the same names, and writes the file.
    pub fn enter(&mut self, figures: Vec<Figure>) -> anyhow::Result<()> {
        for figure in figures {
            self.figures.retain(|other| other.name != figure.name);
            self.figures.push(figure);
        }
        let place = |figure: &Figure| {
            CATALOGUE.iter().position(|entry| entry.name == figure.name).unwrap_or(CATALOGUE.len())
        };
        // Sizes stand at the end of a name, and the smaller before the larger.
        let words =
            |figure: &Figure| figure.name.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
        self.figures.sort_by_cached_key(|figure| {
            (place(figure), words(figure), figure.name.len(), figure.name.clone())
        });
        std::fs::write(&self.path, serde_json::to_vec_pretty(&self.figures)?)?;
        Ok(())
    }

    /// Prints the table.
    pub fn print(&self) -> anyhow::Result<()> {
        let heading = ["figure", "value", "limit", "of", "ratio", "must", "goal", ""].map(ToOwned::to_owned);
        let lines: Vec<[String; 8]> =
            std::iter::once(heading).chain(self.figures.iter().map(Figure::line)).collect();
        let width = |column: usize| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..8).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            for (cell, width) in line.iter().zip(&widths) {
                write!(text, "{cell:<width$}  ")?;
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        crate::tools::print(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_judged_in_its_own_direction() {
        for (name, value, limit, verdict) in [
            ("texts_sqlite", 60.0, Some(100.0), "goal reached"),
            ("texts_sqlite", 30.0, Some(100.0), "as it must be"),
            ("texts_sqlite", 20.0, Some(100.0), "BELOW"),
            ("texts_sqlite", 20.0, None, "without a limit"),
            ("urgent", 20.0, Some(10.0), "goal reached"),
            ("urgent", 60.0, Some(10.0), "BELOW"),
            ("growth_memory", 150.0, None, "as it must be"),
            ("refusals", 0.0, None, "goal reached"),
            ("import", 1.0, None, ""),
        ] {
            assert_eq!(Figure::new(name, value, limit).verdict(), verdict, "{name} {value}");
        }
    }

    #[test]
    fn a_figure_that_is_taken_again_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = Book::open(folder.path()).unwrap();
        book.enter(vec![Figure::new("start", 9.0, Some(1.0)), Figure::new("mails", 1.0, Some(2.0))]).unwrap();
        let mut book = Book::open(folder.path()).unwrap();
        book.enter(vec![Figure::new("start", 2.0, Some(1.0))]).unwrap();
        let again = Book::open(folder.path()).unwrap().figures;
        let told: Vec<(&str, f64)> =
            again.iter().map(|figure| (figure.name.as_str(), figure.value)).collect();
        assert_eq!(told, [("mails", 1.0), ("start", 2.0)]);
    }
}
