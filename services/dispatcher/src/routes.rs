//! How each kind of notice is carried: in which lane, with which semantics, how long it gathers
//! and how long a receipt may take. Which fact becomes which kind stands in
//! [`reactions`](crate::reactions), who is told in [`entitlement`](crate::domain::entitlement).
//! A school may change the channels, the timing and the words, never the safety.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::domain::NoticeKind;
use crate::domain::quiet::QuietHours;
pub use crate::domain::settle::Semantics;

/// How a kind of notice is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// What it carries.
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
    /// What is to be known the same day.
    Normal,
    /// What can wait for the others.
    Bulk,
}

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Bulk];

    /// Its name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }

    /// The lane of this order.
    #[must_use]
    pub fn by_order(order: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.order() == order)
    }

    /// As it stands in rows: a smaller number leaves first.
    #[must_use]
    pub const fn order(self) -> i64 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
        }
    }
}

/// The timings that a school may change. The settings say `30s`; here they are whole seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Seconds for which absences gather from the first one on.
    #[serde(rename = "absence_gathers_for", with = "kit::config::whole_seconds")]
    pub absence_gathers_for_seconds: i64,
    /// Seconds that the receipt of an absence text may take.
    #[serde(rename = "absence_patience", with = "kit::config::whole_seconds")]
    pub absence_patience_seconds: i64,
    /// Seconds that the receipt of a text about a head injury may take.
    #[serde(rename = "head_injury_patience", with = "kit::config::whole_seconds")]
    pub head_injury_patience_seconds: i64,
    /// Seconds that the receipt of a text about a closure or a reopening may take.
    #[serde(rename = "closure_patience", with = "kit::config::whole_seconds")]
    pub closure_patience_seconds: i64,
    /// Seconds for which a closure or a reopening waits for a directory that is away, before it goes to
    /// the addresses that were known, without when and where children are collected.
    #[serde(rename = "closure_waits_for_directory", with = "kit::config::whole_seconds")]
    pub closure_waits_for_directory_seconds: i64,
    /// When texts that can wait are not sent.
    pub quiet_hours: Quiet,
}

/// The quiet hours of the kinds that have any. What is about safety has none, and cannot be given
/// any: a key for it is one that nobody knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// Of accidents that are not of the head.
    pub first_aid: QuietHours,
    /// Of what people write, and of its corrections.
    pub announcement: QuietHours,
}

impl Quiet {
    /// The quiet hours of a kind; none when nothing of it ever waits.
    #[must_use]
    pub const fn hours(&self, kind: NoticeKind) -> Option<&QuietHours> {
        match kind {
            NoticeKind::FirstAid => Some(&self.first_aid),
            // A correction wakes nobody either: the words that it corrects were no matter of safety, its e-mails
            // leave at once, and whoever corrects is shown until when its texts wait.
            NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => Some(&self.announcement),
            NoticeKind::AbsenceUnexplained
            | NoticeKind::AbsenceCorrection
            | NoticeKind::HeadInjury
            | NoticeKind::ClosureDeclared
            | NoticeKind::ClosureChanged
            | NoticeKind::Reopening => None,
        }
    }
}

/// How long the receipt of what is not urgent may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// The route of a kind of notice.
#[must_use]
pub fn route(kind: NoticeKind, timing: &Timing) -> Route {
    let at_once = SignedDuration::ZERO;
    let absence = SignedDuration::from_secs(timing.absence_patience_seconds);
    let (lane, gathers_for, patience) = match kind {
        NoticeKind::AbsenceUnexplained => {
            (Lane::Normal, SignedDuration::from_secs(timing.absence_gathers_for_seconds), absence)
        }
        // A correction does not gather: every minute of a wrong fear counts.
        NoticeKind::AbsenceCorrection => (Lane::Urgent, at_once, absence),
        // People act on the wrong words of a letter until they have the right ones, so its correction leaves before
        // every bulk run; a letter, right or wrong, stands in the way of nothing that is urgent. The planner waits
        // until it can see who has the words that it takes the place of.
        NoticeKind::FirstAid | NoticeKind::AnnouncementCorrection => (Lane::Normal, at_once, PATIENCE),
        NoticeKind::HeadInjury => {
            (Lane::Urgent, at_once, SignedDuration::from_secs(timing.head_injury_patience_seconds))
        }
        NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged | NoticeKind::Reopening => {
            (Lane::Urgent, at_once, SignedDuration::from_secs(timing.closure_patience_seconds))
        }
        NoticeKind::Announcement => (Lane::Bulk, at_once, PATIENCE),
    };
    Route { kind, lane, semantics: semantics(kind), gathers_for, patience }
}

/// What a crash may do to a kind of notice. Only a letter that somebody wrote may rather be missed than
/// come twice; its correction may not, because then the wrong words would be the last.
const fn semantics(kind: NoticeKind) -> Semantics {
    match kind {
        NoticeKind::AbsenceUnexplained
        | NoticeKind::AbsenceCorrection
        | NoticeKind::FirstAid
        | NoticeKind::HeadInjury
        | NoticeKind::ClosureDeclared
        | NoticeKind::ClosureChanged
        | NoticeKind::Reopening
        | NoticeKind::AnnouncementCorrection => Semantics::AtLeastOnce,
        NoticeKind::Announcement => Semantics::AtMostOnce,
    }
}
