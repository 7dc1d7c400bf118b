//! The headers around a document: how long it may be kept, whether it has changed, and what a
//! browser may do with it.
//!
//! The tag is strong, made from the bytes, so that two replicas give the same one and a change of
//! a day (*today*) or an expiry changes it too. What went wrong is never kept by anybody; proxies
//! that hold an older copy may go on showing that one.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::layout::STYLE;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// The school's own time, for scripts that hide what has expired: a visitor's clock may be wrong,
/// and a demonstration plays on another day.
const SCHOOLBELL_NOW: HeaderName = HeaderName::from_static("schoolbell-now");
const TRY_AGAIN_SECONDS: &str = "30";

/// Where a document is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a window of its own.
    Window,
    /// In a frame on anybody's page.
    Frame,
    /// Wherever a script, a reader or a calendar of anybody takes it.
    Anywhere,
}

/// Puts headers around documents.
pub struct Answers {
    cache: HeaderValue,
    window: HeaderValue,
    frame: HeaderValue,
}

impl Answers {
    /// `cache_seconds` is how long others may show what they have without asking again.
    pub fn new(cache_seconds: i64) -> Self {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let policy = |ancestors: &str| {
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; \
                 form-action 'none'; frame-ancestors {ancestors}"
            )
        };
        let cache =
            format!("public, max-age={cache_seconds}, stale-while-revalidate=60, stale-if-error=86400");
        Self { cache: value(&cache), window: value(&policy("'none'")), frame: value(&policy("*")) }
    }

    /// A document, or the word that it is still what the visitor has.
    pub fn document(
        &self,
        place: Place,
        content_type: &'static str,
        body: String,
        asked: (&HeaderMap, Timestamp),
    ) -> Response {
        let (request, now) = asked;
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&body));
        let tag = format!("\"{digest}\"");
        let now = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut headers = self.of(place);
        headers.insert(CACHE_CONTROL, self.cache.clone());
        headers.insert(ETAG, value(&tag));
        headers.insert(SCHOOLBELL_NOW, value(&now));
        if is_known(request, &tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        (headers, body).into_response()
    }

    /// A page of ours instead of what was asked for.
    pub fn excuse(&self, place: Place, status: StatusCode, page: String) -> Response {
        let mut headers = self.of(place);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(super::HTML));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(TRY_AGAIN_SECONDS));
        }
        (status, headers, page).into_response()
    }

    fn of(&self, place: Place) -> HeaderMap {
        let policy = if place == Place::Frame { &self.frame } else { &self.window };
        let mut headers = HeaderMap::from_iter([
            (CONTENT_SECURITY_POLICY, policy.clone()),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ]);
        if place == Place::Anywhere {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            let exposed = HeaderValue::from_static("Age, Date, ETag, Schoolbell-Now");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        if place != Place::Window {
            headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        }
        headers
    }
}

/// RFC 9110, section 13.1.2: compared weakly, because a proxy that compresses weakens a tag.
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let lists = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = lists.flat_map(|list| list.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// All that is said in headers is ASCII of our own making.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_alone_in_a_list_weakened_or_by_the_star() {
        let asked = |values: &[&'static str]| {
            let values = values.iter().map(|value| (IF_NONE_MATCH, HeaderValue::from_static(value)));
            is_known(&values.collect(), "\"a\"")
        };
        for known in [&["\"a\""][..], &["\"b\", W/\"a\""], &["*"]] {
            assert!(asked(known), "{known:?}");
        }
        for unknown in [&[][..], &["a"], &["\"b\""], &["\"A\", \"aa\""], &[""]] {
            assert!(!asked(unknown), "{unknown:?}");
        }
    }
}
