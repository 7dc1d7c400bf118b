//! The domain's rejections as the wire says them. Reasons never change.

use kit::fields::of_faults;
use kit::rejection::Rejection as Refusal;
use tonic::Status;

use crate::domain::Rejection;

/// The status of a rejection.
pub fn status(rejection: Rejection) -> Status {
    let text = rejection.to_string();
    let date = |reason| Refusal::invalid(reason, "date", text.clone());
    let refusal = match rejection {
        Rejection::Faults(faults) => of_faults(faults),
        Rejection::OutsideTerm => date("OUTSIDE_TERM"),
        Rejection::NotASchoolDay => date("NOT_A_SCHOOL_DAY"),
        Rejection::PastSession => date("PAST_SESSION"),
        Rejection::FutureSession => date("FUTURE_SESSION"),
        Rejection::TooFarAhead { .. } => date("TOO_FAR_AHEAD"),
        Rejection::SchoolClosed => Refusal::precondition("SCHOOL_CLOSED", text),
        Rejection::UnknownCase => Refusal::not_found("UNKNOWN_CASE", text),
        Rejection::CaseClosed => Refusal::precondition("CASE_CLOSED", text),
        Rejection::RegisterClosed => Refusal::precondition("REGISTER_CLOSED", text),
    };
    refusal.into()
}

/// A pupil whom the directory does not know in this school.
pub fn unknown_pupil() -> Status {
    Refusal::invalid("UNKNOWN_PUPIL", "pupil_id", "is no pupil of this school").into()
}
