//! `alerts.atom`: the alerts as a feed (RFC 4287).
//!
//! An entry's id is that of what the alert is about, so that a closure that is prolonged is one entry
//! that changes. The reopening that ends it has an id of its own: both may stand in the feed, and a
//! reader that shows an id once would never show the better news.

use jiff::Timestamp;
use proto::events::dispatcher::AlertKind;
use serde::Serialize;

use super::layout::Layouts;
use super::shown::{self, Shown};
use super::{Error, Visit, stable_id};
use crate::domain::School;

#[derive(Serialize)]
struct Feed<'a> {
    id: String,
    school: &'a str,
    changed_at: Timestamp,
    /// The whole address of the school's pages.
    home: Option<&'a str>,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    alert: Shown<'a>,
}

fn entry_id(alert: &Shown<'_>) -> String {
    let id = match alert.kind {
        AlertKind::Closure => stable_id::of_subject(alert.id),
        AlertKind::Reopening => stable_id::named(&[alert.id, "reopening"]),
    };
    id.urn().to_string()
}

/// The document.
pub fn write(layouts: &Layouts, school: &School, visit: &Visit) -> Result<Option<String>, Error> {
    let alerts = shown::all(school, visit.now).into_iter();
    let feed = Feed {
        id: school.id.uuid().urn().to_string(),
        school: school.name(),
        changed_at: school.changed_at,
        home: visit.home.as_deref(),
        entries: alerts.map(|alert| Entry { id: entry_id(&alert), alert }).collect(),
    };
    layouts.write("alerts.atom", feed).map(Some)
}
