//! `alerts.json`: what the banner reads, and anybody else's program.
//!
//! The answer's header `Schoolbell-Now` says what time it is at the school; it stands there and not
//! in the body so that the body, and its tag, change only when there is something new. For the same
//! reason the body says since when there is no contact, and of a contact that there is one.

use jiff::Timestamp;
use serde::Serialize;

use super::layout::Layouts;
use super::no_contact::{self, NoContact};
use super::shown::{self, Shown};
use super::{Error, Visit};
use crate::domain::School;

#[derive(Serialize)]
struct Body<'a> {
    school: String,
    school_name: Option<&'a str>,
    alerts: Vec<Shown<'a>>,
    /// When the newest fact that stands here was said.
    changed_at: Timestamp,
    /// When anything was last heard.
    heard_at: Timestamp,
    /// Null while silence means that there is no news.
    no_contact: Option<NoContact>,
}

/// The document.
pub fn write(_layouts: &Layouts, school: &School, visit: &Visit) -> Result<Option<String>, Error> {
    let body = Body {
        school: school.id.to_string(),
        school_name: school.name.as_deref(),
        alerts: shown::all(school, visit.now),
        changed_at: school.changed_at,
        heard_at: school.heard_at,
        no_contact: no_contact::of(school, visit.now),
    };
    serde_json::to_string(&body).map(Some).map_err(Error::Json)
}
