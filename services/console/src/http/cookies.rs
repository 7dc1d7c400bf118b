//! The two things that a browser keeps: of a session, and of a sign-in elsewhere that has begun.

use axum::http::{HeaderMap, HeaderValue, header};

/// Of somebody who is signed in.
pub const SESSION: &str = "schoolbell";
/// Of somebody who is away to sign in elsewhere.
pub const BEGUN: &str = "schoolbell-openid";

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
