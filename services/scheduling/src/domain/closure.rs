//! One closure, from its declaration to its end.
//!
//! Called by `api` with all that stands [`Around`] it. A closure is closed from a session of its first
//! day to its last day; after that it closes nothing any more, but it is open business until a person
//! says that children come again. The facts that are said of it follow from its state
//! ([`Closure::saying`]).
//!
//! Invariant: no two closures that concern the same pupil have a day in common while they are
//! declared, and one that has ended never comes back. See `any_history_keeps_the_promises`.

use jiff::Timestamp;
use jiff::civil::Date;
use proto::events::absences::Session;
use proto::events::scheduling as facts;
use proto::ids::ClosureId;

use super::clocks::Clocks;
use super::part::Part;
use super::rejection::{Rejection, Where};
use super::words::Words;

mod decide;
#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod tests;

pub use decide::{Around, decide};

/// A closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// Its id.
    pub id: ClosureId,
    /// Whom it concerns.
    pub part: Part,
    /// Its first day.
    pub first_day: Date,
    /// The session of the first day with which it begins; every later day is closed whole.
    pub from: Session,
    /// Its last day, inclusive, as it was said last.
    pub last_day: Date,
    /// Its words.
    pub words: Words,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// Rises by one with every change.
    pub version: u64,
    /// How far it is.
    pub state: State,
}

/// How far a closure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has said yet that children come again.
    Declared,
    /// Children are expected again.
    Ended(End),
}

/// How a closure ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// When that was said.
    pub at: Timestamp,
    /// The day on which children are expected again.
    pub open_on: Date,
    /// The first day that is not closed any more.
    pub not_closed_from: Date,
}

/// A closure that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its id.
    pub id: ClosureId,
    /// Whom it concerns.
    pub part: Part,
    /// Its first day.
    pub first_day: Date,
    /// The session of the first day with which it begins.
    pub from: Session,
    /// Its last day, inclusive.
    pub last_day: Date,
    /// Its words.
    pub words: Words,
}

/// What is to change; none leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The last day.
    pub last_day: Option<Date>,
    /// The reason.
    pub reason: Option<String>,
    /// The words about collection; empty takes them away.
    pub collection: Option<String>,
}

/// What may be asked of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Let it be.
    Declare(Declaration),
    /// Let it be otherwise.
    Change(Change),
    /// Children come again: on this day, or on the first that there is.
    End(Option<Date>),
}

/// What has happened to a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosureEvent {
    /// It began.
    Declared(Declaration),
    /// It is otherwise.
    Changed {
        /// Its last day now.
        last_day: Date,
        /// Its words now.
        words: Words,
    },
    /// Children come again.
    Ended {
        /// The day on which they are expected.
        open_on: Date,
        /// The first day that is not closed any more.
        not_closed_from: Date,
    },
}

/// The closure after an event.
#[must_use]
pub fn apply(closure: Option<Closure>, event: ClosureEvent, at: Timestamp) -> Option<Closure> {
    let version = closure.as_ref().map_or(0, |closure| closure.version) + 1;
    match event {
        ClosureEvent::Declared(Declaration { id, part, first_day, from, last_day, words }) => {
            let state = State::Declared;
            Some(Closure { id, part, first_day, from, last_day, words, declared_at: at, version, state })
        }
        ClosureEvent::Changed { last_day, words } => {
            closure.map(|closure| Closure { last_day, words, version, ..closure })
        }
        ClosureEvent::Ended { open_on, not_closed_from } => {
            let state = State::Ended(End { at, open_on, not_closed_from });
            closure.map(|closure| Closure { version, state, ..closure })
        }
    }
}

/// A fact about a closure that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saying {
    /// It began.
    Declared(facts::ClosureDeclared),
    /// It is otherwise.
    Changed(facts::ClosureChanged),
    /// Children come again.
    Ended(facts::ClosureEnded),
}

impl Closure {
    /// Whether it closes a day, or at least its afternoon.
    #[must_use]
    pub fn closes(&self, day: Date) -> bool {
        let not_yet_open = match self.state {
            State::Declared => true,
            State::Ended(end) => day < end.not_closed_from,
        };
        (self.first_day..=self.last_day).contains(&day) && not_yet_open
    }

    /// Whether it closes both sessions of a day.
    #[must_use]
    pub fn closes_all_of(&self, day: Date) -> bool {
        self.closes(day) && (day > self.first_day || self.from == Session::Morning)
    }

    /// The first session without a register: one that had begun when the closure was declared keeps
    /// its own, because whoever was missing then is missing still.
    pub fn no_register_from(&self, clocks: &Clocks) -> Result<(Date, Session), Rejection> {
        let sessions =
            [(Session::Morning, clocks.morning_opens), (Session::Afternoon, clocks.afternoon_opens)];
        for (session, opens) in sessions.into_iter().filter(|(session, _)| *session >= self.from) {
            if self.declared_at < clocks.instant(self.first_day, opens)? {
                return Ok((self.first_day, session));
            }
        }
        let next = self.first_day.tomorrow().map_err(|_| Rejection::OutsideTerm(Where::FirstDay))?;
        Ok((next, Session::Morning))
    }

    /// What must be said when the closure has come to its present state.
    pub fn saying(&self, clocks: &Clocks) -> Result<Saying, Rejection> {
        let State::Ended(End { open_on, not_closed_from, .. }) = self.state else {
            let closure = self.fact(clocks)?;
            return Ok(match self.version {
                1 => Saying::Declared(facts::ClosureDeclared { closure }),
                _ => Saying::Changed(facts::ClosureChanged { closure }),
            });
        };
        let (scope, tell_until) = (self.part.scope(), clocks.end_of(open_on)?);
        Ok(Saying::Ended(facts::ClosureEnded { scope, open_on, not_closed_from, tell_until }))
    }

    fn fact(&self, clocks: &Clocks) -> Result<facts::Closure, Rejection> {
        Ok(facts::Closure {
            scope: self.part.scope(),
            first_day: self.first_day,
            from: self.from,
            last_day: self.last_day,
            reason: self.words.reason.clone(),
            collection: Some(self.words.collection.clone()).filter(|words| !words.is_empty()),
            tell_until: clocks.end_of(self.last_day)?,
        })
    }
}
