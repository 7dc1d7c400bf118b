//! Which gatherings one of the planner's loops looks after, and in which order.

use crate::domain::NoticeKind;
use crate::routes::{Lane, Timing, route};

/// A loop of the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// What is about single children: the directory is asked about few, and answers soon or not.
    Children,
    /// What says that the school is closed, or open.
    Closing,
    /// What somebody wrote.
    Letters,
}

impl Line {
    /// Every line, the one that may not wait first.
    pub const ALL: [Self; 3] = [Self::Children, Self::Closing, Self::Letters];

    fn of(kind: NoticeKind) -> Self {
        match kind {
            NoticeKind::AbsenceUnexplained
            | NoticeKind::AbsenceCorrection
            | NoticeKind::FirstAid
            | NoticeKind::HeadInjury => Self::Children,
            NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged | NoticeKind::Reopening => Self::Closing,
            NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => Self::Letters,
        }
    }

    /// Its kinds, by lane, the urgent first.
    #[must_use]
    pub fn kinds(self, timing: &Timing) -> Vec<Vec<NoticeKind>> {
        let own = || NoticeKind::ALL.into_iter().filter(|kind| Self::of(*kind) == self);
        let kinds = Lane::ALL.map(|lane| own().filter(|kind| route(*kind, timing).lane == lane).collect());
        kinds.into_iter().filter(|kinds: &Vec<NoticeKind>| !kinds.is_empty()).collect()
    }
}
