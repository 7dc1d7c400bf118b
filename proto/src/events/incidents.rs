//! What `incidents` says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fact;
use crate::ids::PupilId;

/// What an accident was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccidentKind {
    /// Everything but an injury of the head.
    Minor,
    /// Any bump of the head.
    HeadInjury,
}

/// What was done for the child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstAid {
    /// What was given.
    Given(String),
    /// Why none was given.
    None(String),
}

/// An accident was written down, or its record was amended: then the version is above 1.
/// The subject is the accident. Two children in one collision are two facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccidentRecorded {
    /// The pupil.
    pub pupil_id: PupilId,
    /// What it was.
    pub kind: AccidentKind,
    /// What happened; names no other child.
    pub what: String,
    /// Where.
    pub place: String,
    /// When.
    pub happened_at: Timestamp,
    /// The first aid.
    pub first_aid: FirstAid,
    /// Until when it is worth telling by message: the end of that day. Parents are told the same
    /// day (EYFS framework, section 3).
    pub tell_until: Timestamp,
}

impl Fact for AccidentRecorded {
    const SERVICE: &'static str = "incidents";
    const NAME: &'static str = "accident_recorded";
    const SAFETY: bool = true;
}
