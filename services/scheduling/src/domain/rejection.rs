//! Why something cannot be done, in the school's words. `api::refusal` turns each into a status.

use proto::ids::ClosureId;

/// Why something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The date is in no term of the school.
    #[error("is in no term of the school")]
    OutsideTerm(Where),
    /// The date is in a term, but no day on which pupils come.
    #[error("is no school day: a weekend, a bank holiday or a day without pupils")]
    NotASchoolDay(Where),
    /// The date has passed, or its last session has ended.
    #[error("has passed")]
    PastDay(Where),
    /// A closure of a day that has passed, or whose last session has ended.
    #[error("has passed: nobody can be told in time that it is closed")]
    PastClosure,
    /// A longer closure that would close a school day that has begun, or passed, while it was open.
    #[error("would close a school day that has begun: declare another closure")]
    ExtendedTooLate,
    /// A day of which registers are being taken, or were, as of a school day or none.
    #[error("has begun or has passed: its registers stand")]
    DayBegun,
    /// The last day comes before the first.
    #[error("comes before the first day")]
    EndsBeforeItStarts,
    /// More days than are taken at once.
    #[error("is more than {most} days after the first day")]
    TooLong {
        /// How many days after the first are taken.
        most: i64,
    },
    /// Another closure that concerns some of the same pupils has one of the same days.
    #[error("another closure that concerns some of the same pupils has one of these days")]
    Overlapping(ClosureId),
    /// There is no such closure.
    #[error("there is no such closure")]
    UnknownClosure,
    /// The closure has ended: children are expected again.
    #[error("the closure has ended; declare another")]
    ClosureEnded,
    /// Children would be expected later than the closure lasts, and nobody was told of the days
    /// between.
    #[error("is later than the closure lasts: change its last day first")]
    OpensTooLate,
    /// The terms that the school has imported end before the day that was asked for.
    #[error("the school's terms end before that day: import the next ones")]
    CalendarEnds,
}

/// Which date of a request was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// The day that was asked about.
    Date,
    /// The first day of a closure.
    FirstDay,
    /// The last day of a closure.
    LastDay,
    /// The day on which children are expected again.
    OpenOn,
}
