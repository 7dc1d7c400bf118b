//! What a browser keeps: of a session, of a sign-in elsewhere that has begun, of the accounts to which it has signed in,
//! and the school that was used last.

use axum::http::{HeaderMap, HeaderValue, header};
use proto::ids::SchoolId;
use subtle::ConstantTimeEq;

/// Of somebody who is signed in.
pub const SESSION: &str = "schoolbell";
/// Of somebody who is away to sign in elsewhere.
pub const BEGUN: &str = "schoolbell-openid";

/// The school that was used last: whoever signs in next, and may do something there, begins there.
const SCHOOL: &str = "schoolbell-school";
/// Of the accounts to which this browser has signed in.
const KNOWN: &str = "schoolbell-known";
/// Accounts that several people before one browser have.
const MOST_KNOWN: usize = 8;
/// A year, in seconds.
const KNOWN_FOR: u32 = 365 * 24 * 60 * 60;

/// The prefix has browsers take it over TLS and from this host only.
fn full(is_protected: bool, name: &str) -> String {
    format!("{}{name}", if is_protected { "__Host-" } else { "" })
}

/// Given until the browser is closed, or for so many seconds.
pub fn given(is_protected: bool, name: &str, value: &str, seconds: Option<u32>) -> HeaderValue {
    let (name, secure) = (full(is_protected, name), if is_protected { "; Secure" } else { "" });
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}");
    // Values are letters and digits of our own.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Given with a session: what it is the fingerprint of, and its school for the next time.
pub fn of_session(is_protected: bool, token: &str, school: SchoolId) -> Vec<HeaderValue> {
    let last = given(is_protected, SCHOOL, &school.to_string(), Some(KNOWN_FOR));
    vec![given(is_protected, SESSION, token, None), last]
}

/// The school that was used last from this browser.
pub fn last_school(is_protected: bool, headers: &HeaderMap) -> Option<SchoolId> {
    find(is_protected, SCHOOL, headers)?.parse().ok()
}

/// Taken away.
pub fn taken(is_protected: bool, name: &str) -> HeaderValue {
    given(is_protected, name, "", Some(0))
}

/// What a browser has.
pub fn find<'a>(is_protected: bool, name: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = full(is_protected, name);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The accounts to which this browser has signed in, this one the newest.
pub fn known(is_protected: bool, mark: &str, headers: &HeaderMap) -> HeaderValue {
    let before = find(is_protected, KNOWN, headers).unwrap_or_default().split('.');
    let is_ours = |one: &&str| {
        *one != mark && one.len() == mark.len() && one.chars().all(|letter| letter.is_ascii_hexdigit())
    };
    let all: Vec<&str> = std::iter::once(mark).chain(before.filter(is_ours)).take(MOST_KNOWN).collect();
    given(is_protected, KNOWN, &all.join("."), Some(KNOWN_FOR))
}

/// Whether this browser has signed in to this account before.
pub fn knows(is_protected: bool, mark: &str, headers: &HeaderMap) -> bool {
    let marks = find(is_protected, KNOWN, headers).unwrap_or_default().split('.');
    marks.fold(false, |known, one| known | bool::from(one.as_bytes().ct_eq(mark.as_bytes())))
}
