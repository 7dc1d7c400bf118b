//! The alerts as a small page for a frame, for websites that may not use scripts.
//!
//! It shows what is the case when the page around it is opened and does not load itself again: a
//! page that does so on its own is a hurdle for those who read slowly (WCAG 2.2.1).

use serde::Serialize;

use super::layout::Layouts;
use super::no_contact::{self, NoContact};
use super::shown::{self, Shown};
use super::{Error, Visit};
use crate::domain::School;

#[derive(Serialize)]
struct Frame<'a> {
    school: &'a str,
    alerts: Vec<Shown<'a>>,
    no_contact: Option<NoContact>,
}

/// The document.
pub fn write(layouts: &Layouts, school: &School, visit: &Visit) -> Result<Option<String>, Error> {
    let frame = Frame {
        school: school.name(),
        alerts: shown::all(school, visit.now),
        no_contact: no_contact::of(school, visit.now),
    };
    layouts.write("frame.html", frame).map(Some)
}
