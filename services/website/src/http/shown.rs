//! An alert in the words in which every document shows it.

use jiff::Timestamp;
use proto::events::dispatcher::AlertKind;
use serde::Serialize;

use crate::domain::{Alert, School, label, when};

/// One alert, as `alerts.json` writes it and as the templates read it.
#[derive(Debug, Clone, Serialize)]
pub struct Shown<'a> {
    /// Of what it is about: a closure and the reopening that ends it have one id and differ in kind.
    pub id: &'a str,
    /// Rises with every change that was said of it. One that is cut short by a reopening keeps its
    /// version and expires earlier.
    version: u64,
    /// `closure` or `reopening`.
    pub kind: AlertKind,
    /// The word that stands above it.
    label: &'static str,
    /// Worth interrupting a visitor for.
    pressing: bool,
    headline: &'a str,
    body: &'a str,
    /// Such as *until the end of Tuesday 24 November 2026*.
    until: String,
    /// When it was said.
    pub published_at: Timestamp,
    expires_at: Timestamp,
}

/// What is shown of a school now, the most pressing first.
pub fn all(school: &School, now: Timestamp) -> Vec<Shown<'_>> {
    school.alerts.iter().map(|alert| shown(school, alert, now)).collect()
}

fn shown<'a>(school: &School, alert: &'a Alert, now: Timestamp) -> Shown<'a> {
    Shown {
        id: &alert.subject,
        version: alert.version,
        kind: alert.kind,
        label: label(alert.kind),
        pressing: alert.is_pressing(&school.zone, now),
        headline: &alert.headline,
        body: &alert.body,
        until: when::until(alert.expires_at, &school.zone),
        published_at: alert.published_at,
        expires_at: alert.expires_at,
    }
}
