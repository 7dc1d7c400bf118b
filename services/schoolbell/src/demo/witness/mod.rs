//! The witness: says of a morning how many people were told twice, told against a restriction, told
//! wrongly, or not told at all.
//!
//! It believes two things only: the school's own files and the log of the outside world. It has its
//! own reading of both, its own rule of who may know and its own ear for words, and uses nothing of
//! the services that it judges, so that it cannot share a mistake with them. The demo and the
//! journeys call [`judge`]; it is pure and reads no clock.
//!
//! It speaks of people by the ids of the school's files, never by name.

mod barred;
mod facts;
mod heard;
mod rights;
pub mod roster;
#[cfg(test)]
mod tests;
mod twice;
mod untold;
mod wording;
mod wrongly;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use simulator::Entry;

pub use facts::{Accident, Announcement, Closure, Facts, Injury, Is, Missing, Public, Scope, Stage};
use heard::Kind;
use roster::Roster;
pub use wording::Session;

/// How long a message may still be accepted after the answer that makes it wrong, while every service
/// runs: a request that is in the air cannot be called back.
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
    /// What the people at school said happened.
    pub facts: &'a Facts,
    /// What the outside world saw.
    pub log: &'a [Entry],
    /// What people have been asked to do and have not done.
    pub tasks: &'a [OpenTask],
    /// Numbers (E.164) and mailboxes (lower case) at which nothing arrives.
    pub dead: &'a BTreeSet<String>,
    /// How long absences wait for each other.
    pub gathers_for: SignedDuration,
    /// How long a message may still be accepted after the answer that makes it wrong.
    pub in_the_air: SignedDuration,
}

/// Something that a person must do: the `sourcedId`s of the pupils and contacts that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTask {
    /// What it asks for.
    pub kind: String,
    /// Pupils and contacts.
    pub names: BTreeSet<String>,
    /// When it was opened, in real time: it has nothing to do with what was said later.
    pub opened_at: Timestamp,
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
    /// Wrong child or wording, told after it was known to be otherwise, or told in error and not corrected.
    pub told_wrongly: Vec<String>,
    /// Somebody who should know, with neither a message at a live address nor an open task.
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

    /// Whether time may mend what was found: who was told twice or against a restriction stays told.
    #[must_use]
    pub fn may_mend(&self) -> bool {
        !self.not_told.is_empty() || !self.told_wrongly.is_empty()
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
    let heard = heard::listen(evidence);
    Verdict {
        told_twice: twice::find(evidence.roster, &heard),
        barred_told: barred::find(evidence, &heard),
        told_wrongly: wrongly::find(evidence, &heard),
        not_told: untold::find(evidence, &heard),
    }
}

/// What the school has said about collecting children, at this stage of a closure.
fn collection<'a>(evidence: &Evidence<'a>, kind: Kind) -> Option<&'a str> {
    let Kind::Closing(closure, stage) = kind else { return None };
    match &evidence.facts.closures.get(closure)?.stages.get(stage)?.is {
        Is::Closed { collection, .. } => collection.as_deref(),
        Is::Open { .. } => None,
    }
}
