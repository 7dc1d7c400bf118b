//! What the console keeps: people who may sign in, what they may do, invitations and sessions.
//!
//! What a browser or a link has is random; here stands its fingerprint, so that whoever reads the
//! database cannot sign in with it. Nothing here decides.

pub mod invitations;
pub mod people;
mod rows;
pub mod sessions;

use kit::store::{Error, Migration};
use proto::options::v1::Role;
use sha2::{Digest, Sha256};

/// The tables, step by step.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "console_0001", sql: include_str!("schema.sql") }];

/// By what something secret is known here.
pub fn fingerprint(secret: &str) -> String {
    Sha256::digest(secret).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn roles_text(roles: &[Role]) -> String {
    let names: Vec<String> = roles.iter().map(|role| kit::identity::role_name(*role)).collect();
    serde_json::json!(names).to_string()
}

fn roles_of(text: &str) -> Result<Vec<Role>, Error> {
    let names: Vec<String> = read("roles", serde_json::from_str(text).ok())?;
    let roles = names.iter().map(|name| crate::domain::roles::of_name(name));
    read("roles", roles.collect())
}

fn read<T>(what: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::Corrupt { what })
}
