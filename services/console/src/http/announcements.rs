//! What people in the school wrote to those at home, the newest first, each in its newest words.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use proto::messaging::v1::{Announcement, ListAnnouncementsRequest};
use serde::Deserialize;

use super::announcing::SEND;
use super::correcting::CORRECT;
use super::frame::{Frame, Place};
use super::messages::PAGE;
use super::stopped::rendered;
use super::{Stopped, Visitor, when, whom};
use crate::asking::ask;

/// So many characters of a text stand for it where it has no subject.
const GIST: usize = 60;

/// Where in the list, and what has just been done.
#[derive(Deserialize)]
pub struct Looked {
    #[serde(default)]
    page: String,
    said: Option<String>,
}

/// An announcement as it is shown.
struct Shown {
    id: String,
    title: String,
    whom: String,
    sent: String,
    corrected: Option<String>,
    subject: String,
    body: String,
    text: String,
}

#[derive(Template)]
#[template(path = "announcements.html")]
struct Page {
    frame: Frame,
    announcements: Vec<Shown>,
    next: String,
    may_send: bool,
    may_correct: bool,
}

/// What it is called: by its subject, or by how its text begins.
pub fn title(announcement: &Announcement) -> String {
    if !announcement.subject.is_empty() {
        return announcement.subject.clone();
    }
    let mut letters = announcement.text.chars();
    let gist: String = letters.by_ref().take(GIST).collect();
    if letters.next().is_some() { format!("{}…", gist.trim_end()) } else { gist }
}

/// `GET /console/announcements`
pub async fn page(
    visitor: Visitor,
    Query(Looked { page, said }): Query<Looked>,
) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Announcements).await.saying(said.as_deref());
    let request = ListAnnouncementsRequest { page_size: PAGE, page_token: page };
    let found = ask!(visitor, messaging.list_announcements(request)).await?;
    let shown = found.announcements.into_iter().map(|one| Shown {
        title: title(&one),
        whom: whom::shown(one.audience.as_ref(), &[]),
        sent: frame.when(when::of(one.sent_at.as_ref())),
        corrected: one.corrected_at.as_ref().map(|at| frame.when(when::of(Some(at)))),
        id: one.id,
        subject: one.subject,
        body: one.body,
        text: one.text,
    });
    Ok(rendered(&Page {
        announcements: shown.collect(),
        next: found.next_page_token,
        may_send: visitor.may(SEND),
        may_correct: visitor.may(CORRECT),
        frame,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_subject_is_called_as_its_text_begins() {
        let text = |text: &str| Announcement { text: text.to_owned(), ..Announcement::default() };
        assert_eq!(title(&text("A packed lunch, please.")), "A packed lunch, please.");
        assert_eq!(title(&text(&"ż".repeat(61))), format!("{}…", "ż".repeat(60)));
        let subject = Announcement { subject: "Museum visit".to_owned(), ..text("A packed lunch") };
        assert_eq!(title(&subject), "Museum visit");
    }
}
