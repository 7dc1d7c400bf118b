//! Why a call is refused, in a form that programs can branch on: one gRPC code, one
//! `google.rpc.ErrorInfo` with a stable reason, and the fields that were wrong.
//!
//! A service's `domain::Rejection` becomes one of these in its `api`; IO errors become
//! `UNAVAILABLE` or `INTERNAL` and are logged once, here, without any caller's data.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::store;

/// The domain of every reason.
pub const DOMAIN: &str = "schoolbell";

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    code: Code,
    reason: &'static str,
    message: String,
    fields: Vec<(String, String)>,
    metadata: Vec<(&'static str, String)>,
    retry_in: Option<Duration>,
}

impl Rejection {
    /// A refusal with any code; `reason` is UPPER_SNAKE and never changes.
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, reason, message, fields: Vec::new(), metadata: Vec::new(), retry_in: None }
    }

    /// What was asked cannot be asked.
    pub fn invalid(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(Code::InvalidArgument, reason, message.clone()).field(field, message)
    }

    /// There is no such thing.
    pub fn not_found(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, reason, message)
    }

    /// It cannot be done in the present state.
    pub fn precondition(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, reason, message)
    }

    /// Adds a field that was wrong, for example `marks[3].code`.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        self.fields.push((field.into(), description.into()));
        self
    }

    /// Adds a value that a program may need. Never a name, number or address.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// Says when the same request may be sent again, in a `google.rpc.RetryInfo`.
    #[must_use]
    pub fn retry_in(mut self, delay: Duration) -> Self {
        self.retry_in = Some(delay);
        self
    }

    /// The stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        let metadata: HashMap<String, String> =
            rejection.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut details = ErrorDetails::new();
        details.set_error_info(rejection.reason, DOMAIN, metadata);
        if rejection.retry_in.is_some() {
            details.set_retry_info(rejection.retry_in);
        }
        if !rejection.fields.is_empty() {
            let violations = rejection
                .fields
                .into_iter()
                .map(|(field, description)| FieldViolation::new(field, description))
                .collect::<Vec<_>>();
            details.set_bad_request(violations);
        }
        Status::with_error_details(rejection.code, rejection.message, details)
    }
}

/// An error with its causes, in one line.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.join(": ")
}

/// A failure of ours: logged with its causes, told without them. What may pass is `UNAVAILABLE`;
/// what will not is `INTERNAL`, so that nobody tries for ever.
pub fn failure(error: &(dyn std::error::Error + 'static)) -> Status {
    tracing::error!(error = causes(error), "a call failed");
    let stays = error.downcast_ref::<store::Error>().is_some_and(|error| !error.is_away());
    if stays {
        return Rejection::new(Code::Internal, "FAULT", "this cannot be done; it was written down").into();
    }
    Rejection::new(Code::Unavailable, "TRY_AGAIN", "this cannot be done just now; try again").into()
}

impl From<store::Error> for Status {
    fn from(error: store::Error) -> Self {
        failure(&error)
    }
}

/// The text of a field, if it is no longer than `most` characters and not empty.
pub fn required(value: &str, field: &'static str, most: usize) -> Result<String, Rejection> {
    let value = value.trim();
    if value.is_empty() {
        return Err(Rejection::invalid("REQUIRED", field, "must not be empty"));
    }
    optional(value, field, most)
}

/// The text of a field, if it is no longer than `most` characters.
pub fn optional(value: &str, field: &'static str, most: usize) -> Result<String, Rejection> {
    let value = value.trim();
    if value.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(Rejection::invalid("CONTROL_CHARACTER", field, "holds a character that is no text"));
    }
    let characters = value.chars().count();
    if characters > most {
        return Err(Rejection::invalid(
            "TOO_LONG",
            field,
            format!("has {characters} characters; at most {most} are taken"),
        ));
    }
    Ok(value.to_owned())
}

/// An id of a field.
pub fn id<T: std::str::FromStr<Err = proto::ids::InvalidId>>(
    value: &str,
    field: impl Into<String>,
) -> Result<T, Rejection> {
    value
        .parse()
        .map_err(|error: proto::ids::InvalidId| Rejection::invalid("INVALID_ID", field, error.to_string()))
}

/// An ISO date of a field.
pub fn date(value: &str, field: &'static str) -> Result<jiff::civil::Date, Rejection> {
    value.parse().map_err(|_| Rejection::invalid("INVALID_DATE", field, "must be a date as in 2026-11-24"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_its_reason_and_its_fields() {
        let status: Status =
            Rejection::invalid("UNKNOWN_CODE", "marks[3].code", "is not a code").with("code", "H").into();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("UNKNOWN_CODE", DOMAIN));
        assert_eq!(info.metadata["code"], "H");
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "marks[3].code");
    }

    #[test]
    fn a_text_that_is_too_long_is_refused_by_characters_not_bytes() {
        assert_eq!(optional("żżż", "note", 3), Ok("żżż".to_owned()));
        assert_eq!(optional("żżżż", "note", 3).unwrap_err().reason(), "TOO_LONG");
        assert_eq!(required("  ", "note", 3).unwrap_err().reason(), "REQUIRED");
    }
}
