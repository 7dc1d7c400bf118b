//! The witness: says of a morning how many people were told twice, told against a restriction, told
//! wrongly, or not told at all.
//!
//! It believes two things only: the school's own files and the log of the outside world. It has its
//! own reading of both, its own rule of who may know and its own ear for words, and uses nothing of
//! the services that it judges, so that it cannot share a mistake with them. The demo and the
//! journeys call [`judge`]; it is pure and reads no clock.
//!
//! It speaks of people by the ids of the school's files, never by name.

mod heard;
mod rights;
pub mod roster;
mod twice;
mod untold;
mod wording;
mod wrongly;

mod barred;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use simulator::Entry;

use roster::Roster;
pub use wording::Session;

/// How long a message may still be accepted after the answer that makes it wrong: a request that is
/// in the air cannot be called back.
pub const IN_THE_AIR: SignedDuration = SignedDuration::from_millis(1_500);

/// Everything that the verdict rests on. Instants are real time, as in the log.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The school's files.
    pub roster: &'a Roster,
    /// The school day.
    pub day: Date,
    /// Which half of it.
    pub session: Session,
    /// Pupils who were not in class when the register closed.
    pub missing: &'a [Missing],
    /// What the outside world saw.
    pub log: &'a [Entry],
    /// What people have been asked to do and have not done.
    pub tasks: &'a [OpenTask],
    /// Numbers (E.164) and mailboxes (lower case) at which nothing arrives.
    pub dead: &'a BTreeSet<String>,
    /// How long absences wait for each other.
    pub gathers_for: SignedDuration,
}

/// A pupil who was not in class when the register closed, and what became known when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The pupil's `sourcedId`.
    pub pupil: String,
    /// When the school-wide close was asked for: nobody is told before.
    pub closed_at: Timestamp,
    /// When the answer came that a reason is recorded.
    pub reason_known_at: Option<Timestamp>,
    /// When the answer came that the pupil is in school.
    pub arrived_at: Option<Timestamp>,
}

impl Missing {
    /// From when on nobody should be told any more that this pupil is missing.
    fn settled_at(&self) -> Option<Timestamp> {
        match (self.reason_known_at, self.arrived_at) {
            (Some(reason), Some(arrival)) => Some(reason.min(arrival)),
            (one, other) => one.or(other),
        }
    }
}

/// Something that a person must do: the `sourcedId`s of the pupils and contacts that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenTask {
    /// Pupils and contacts.
    pub names: BTreeSet<String>,
}

impl OpenTask {
    fn names_all(&self, people: &[&str]) -> bool {
        people.iter().all(|person| self.names.contains(*person))
    }
}

/// The four figures; each entry says in a sentence what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Accepted twice for the same contact, pupil, kind and gathering on one address.
    pub told_twice: Vec<String>,
    /// Accepted against a restriction of the roster.
    pub barred_told: Vec<String>,
    /// Wrong child or wording, told after a reason or an arrival was known, or told in error and not corrected.
    pub told_wrongly: Vec<String>,
    /// An entitled contact and a missing pupil with neither a message at a live address nor an open task.
    pub not_told: Vec<String>,
}

impl Verdict {
    /// The figures by name.
    #[must_use]
    pub fn figures(&self) -> [(&'static str, &[String]); 4] {
        [
            ("told_twice", &self.told_twice),
            ("barred_told", &self.barred_told),
            ("told_wrongly", &self.told_wrongly),
            ("not_told", &self.not_told),
        ]
    }

    /// Whether all four figures are 0.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.figures().iter().all(|(_, found)| found.is_empty())
    }
}

/// Judges a morning.
#[must_use]
pub fn judge(evidence: &Evidence<'_>) -> Verdict {
    let messages = heard::listen(evidence);
    Verdict {
        told_twice: twice::find(evidence.roster, &messages),
        barred_told: barred::find(evidence, &messages),
        told_wrongly: wrongly::find(evidence, &messages),
        not_told: untold::find(evidence, &messages),
    }
}
