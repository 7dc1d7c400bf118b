//! The alert page, and the pages that say that there is none: whole without any script, and without
//! a second request, because many come at once on the morning of a closure.

use jiff::Timestamp;
use serde::Serialize;

use super::layout::Layouts;
use super::no_contact::{self, NoContact};
use super::shown::{self, Shown};
use super::{Error, Visit};
use crate::domain::{School, when};

#[derive(Serialize)]
struct Page<'a> {
    school: &'a str,
    alerts: Vec<Entry<'a>>,
    no_contact: Option<NoContact>,
    /// Whether there is a calendar to link to.
    calendar: bool,
    changed: String,
    changed_at: Timestamp,
}

#[derive(Serialize)]
struct Entry<'a> {
    alert: Shown<'a>,
    said: String,
}

#[derive(Serialize)]
struct Excuse<'a> {
    title: &'a str,
    text: &'a str,
}

/// The document.
pub fn write(layouts: &Layouts, school: &School, visit: &Visit) -> Result<Option<String>, Error> {
    let at = |instant| when::at(instant, &school.zone, visit.now);
    let alerts = shown::all(school, visit.now).into_iter();
    let page = Page {
        school: school.name(),
        alerts: alerts.map(|alert| Entry { said: at(alert.published_at), alert }).collect(),
        no_contact: no_contact::of(school, visit.now),
        calendar: school.calendar.is_some(),
        changed: at(school.changed_at),
        changed_at: school.changed_at,
    };
    layouts.write("page.html", page).map(Some)
}

/// There is nothing at this address.
pub fn not_found(layouts: &Layouts) -> String {
    let text = "There is no school's page at this address. Please check it, or ask your school for it.";
    excuse(layouts, "Page not found", text)
}

/// The projection cannot be read.
pub fn away(layouts: &Layouts) -> String {
    let text = "We cannot show this school's alerts at the moment. Please try again in a minute, or ring the school.";
    excuse(layouts, "Please try again", text)
}

fn excuse(layouts: &Layouts, title: &str, text: &str) -> String {
    let page = layouts.write("excuse.html", Excuse { title, text });
    // Plain words are the last resort when not even a page can be written.
    page.unwrap_or_else(|_| text.to_owned())
}
