//! Why something cannot be done, in the school's words. `api::refusal` turns each into a status.

/// A text of an account that goes home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What happened.
    What,
    /// Where.
    Place,
    /// The first aid that was given.
    FirstAid,
    /// Why none was given.
    NoFirstAidBecause,
}

/// Something wrong with an account. The texts never repeat what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Neither first aid nor a reason why not.
    #[error("must say which first aid was given, or no_first_aid_because must say why none was")]
    FirstAidRequired,
    /// First aid, and a reason why there was none.
    #[error("must be empty when first aid was given")]
    FirstAidContradiction,
    /// It is said to have happened after it was written down.
    #[error("must not be later than the moment at which the accident is written down")]
    HappenedInFuture,
    /// It is said to have happened long before it was written down.
    #[error("must be at most {} days before the accident is written down", super::account::TAKEN_FOR_DAYS)]
    TooLongAgo,
    /// The first name of another pupil of the school stands there.
    #[error(
        "seems to name another child of the school: write it without, or set names_checked if it does not"
    )]
    NamesAnotherPupil(Part),
}

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The account cannot stand as it is; all that is wrong with it stands here.
    #[error("the account cannot stand as it is")]
    Faults(Vec<Fault>),
    /// Nobody of that id is on the school's roll.
    #[error("is no pupil of this school")]
    UnknownPupil,
    /// The school has no such accident.
    #[error("there is no such accident")]
    UnknownAccident,
    /// What was looked at is not what stands any more.
    #[error("a colleague has put this accident right meanwhile: look at it again")]
    AmendedMeanwhile,
}
