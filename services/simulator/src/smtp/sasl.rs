//! AUTH PLAIN and LOGIN: what the client's base64 says, compared with the one login.
//!
//! Pure; the session asks for the lines. Other mechanisms are not offered.

use mail_parser::decoders::base64::base64_decode;

use super::Login;

/// `base64("Username:")`, the usual question of LOGIN.
pub(super) const ASK_USER: &str = "334 VXNlcm5hbWU6";
/// `base64("Password:")`.
pub(super) const ASK_PASSWORD: &str = "334 UGFzc3dvcmQ6";

/// Whether a PLAIN answer (authorisation identity, user, password, parted by NUL) is this login.
pub(super) fn plain_is(login: &Login, answer: &str) -> bool {
    let Some(decoded) = text(answer) else { return false };
    let parts: Vec<&str> = decoded.split('\0').collect();
    matches!(parts.as_slice(), [_, user, password] if *user == login.user && *password == login.password)
}

/// Whether the two answers of LOGIN are this login.
pub(super) fn login_is(login: &Login, user: &str, password: &str) -> bool {
    text(user).as_ref() == Some(&login.user) && text(password).as_ref() == Some(&login.password)
}

fn text(answer: &str) -> Option<String> {
    String::from_utf8(base64_decode(answer.trim().as_bytes())?).ok()
}
