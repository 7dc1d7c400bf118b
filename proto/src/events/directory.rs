//! What `directory` says.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Fact;
use crate::ids::{ContactId, PupilId};

/// Somebody may be told less than before: a restriction was set on a link, or the pupil became
/// person only. The subject is the link or the pupil. Whoever has just sent something must look
/// at what left within the last seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restricted {
    /// The pupil.
    pub pupil_id: PupilId,
    /// The contact; none when it is the pupil who became person only.
    pub contact_id: Option<ContactId>,
    /// Everything from this school is barred for the contact, not only this pupil.
    pub no_contact: bool,
}

/// A term, or half of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// As the school calls it.
    pub title: String,
    /// Its first day.
    pub first_day: Date,
    /// Its last day, inclusive.
    pub last_day: Date,
}

/// What the public may know of a school, as the last import brought it: said when it is not what
/// it was. The subject is the school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolDescribed {
    /// The school's name.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// The terms, or halves of them, in their order.
    pub terms: Vec<Term>,
}

impl Fact for SchoolDescribed {
    const SERVICE: &'static str = "directory";
    const NAME: &'static str = "school_described";
    const SAFETY: bool = false;
}

impl Fact for Restricted {
    const SERVICE: &'static str = "directory";
    const NAME: &'static str = "restricted";
    const SAFETY: bool = true;
}
