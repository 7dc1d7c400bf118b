//! The one list: which fact becomes which notice, for whom, how urgently, by what, and how long
//! it gathers. A school may change the channels, the timing and the words, never the safety.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::domain::NoticeKind;

/// How a kind of notice is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The fact that it comes from.
    pub fact: &'static str,
    /// What it becomes.
    pub kind: NoticeKind,
    /// Which of a provider's share it uses.
    pub lane: Lane,
    /// What a crash may do to it.
    pub semantics: Semantics,
    /// How long notices of this kind wait for each other.
    pub gathers_for: SignedDuration,
    /// How long a text's receipt may take before the next address is tried.
    pub patience: SignedDuration,
}

/// The share of a provider's rate that a notice may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Overtakes everything.
    Urgent,
    /// Absences.
    Normal,
}

impl Lane {
    /// As it stands in rows: a smaller number leaves first.
    #[must_use]
    pub const fn order(self) -> i64 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
        }
    }
}

/// What a crash between the request and its record may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Semantics {
    /// Repeat: silence would be worse.
    AtLeastOnce,
}

/// The timings that a school may change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Seconds for which absences gather from the first one on.
    pub absence_gathers_for_seconds: i64,
    /// Seconds that the receipt of an absence text may take.
    pub absence_patience_seconds: i64,
}

/// The route of a kind of notice.
#[must_use]
pub fn route(kind: NoticeKind, timing: &Timing) -> Route {
    let patience = SignedDuration::from_secs(timing.absence_patience_seconds);
    match kind {
        NoticeKind::AbsenceUnexplained => Route {
            fact: "absences.unexplained",
            kind,
            lane: Lane::Normal,
            semantics: Semantics::AtLeastOnce,
            gathers_for: SignedDuration::from_secs(timing.absence_gathers_for_seconds),
            patience,
        },
        // A correction does not gather: every minute of a wrong fear counts.
        NoticeKind::AbsenceCorrection => Route {
            fact: "absences.arrived",
            kind,
            lane: Lane::Urgent,
            semantics: Semantics::AtLeastOnce,
            gathers_for: SignedDuration::ZERO,
            patience,
        },
    }
}
