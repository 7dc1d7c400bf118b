//! What callers send and get where no gate stands in between: a request of somebody, and what an
//! answer or a refusal says.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "only tests call this, and they should stop here"
)]

use proto::options::v1::Role;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use crate::Tenant;
use crate::audit::Audited;
use crate::identity::Caller;

/// A request as the gate lets it through: of this person, in this role.
pub fn request_of<T>(tenant: Tenant, (subject, role): (&str, Role), message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller { subject: subject.to_owned(), tenant, roles: vec![role] });
    request
}

/// The answer, which the gate would let through: it carries the proof of its audit entry.
pub fn sealed<T>(answer: Result<Response<T>, Status>) -> Result<T, Status> {
    let answer = answer?;
    assert!(answer.extensions().get::<Audited>().is_some(), "an answer without an audit entry");
    Ok(answer.into_inner())
}

/// The stable reason of a refusal.
pub fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    answer.unwrap_err().get_details_error_info().unwrap().reason
}

/// The fields of a refusal, in the order of the alphabet.
pub fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    let mut fields: Vec<String> = violations.into_iter().map(|violation| violation.field).collect();
    fields.sort();
    fields
}
