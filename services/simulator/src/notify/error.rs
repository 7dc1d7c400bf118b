//! Errors as GOV.UK Notify answers them: a status and an envelope of classes and messages.
//!
//! Clients are told to branch on the class, never on the message. Only this module knows the envelope.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// One refusal; a failed validation may carry several errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) errors: Vec<(String, String)>,
}

impl ApiError {
    pub(crate) fn new(status: u16, class: &str, message: impl Into<String>) -> Self {
        Self { status, errors: vec![(class.to_owned(), message.into())] }
    }

    /// 400 `BadRequestError`: well-formed, but cannot be done.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequestError", message)
    }

    /// 400 `ValidationError` with every message.
    pub(crate) fn validation(messages: Vec<String>) -> Self {
        let errors = messages.into_iter().map(|message| ("ValidationError".to_owned(), message)).collect();
        Self { status: 400, errors }
    }

    /// 404 `NoResultFound`.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "NoResultFound", "No result found")
    }

    /// 429, of the kind that passes in seconds.
    pub(crate) fn rate_limited(rate_per_minute: u32) -> Self {
        let message =
            format!("Exceeded rate limit for key type LIVE of {rate_per_minute} requests per 60 seconds");
        Self::new(429, "RateLimitError", message)
    }

    /// 429, of the kind that passes at midnight UTC.
    pub(crate) fn over_daily_limit(kind: &str, limit: u32) -> Self {
        Self::new(429, "TooManyRequestsError", format!("Exceeded send limits ({kind}: {limit}) for today"))
    }

    /// 500, in the server's own words.
    pub(crate) fn internal() -> Self {
        Self::new(500, "Exception", "Internal server error")
    }

    /// What a request is answered that was told to fail with `status`.
    pub(crate) fn told(status: u16, class: Option<&str>) -> Self {
        let usual = match status {
            401 | 403 => "AuthError",
            404 => "NoResultFound",
            429 => "RateLimitError",
            504 => "EventletTimeout",
            500.. => "Exception",
            _ => "BadRequestError",
        };
        let message =
            if status >= 500 { "Internal server error" } else { "The simulator was told to refuse this" };
        Self::new(status, class.unwrap_or(usual), message)
    }

    /// All errors in one line, for the witness log.
    pub(crate) fn why(&self) -> String {
        let parts: Vec<String> =
            self.errors.iter().map(|(class, message)| format!("{class}: {message}")).collect();
        parts.join("; ")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let errors: Vec<_> = self
            .errors
            .iter()
            .map(|(class, message)| json!({ "error": class, "message": message }))
            .collect();
        (status, Json(json!({ "status_code": self.status, "errors": errors }))).into_response()
    }
}
