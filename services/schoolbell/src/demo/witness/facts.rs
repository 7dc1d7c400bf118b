//! What the people at school said happened, with the real instants at which they asked for it and
//! were answered. Whoever plays a day writes it down here; nothing in it comes from the services.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::roster::Roster;
use super::wording::Session;

/// A day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Pupils who were not in class when the register closed.
    pub missing: Vec<Missing>,
    /// What happened to children.
    pub accidents: Vec<Accident>,
    /// What broke the calendar.
    pub closures: Vec<Closure>,
    /// What somebody in the school wrote.
    pub announcements: Vec<Announcement>,
    /// What stood on the public website when it was looked at.
    pub public: Vec<Public>,
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
    pub fn settled_at(&self) -> Option<Timestamp> {
        match (self.reason_known_at, self.arrived_at) {
            (Some(reason), Some(arrival)) => Some(reason.min(arrival)),
            (one, other) => one.or(other),
        }
    }
}

/// How bad an accident was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Injury {
    /// Anything but the head.
    Minor,
    /// The head.
    Head,
}

/// Something that happened to one child. Two children in one collision are two of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accident {
    /// The pupil's `sourcedId`.
    pub pupil: String,
    /// How bad.
    pub injury: Injury,
    /// What happened, in words that are in no other account.
    pub what: String,
    /// What was done for the child.
    pub first_aid: String,
    /// When it was handed in: nobody is told before.
    pub asked_at: Timestamp,
}

/// A part of the school's pupils.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    WholeSchool,
    /// By the classes' `sourcedId`s.
    Classes(BTreeSet<String>),
}

impl Scope {
    /// Whether it holds this pupil.
    pub fn holds(&self, roster: &Roster, pupil: &str) -> bool {
        match self {
            Self::WholeSchool => roster.pupils.contains_key(pupil),
            Self::Classes(classes) => {
                roster.pupils.get(pupil).is_some_and(|pupil| classes.contains(&pupil.class))
            }
        }
    }
}

/// A closure, from its declaration to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// Whom it concerns.
    pub scope: Scope,
    /// What was said of it, one after another.
    pub stages: Vec<Stage>,
}

/// What a closure was from some moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What.
    pub is: Is,
    /// When it was asked for: nobody is told before.
    pub asked_at: Timestamp,
    /// When the answer came: from then on what was said before is wrong.
    pub answered_at: Timestamp,
}

/// Closed or open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Is {
    /// Closed.
    Closed {
        /// The first day.
        first_day: Date,
        /// The half of it with which it begins.
        from: Session,
        /// The last day.
        last_day: Date,
        /// Why, for everybody.
        reason: String,
        /// When and where children are collected, for those who may know where a child is.
        collection: Option<String>,
    },
    /// Open again.
    Open {
        /// The day on which children come.
        on: Date,
    },
}

/// Something that somebody in the school wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// To whom.
    pub scope: Scope,
    /// As it stands in an e-mail.
    pub body: String,
    /// As it stands in a text.
    pub text: String,
    /// When it was sent: nobody is told before.
    pub asked_at: Timestamp,
}

/// What anybody could read on the website.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// Whether it stood there as a closure or as a reopening.
    pub says_open: bool,
    /// Headline and body.
    pub words: String,
}
