//! `alerts.atom`: the alerts as a feed (RFC 4287).
//!
//! An entry's id is that of what the alert is about, so that a closure that is prolonged, and the
//! reopening that ends it, are one entry that changes.

use jiff::Timestamp;
use serde::Serialize;

use super::layout::Layouts;
use super::shown::{self, Shown};
use super::{Error, stable_id};
use crate::domain::School;

#[derive(Serialize)]
struct Feed<'a> {
    id: String,
    school: &'a str,
    changed_at: Timestamp,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    alert: Shown<'a>,
}

/// The document.
pub fn write(layouts: &Layouts, school: &School, now: Timestamp) -> Result<Option<String>, Error> {
    let alerts = shown::all(school, now).into_iter();
    let feed = Feed {
        id: school.id.uuid().urn().to_string(),
        school: school.name(),
        changed_at: school.changed_at,
        entries: alerts
            .map(|alert| Entry { id: stable_id::of_subject(alert.id).urn().to_string(), alert })
            .collect(),
    };
    layouts.write("alerts.atom", feed).map(Some)
}
