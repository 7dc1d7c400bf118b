//! What `absences` says.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::Fact;
use crate::ids::PupilId;

/// Half of a school day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Session {
    /// Before the midday break.
    Morning,
    /// After the midday break.
    Afternoon,
}

/// A pupil is missing without a reason, and the school-wide register has closed.
/// The subject is the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unexplained {
    /// The pupil.
    pub pupil_id: PupilId,
    /// The school day.
    pub date: Date,
    /// The session that the pupil is missing from.
    pub session: Session,
    /// When the session ends: telling anybody later would be stale.
    pub session_ends_at: Timestamp,
}

/// A reason is known now. The subject is the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// The pupil.
    pub pupil_id: PupilId,
    /// The school day.
    pub date: Date,
    /// The session.
    pub session: Session,
}

/// The pupil is in school after all. The subject is the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// The pupil.
    pub pupil_id: PupilId,
    /// The school day.
    pub date: Date,
    /// The session.
    pub session: Session,
    /// When the session ends: a correction is worth sending until then.
    pub session_ends_at: Timestamp,
}

impl Fact for Unexplained {
    const SERVICE: &'static str = "absences";
    const NAME: &'static str = "unexplained";
    const SAFETY: bool = true;
}

impl Fact for Explained {
    const SERVICE: &'static str = "absences";
    const NAME: &'static str = "explained";
    const SAFETY: bool = true;
}

impl Fact for Arrived {
    const SERVICE: &'static str = "absences";
    const NAME: &'static str = "arrived";
    const SAFETY: bool = true;
}
