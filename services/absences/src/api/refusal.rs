//! The domain's rejections as the wire says them. Reasons never change.

use kit::rejection::Rejection as Refusal;
use tonic::{Code, Status};

use crate::domain::{Fault, Rejection};

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

/// One reason when all faults have it; otherwise each description begins with its own.
fn of_faults(faults: Vec<Fault>) -> Refusal {
    let mut reasons: Vec<&'static str> = faults.iter().map(|fault| fault.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let (reason, mixed) = match reasons.as_slice() {
        [reason] => (*reason, false),
        _ => ("INVALID_FIELDS", true),
    };
    let refusal = Refusal::new(Code::InvalidArgument, reason, format!("{} fields are wrong", faults.len()))
        .with("reasons", reasons.join(","));
    faults.into_iter().fold(refusal, |refusal, fault| {
        let Fault { field, reason, expected } = fault;
        refusal.field(field, if mixed { format!("{reason}: {expected}") } else { expected })
    })
}
