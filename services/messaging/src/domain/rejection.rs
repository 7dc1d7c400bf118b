//! Why something is not sent or corrected, in the school's words. `api` turns each into a status.

use super::Fault;

/// Why something is not sent or corrected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Fields of the request are wrong; all of them stand here.
    #[error("fields of the request are wrong")]
    Faults(Vec<Fault>),
    /// The school has no such announcement.
    #[error("there is no such announcement")]
    UnknownAnnouncement,
    /// What was looked at is not what stands any more.
    #[error("a colleague has corrected this announcement meanwhile: look at it again")]
    CorrectedMeanwhile,
    /// It may be forgotten where it was told.
    #[error(
        "this announcement is too old to be corrected: who was told, and where, is kept for two weeks only; send a new \
         one if it still matters"
    )]
    TooOld,
}
