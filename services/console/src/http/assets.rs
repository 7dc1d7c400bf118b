//! The stylesheet, the script, and the headers around everything.

use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Site;

const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");

/// Nothing but our own two files, and no frame around it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NEVER_KEPT: HeaderValue = HeaderValue::from_static("no-store");
const A_YEAR_PROTECTED: HeaderValue = HeaderValue::from_static("max-age=31536000");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Computed once: it stands on every page.
static VERSION: LazyLock<String> =
    LazyLock::new(|| crate::store::fingerprint(&[STYLE, SCRIPT].concat()).chars().take(12).collect());

/// What stands in the addresses of both files, so that a new release is a new address.
pub fn version() -> String {
    VERSION.clone()
}

/// `GET /console/console.css`
pub async fn stylesheet() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// `GET /console/console.js`
pub async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

/// Puts the headers on whatever is answered, and counts it.
pub async fn headers(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_file =
        request.uri().path().ends_with("/console.css") || request.uri().path().ends_with("/console.js");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, if is_file { FOR_A_YEAR } else { NEVER_KEPT });
    if site.is_protected {
        headers.insert(STRICT_TRANSPORT_SECURITY, A_YEAR_PROTECTED);
    }
    let status = response.status().as_u16().to_string();
    metrics::counter!("console_requests_total", "status" => status).increment(1);
    response
}
