//! The measurements, one file for those that are taken together.
//!
//! Each starts what it needs, runs it, and gives its figures; nothing of it is left running.

mod commands;
mod console;
mod growth;
mod limited;
mod mails;
mod start;
mod texts;
mod urgent;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::figures::Figure;
use crate::schoolbell::{Backend, Installation};

/// How much is measured, and where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Contacts of a large run.
    pub contacts: u64,
    /// Contacts of the largest.
    pub most: u64,
    /// Contacts of one of their schools.
    pub school: u64,
    /// E-mails through SMTP.
    pub mails: u64,
    /// Texts to a provider with a limit.
    pub limited: u64,
    /// Urgent texts of each kind of run.
    pub urgent: usize,
    /// Commands.
    pub commands: usize,
    /// After so long a run is counted as far as it came.
    pub patience: Duration,
    /// Where figures go.
    pub folder: PathBuf,
    /// Whether logs stay behind.
    pub keep: bool,
    /// A PostgreSQL server, if there is one.
    pub postgres: Option<String>,
}

/// A rate that no run of ours meets.
pub const UNLIMITED: (u32, u32) = (1_000_000, 1_000_000);

/// A folder of a measurement's own; gone with it, unless it is kept.
pub struct Place(tempfile::TempDir);

impl Place {
    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where the processes beside ours write.
    fn log(&self) -> PathBuf {
        self.path().join("others.log")
    }
}

impl Plan {
    fn place(&self, name: &str) -> anyhow::Result<Place> {
        let mut folder = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(&self.folder)?;
        folder.disable_cleanup(self.keep);
        Ok(Place(folder))
    }
}

/// Figures that are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Texts on one database.
    TextsSqlite,
    /// The same on the other.
    TextsPostgres,
    /// E-mails.
    Mails,
    /// Ever larger runs.
    Growth,
    /// Urgent texts beside a large run.
    Urgent,
    /// A provider that limits its rate.
    Limited,
    /// Commands.
    Commands,
    /// The staff's pages.
    Console,
    /// Memory and start.
    Start,
}

impl Group {
    const ALL: [Self; 9] = [
        Self::Start,
        Self::Console,
        Self::Commands,
        Self::TextsSqlite,
        Self::TextsPostgres,
        Self::Mails,
        Self::Urgent,
        Self::Limited,
        Self::Growth,
    ];

    /// How it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::TextsSqlite => "texts_sqlite",
            Self::TextsPostgres => "texts_postgres",
            Self::Mails => "mails",
            Self::Growth => "growth",
            Self::Urgent => "urgent",
            Self::Limited => "limited",
            Self::Commands => "commands",
            Self::Console => "console",
            Self::Start => "start",
        }
    }

    /// What happens in it.
    pub fn what(self) -> &'static str {
        match self {
            Self::TextsSqlite => "an announcement by text, on SQLite",
            Self::TextsPostgres => "an announcement by text, on PostgreSQL",
            Self::Mails => "an announcement by e-mail, through SMTP",
            Self::Growth => "announcements to ever more contacts",
            Self::Urgent => "head injuries, when idle and while an announcement leaves",
            Self::Limited => "an announcement through a provider that takes 50 a second",
            Self::Commands => "a command of 64 callers, with its fact",
            Self::Console => "pages of the staff console, with 50 people on it",
            Self::Start => "the start, and the memory of what does nothing",
        }
    }

    fn figures(self) -> &'static [&'static str] {
        match self {
            Self::Growth => &["growth_rate", "growth_memory"],
            Self::Limited => &["permitted_rate", "refusals"],
            Self::Console => &["console_home", "console_pupil", "console_pupils"],
            Self::Start => &["idle_memory"],
            _ => &[],
        }
    }

    /// Those that were asked for, by the name of a group or of a figure.
    pub fn chosen(only: Option<&str>) -> anyhow::Result<Vec<Self>> {
        let Some(only) = only.filter(|only| !only.is_empty()) else { return Ok(Self::ALL.to_vec()) };
        let fits = |group: &Self| {
            group.name() == only
                || group.figures().contains(&only)
                || group.name().starts_with(&format!("{only}_"))
        };
        let chosen: Vec<Self> = Self::ALL.into_iter().filter(fits).collect();
        let names = || Self::ALL.map(Self::name).join(", ");
        (!chosen.is_empty()).then_some(chosen).with_context(|| format!("{only} is none of {}", names()))
    }

    /// Takes it.
    pub async fn measure(self, plan: &Plan) -> anyhow::Result<Vec<Figure>> {
        match self {
            Self::TextsSqlite => texts::measure(plan, "texts_sqlite", &Backend::Sqlite).await,
            Self::TextsPostgres => {
                let address = plan
                    .postgres
                    .clone()
                    .context("there is no PostgreSQL: see deploy/tools/with-postgres")?;
                texts::measure(plan, "texts_postgres", &Backend::Postgres(address)).await
            }
            Self::Mails => mails::measure(plan).await,
            Self::Growth => growth::measure(plan).await,
            Self::Urgent => urgent::measure(plan).await,
            Self::Limited => limited::measure(plan).await,
            Self::Commands => commands::measure(plan).await,
            Self::Console => console::measure(plan).await,
            Self::Start => start::measure(plan).await,
        }
    }
}

/// An installation in a place, whose channels are these.
fn installed(place: &Place, backend: &Backend, channels: &str) -> anyhow::Result<Installation> {
    Installation::write(&place.path().join("installation"), backend, channels)
}

/// Of a limit that was taken before and after, because other work on this machine comes and goes.
fn mean(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    before.zip(after).map(|(before, after)| f64::midpoint(before, after))
}

/// The value below which so many of a hundred lie.
fn percentile(mut values: Vec<f64>, percent: usize) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_name_and_by_its_figures() {
        let chosen = |only| Group::chosen(Some(only)).unwrap();
        assert_eq!(chosen("texts"), [Group::TextsSqlite, Group::TextsPostgres]);
        assert_eq!(chosen("growth_memory"), [Group::Growth]);
        assert_eq!(chosen("").len(), 9);
        assert!(Group::chosen(Some("text")).is_err());
    }

    #[test]
    fn the_ninety_ninth_of_a_hundred_is_the_ninety_ninth() {
        let hundred = || (1..=100).map(f64::from).collect::<Vec<_>>();
        assert_eq!(percentile(hundred(), 99), Some(99.0));
        assert_eq!(percentile(hundred(), 50), Some(50.0));
        assert_eq!(percentile(vec![7.0], 99), Some(7.0));
        assert_eq!(percentile(Vec::new(), 99), None);
    }
}
