//! The domain's rejections as the wire says them. Reasons never change.

use kit::fields::{Fault as FieldFault, of_faults};
use kit::rejection::Rejection as Refusal;
use tonic::Status;

use crate::domain::{Fault, Part, Rejection};

/// The status of a rejection.
pub fn status(rejection: Rejection) -> Status {
    let text = rejection.to_string();
    let refusal = match rejection {
        Rejection::Faults(faults) => of_faults(faults.into_iter().map(field).collect()),
        Rejection::UnknownPupil => Refusal::invalid("UNKNOWN_PUPIL", "pupil_id", text),
        Rejection::UnknownAccident => Refusal::not_found("UNKNOWN_ACCIDENT", text),
        Rejection::AmendedMeanwhile => Refusal::precondition("AMENDED_MEANWHILE", text),
    };
    refusal.into()
}

/// A fault of an account at its field.
pub fn field(fault: Fault) -> FieldFault {
    let (field, reason) = match fault {
        Fault::FirstAidRequired => ("account.first_aid", "FIRST_AID_REQUIRED"),
        Fault::FirstAidContradiction => ("account.no_first_aid_because", "FIRST_AID_CONTRADICTION"),
        Fault::HappenedInFuture => ("account.happened_at", "HAPPENED_IN_FUTURE"),
        Fault::TooLongAgo => ("account.happened_at", "TOO_LONG_AGO"),
        Fault::NamesAnotherPupil(part) => (part_field(part), "NAMES_ANOTHER_PUPIL"),
    };
    FieldFault::new(field, reason, fault.to_string())
}

fn part_field(part: Part) -> &'static str {
    match part {
        Part::What => "account.what",
        Part::Place => "account.place",
        Part::FirstAid => "account.first_aid",
        Part::NoFirstAidBecause => "account.no_first_aid_because",
    }
}
