//! A roster that was read without a fault: who there is and how they can be reached, by the ids of
//! the school's own system.
//!
//! Built by [`import`](crate::import), compared with what stands by [`plan`](super::plan). A field
//! that a file left blank is `None` or [`PersonOnlyWord::Silent`]: blank says nothing, it never
//! means "no longer".

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};

use super::email::Email;
use super::link::{Bar, Responsibility, Role};
use super::phone::Phone;
use super::preference::Preference;

/// An id of the school's own system (OneRoster's `sourcedId`).
pub type SourceId = String;

/// When one session's register is open, in the school's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterTimes {
    /// Marks can be made from here.
    pub opens: Time,
    /// Missing pupils are followed up from here; at most 30 minutes after `opens`.
    pub closes: Time,
    /// Telling anybody of an absence later than this would be stale.
    pub session_ends: Time,
}

/// What the school says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// The org of the export.
    pub source_id: SourceId,
    /// As parents know it.
    pub name: String,
    /// As it is shown to parents.
    pub phone: String,
    /// The morning's register.
    pub morning: RegisterTimes,
    /// The afternoon's register.
    pub afternoon: RegisterTimes,
    /// Mobiles of the staff on duty.
    pub duty_numbers: Vec<Phone>,
}

/// A stretch of school days; holidays within a term are the calendar's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// For example "Autumn 1".
    pub title: String,
    /// The first school day.
    pub first_day: Date,
    /// The last school day.
    pub last_day: Date,
}

/// A class in which a register is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// As the school calls it.
    pub title: String,
}

/// What a file says of "person only".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonOnlyWord {
    /// The cell is blank: what stands stays.
    Silent,
    /// No.
    No,
    /// Yes, with the reason.
    Yes(String),
}

/// A child at the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pupil {
    /// The name that the child is called by.
    pub first_name: String,
    /// The surname; never in a text message.
    pub family_name: String,
    /// `R`, `1` … in the Department's codes.
    pub year_group: String,
    /// The class whose register the child stands in.
    pub class: SourceId,
    /// Whether no automation runs about this child.
    pub person_only: PersonOnlyWord,
}

/// A person at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// For the person who rings.
    pub given_name: String,
    /// For the person who rings.
    pub family_name: String,
    /// How the contact can be reached.
    pub reach: Reach,
}

/// How a contact can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Tried first.
    pub first_phone: Option<Phone>,
    /// Tried second.
    pub second_phone: Option<Phone>,
    /// Tried when no text arrives.
    pub email: Option<Email>,
    /// BCP 47.
    pub language: String,
    /// A voice call is of no use.
    pub no_voice: bool,
    /// By what the contact would rather be told.
    pub prefers: Preference,
}

/// What a file says of a restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestrictionWord {
    /// The cell is blank: what stands stays.
    Silent,
    /// There is none.
    None,
    /// There is one; a blank date says nothing.
    Stands {
        /// What it bars.
        bar: Bar,
        /// What it rests on.
        evidence: String,
        /// The first day; blank is the day on which the school is told.
        from: Option<Date>,
        /// The day on which a person looks at it again.
        until: Option<Date>,
    },
}

/// Between a pupil and a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the contact is to the child.
    pub role: Role,
    /// 1 is rung first.
    pub priority: u16,
    /// Blank is unknown, never yes.
    pub responsibility: Responsibility,
    /// One of the child's homes.
    pub lives_with: bool,
    /// Asked only when nobody else is reached.
    pub emergency_only: bool,
    /// What stands against telling the contact.
    pub restriction: RestrictionWord,
}

/// Everything that an export holds of one school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The school.
    pub school: School,
    /// Its terms.
    pub terms: BTreeMap<SourceId, Term>,
    /// Its classes.
    pub classes: BTreeMap<SourceId, Class>,
    /// The pupils on roll.
    pub pupils: BTreeMap<SourceId, Pupil>,
    /// The contacts that a link names.
    pub contacts: BTreeMap<SourceId, Contact>,
    /// By pupil and contact.
    pub links: BTreeMap<(SourceId, SourceId), Link>,
}
