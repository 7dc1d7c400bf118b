//! Who is calling: a key per service, short tokens, roles.
//!
//! A [`Signer`] makes tokens with its own Ed25519 key; a [`Gate`] knows the public keys of all
//! signers and the roles that each may grant, and lets a call through only when the roles that
//! stand beside the RPC in its `.proto` allow it. What is remembered of callers is which tokens were good,
//! until they end.

mod gate;
mod keys;
mod known;
#[cfg(test)]
mod tests;

pub(crate) use gate::check;
pub use gate::{Caller, Gate};
pub use keys::{KeyError, Keys, Signer};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use proto::options::v1::Role;
use serde::{Deserialize, Serialize};

use crate::Tenant;

/// How long the token of a service lives.
pub const SERVICE_TOKEN_FOR: SignedDuration = SignedDuration::from_mins(1);

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it.
    pub iss: String,
    /// Always `schoolbell`.
    pub aud: String,
    /// Whom it stands for: a service's name, or a person's id.
    pub sub: String,
    /// The tenant that it is good for.
    pub school: Tenant,
    /// Roles, in the words of [`role_name`].
    pub roles: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

/// The tenant that a token says it is good for. Only for whoever holds it: nothing of it is checked.
#[must_use]
pub fn tenant_said_by(token: &str) -> Option<Tenant> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.school)
}

/// A role in lower case without its prefix: `service`, `head`.
#[must_use]
pub fn role_name(role: Role) -> String {
    role.as_str_name().trim_start_matches("ROLE_").to_lowercase()
}

/// The role of that name, unless it is the unspecified one or none.
#[must_use]
pub fn role_of(name: &str) -> Option<Role> {
    Role::from_str_name(&format!("ROLE_{}", name.to_uppercase())).filter(|role| *role != Role::Unspecified)
}
