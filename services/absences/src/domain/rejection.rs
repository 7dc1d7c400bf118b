//! Why something cannot be done, in the school's words. `api::refusal` turns each into a status.

use super::Fault;

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Fields of the request are wrong; all of them stand here.
    #[error("fields of the request are wrong")]
    Faults(Vec<Fault>),
    /// The date is in no term of the school.
    #[error("is in no term of the school")]
    OutsideTerm,
    /// The date is in a term, but a weekend, a bank holiday, an INSET day or an occasional day.
    #[error("is a weekend, a bank holiday or a day without pupils")]
    NotASchoolDay,
    /// The school day is over.
    #[error("is over: only the present school day is taken")]
    PastSession,
    /// The session's register has not opened yet.
    #[error("has not begun: its register is not open yet")]
    FutureSession,
    /// The school is closed for this session.
    #[error("the school is closed for this session: no register is taken")]
    SchoolClosed,
    /// A report for a day that is too far away.
    #[error("is more than {most} school days ahead")]
    TooFarAhead {
        /// How many are taken.
        most: usize,
    },
    /// There is no such case.
    #[error("there is no such case")]
    UnknownCase,
    /// The case has found its end.
    #[error("the case is closed: the pupil has arrived or the reason is known")]
    CaseClosed,
    /// The school-wide register is closed: what was marked stays.
    #[error("the register is closed: what was marked stays")]
    RegisterClosed,
}
