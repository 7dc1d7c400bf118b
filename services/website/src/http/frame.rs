//! The alerts as a small page for a frame, for websites that may not use scripts.
//!
//! It shows what is the case when the page around it is opened and does not load itself again: a
//! page that does so on its own is a hurdle for those who read slowly (WCAG 2.2.1).

use jiff::Timestamp;
use serde::Serialize;

use super::Error;
use super::layout::Layouts;
use super::shown::{self, Shown};
use crate::domain::School;

#[derive(Serialize)]
struct Frame<'a> {
    school: &'a str,
    alerts: Vec<Shown<'a>>,
}

/// The document.
pub fn write(layouts: &Layouts, school: &School, now: Timestamp) -> Result<Option<String>, Error> {
    let frame = Frame { school: school.name(), alerts: shown::all(school, now) };
    layouts.write("frame.html", frame).map(Some)
}
