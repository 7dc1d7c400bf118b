//! Things that a person must do by a time, owned by the service that asks for them.
//!
//! A task is opened in the transaction of the decision that asks for it. Its `why` and its
//! subjects hold ids and reasons, never names or numbers.

mod api;
mod open;

pub use api::TaskDesk;

use jiff::{SignedDuration, Timestamp};
use proto::options::v1::Role;

use crate::Tenant;

/// A task that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// For which tenant.
    pub tenant: Tenant,
    /// What kind, in lower snake case: `nobody_to_tell`.
    pub kind: &'static str,
    /// What it is about: ids.
    pub subjects: Vec<String>,
    /// Why a person must do this, in a sentence.
    pub why: String,
    /// Who should do it.
    pub role: Role,
    /// When it is opened.
    pub opened_at: Timestamp,
    /// By when it should be done.
    pub due_at: Timestamp,
    /// Two tasks of a tenant with the same key are one.
    pub key: Option<String>,
}

impl NewTask {
    /// A task that is due soon after it opens.
    pub fn new(tenant: Tenant, kind: &'static str, role: Role, times: (Timestamp, SignedDuration)) -> Self {
        let (opened_at, due_in) = times;
        Self {
            tenant,
            kind,
            subjects: Vec::new(),
            why: String::new(),
            role,
            opened_at,
            due_at: opened_at.saturating_add(due_in).unwrap_or(opened_at),
            key: None,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn about(mut self, subjects: impl IntoIterator<Item = String>) -> Self {
        self.subjects.extend(subjects);
        self
    }

    /// Why a person must do it.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Opens it once only.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}
