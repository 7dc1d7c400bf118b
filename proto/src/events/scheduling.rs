//! What `scheduling` says.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::Fact;
use super::absences::Session;
use super::directory::Term;
use super::scope::Scope;

/// What a closure is, as its head teacher said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    /// Who stays at home.
    pub scope: Scope,
    /// The first day.
    pub first_day: Date,
    /// The session of the first day with which it begins; every later day is closed whole.
    pub from: Session,
    /// The last day, inclusive.
    pub last_day: Date,
    /// Why, in public words.
    pub reason: String,
    /// When and where children are collected: not for those who may not know where a child is.
    pub collection: Option<String>,
    /// The end of the last day: telling anybody later would be stale.
    pub tell_until: Timestamp,
}

/// The school, or a part of it, is closed. The subject is the closure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosureDeclared {
    /// What it is.
    #[serde(flatten)]
    pub closure: Closure,
}

/// A closure is not what it was: longer, shorter, or in other words. The subject is the closure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosureChanged {
    /// What it is now.
    #[serde(flatten)]
    pub closure: Closure,
}

/// A closure has ended: the school is open. The subject is the closure. It carries none of the
/// closure's words, so that nothing made from it can read like one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosureEnded {
    /// Who comes back.
    pub scope: Scope,
    /// The day on which children are expected again.
    pub open_on: Date,
    /// The first day that is not closed any more: `open_on`, or the first day of a closure that
    /// was taken back before it began.
    pub not_closed_from: Date,
    /// The end of the day on which children are expected: telling anybody later would be stale.
    pub tell_until: Timestamp,
}

/// A day without pupils within a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonSchoolDay {
    /// The day.
    pub date: Date,
    /// Why.
    pub kind: NonSchoolDayKind,
}

/// Why there is no school on a day of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NonSchoolDayKind {
    /// Staff training.
    Inset,
    /// A day of the school's own choice.
    Occasional,
    /// A bank holiday of England and Wales.
    BankHoliday,
}

/// The school's calendar as it is now: all of it, so that a hearer needs only the latest.
/// The subject is the school. Public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarChanged {
    /// The school's name, for the calendar's title.
    pub school_name: String,
    /// IANA name.
    pub time_zone: String,
    /// The terms, or halves of them, in their order.
    pub terms: Vec<Term>,
    /// The days within terms on which there is no school, in their order.
    pub non_school_days: Vec<NonSchoolDay>,
}

impl Fact for ClosureDeclared {
    const SERVICE: &'static str = "scheduling";
    const NAME: &'static str = "closure_declared";
    const SAFETY: bool = true;
}

impl Fact for ClosureChanged {
    const SERVICE: &'static str = "scheduling";
    const NAME: &'static str = "closure_changed";
    const SAFETY: bool = true;
}

impl Fact for ClosureEnded {
    const SERVICE: &'static str = "scheduling";
    const NAME: &'static str = "closure_ended";
    const SAFETY: bool = true;
}

impl Fact for CalendarChanged {
    const SERVICE: &'static str = "scheduling";
    const NAME: &'static str = "calendar_changed";
    const SAFETY: bool = false;
}
