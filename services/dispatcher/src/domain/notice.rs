//! Kinds of notice, and what is always true of a kind. What a school may change stands in
//! [`routes`](crate::routes).

use std::str::FromStr;

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// A pupil is missing and nobody has said why.
    AbsenceUnexplained,
    /// A pupil who was said to be missing is in school.
    AbsenceCorrection,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::AbsenceUnexplained, Self::AbsenceCorrection];

    /// Its name in rows, on the wire and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AbsenceUnexplained => "absence_unexplained",
            Self::AbsenceCorrection => "absence_correction",
        }
    }
}

/// The text is no kind of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of notice")]
pub struct UnknownKind;

impl FromStr for NoticeKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}
