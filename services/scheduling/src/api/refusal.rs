//! The domain's rejections as the wire says them. Reasons never change.

use kit::rejection::Rejection as Refusal;
use tonic::Status;

use crate::domain::{Rejection, Where};

/// The status of a rejection.
pub fn status(rejection: Rejection) -> Status {
    let text = rejection.to_string();
    let refusal = match rejection {
        Rejection::OutsideTerm(field) => Refusal::invalid("OUTSIDE_TERM", name(field), text),
        Rejection::NotASchoolDay(field) => Refusal::invalid("NOT_A_SCHOOL_DAY", name(field), text),
        Rejection::PastDay(field) => Refusal::invalid("PAST_DAY", name(field), text),
        Rejection::PastClosure => Refusal::invalid("PAST_CLOSURE", name(Where::FirstDay), text),
        Rejection::ExtendedTooLate => Refusal::invalid("PAST_CLOSURE", name(Where::LastDay), text),
        Rejection::DayBegun => Refusal::invalid("PAST_DAY", name(Where::Date), text),
        Rejection::EndsBeforeItStarts => {
            Refusal::invalid("ENDS_BEFORE_IT_STARTS", name(Where::LastDay), text)
        }
        Rejection::TooLong { .. } => Refusal::invalid("TOO_LONG", name(Where::LastDay), text),
        Rejection::OpensTooLate => Refusal::invalid("OPENS_TOO_LATE", name(Where::OpenOn), text),
        Rejection::Overlapping(other) => {
            Refusal::precondition("OVERLAPPING_CLOSURE", text).with("closure_id", other.to_string())
        }
        Rejection::UnknownClosure => Refusal::not_found("UNKNOWN_CLOSURE", text),
        Rejection::ClosureEnded => Refusal::precondition("CLOSURE_ENDED", text),
        Rejection::CalendarEnds => Refusal::precondition("CALENDAR_ENDS", text),
    };
    refusal.into()
}

fn name(field: Where) -> &'static str {
    match field {
        Where::Date => "date",
        Where::FirstDay => "first_day",
        Where::LastDay => "last_day",
        Where::OpenOn => "open_on",
    }
}
