//! The whole of the logic of registers and of the follow-up of absence, pure.
//!
//! [`codes`], [`school`], [`calendar`] and [`closure`] know the rules; a [`line`] is one pupil in one session's register
//! and decides what a mark, a reason, an arrival or the close means for it and for its
//! [`case`]; [`register`] and [`close`] do so for a class and for the school. `api` calls them.
//! Nothing here reads a clock, draws an id or talks to anybody: all of it arrives as arguments.

pub mod calendar;
pub mod case;
pub mod close;
pub mod closure;
pub mod codes;
pub mod line;
pub mod register;
pub mod rejection;
pub mod route;
pub mod school;
pub mod tasks;

use jiff::civil::Date;
use proto::events::absences::Session;
use proto::ids::ClassId;

pub use calendar::Calendar;
pub use case::{Case, CaseEvent};
pub use codes::Code;
pub use kit::fields::Fault;
pub use line::{Entry, Known, Line, Moment, Phase, Step};
pub use rejection::Rejection;
pub use route::Route;
pub use school::{School, SessionTimes};

/// One session of one school day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sitting {
    /// The school day.
    pub date: Date,
    /// Which half of it.
    pub session: Session,
}

/// What the directory says of a pupil of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnRoll {
    /// The class, if the pupil has one.
    pub class_id: Option<ClassId>,
    /// By the name that the school has for it.
    pub year_group: String,
    /// Whether automation may run about the pupil.
    pub care: Care,
}

/// Whether automation may run about a pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// The contacts may be told by messages.
    Automatic,
    /// The first step is a person's.
    PersonOnly,
}
