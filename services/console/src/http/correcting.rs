//! Correcting an announcement: whoever was told is told the right words where they have the wrong ones.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use proto::messaging::v1::{Announcement, CorrectAnnouncementRequest, GetAnnouncementRequest};

use super::announcements::title;
use super::announcing::{Check, FIELDS, foreseen, words};
use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::posted::or_kept;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when, whom};
use crate::asking::{Trouble, ask};

/// Whoever may do this corrects announcements.
pub const CORRECT: &str = "messaging.v1.MessagingService/CorrectAnnouncement";
const KIND: &str = "announcement_correction";
const OVERTAKEN: &str = "A colleague has corrected this meanwhile. What it says now stands below, and what you typed is still \
                         here: send it again if it is still needed";

#[derive(Template)]
#[template(path = "announcement_correct.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    id: String,
    title: String,
    whom: String,
    sent: String,
    /// By what it went: it is corrected by the same.
    by_email: bool,
    by_text: bool,
    /// What it says now, where that is not what the form was filled in with.
    overtaken: Option<Announcement>,
}

async fn one(visitor: &Visitor, id: &str) -> Result<Announcement, Trouble> {
    visitor.must(CORRECT)?;
    let request = GetAnnouncementRequest { announcement_id: id.to_owned() };
    let answer = match ask!(visitor, messaging.get_announcement(request)).await {
        // What is no id is the address of nothing.
        Err(Trouble::Refused(_)) => return Err(Trouble::Unknown),
        answer => answer?,
    };
    answer.announcement.ok_or(Trouble::Unknown)
}

/// `GET /console/announcements/{id}/correct`
pub async fn form(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Stopped> {
    let stands = one(&visitor, &id).await?;
    let form = Form::with(Typed::of(&[
        ("version", &stands.version.to_string()),
        ("subject", &stands.subject),
        ("body", &stands.body),
        ("text", &stands.text),
    ]));
    Ok(show(&visitor, stands, form, None).await)
}

async fn show(
    visitor: &Visitor,
    stands: Announcement,
    form: Form,
    overtaken: Option<Announcement>,
) -> Response {
    let frame = visitor.frame(Place::Announcements).await;
    rendered(&FormPage {
        title: title(&stands),
        whom: whom::shown(stands.audience.as_ref(), &[]),
        sent: frame.when(when::of(stands.sent_at.as_ref())),
        by_email: !stands.body.is_empty(),
        by_text: !stands.text.is_empty(),
        id: stands.id,
        frame,
        form,
        overtaken,
    })
}

/// The form again, for somebody who was overtaken: with what stands now, and as of having seen that.
async fn overtaken(visitor: &Visitor, stands: Announcement, mut form: Form) -> Response {
    form.wrong("", OVERTAKEN);
    form.typed.put("version", &stands.version.to_string());
    show(visitor, stands.clone(), form, Some(stands)).await
}

/// The version that the page was made from. A page that names none was not looked at: no announcement has that one.
fn seen(form: &Form) -> i64 {
    form.value("version").parse().unwrap_or(-1)
}

/// What is wrong with a correction, as far as it can be seen here.
fn look_at(form: &mut Form, stands: &Announcement) {
    for (field, went, words) in [
        ("body", !stands.body.is_empty(), "Write the e-mail: the wrong one went to people's mailboxes"),
        (
            "text",
            !stands.text.is_empty(),
            "Write the text message: the wrong one went to people's telephones",
        ),
    ] {
        if went && form.value(field).is_empty() {
            form.wrong(field, words);
        }
    }
    if form.is_good() {
        words(form);
    }
    let now = [("subject", &stands.subject), ("body", &stands.body), ("text", &stands.text)];
    if form.is_good() && now.iter().all(|(field, words)| form.value(field) == words.trim()) {
        form.wrong("", "Nothing is changed yet");
    }
}

/// `POST /console/announcements/{id}/correct`: shows what would happen, and asks once more.
pub async fn check(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let page = checked(&visitor, &id, Form::with(typed.clone())).await;
    or_kept(page, (&visitor, &format!("/console/announcements/{id}/correct"), &typed))
}

async fn checked(visitor: &Visitor, id: &str, mut form: Form) -> Result<Response, Stopped> {
    let stands = one(visitor, id).await?;
    if stands.version != seen(&form) {
        return Ok(overtaken(visitor, stands, form).await);
    }
    if form.value("back") == "yes" {
        return Ok(show(visitor, stands, form, None).await);
    }
    look_at(&mut form, &stands);
    let frame = visitor.frame(Place::Announcements).await;
    let forecast = foreseen(visitor, &frame, &mut form, (KIND, stands.audience.clone())).await;
    if !form.is_good() {
        return Ok(show(visitor, stands, form, None).await);
    }
    let whom = whom::shown(stands.audience.as_ref(), &[]);
    Ok(rendered(&Check { frame, form, whom, forecast, corrects: Some(stands.id) }))
}

/// `POST /console/announcements/{id}/corrected`
pub async fn correct(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let page = corrected(&visitor, &id, Form::with(typed.clone())).await;
    or_kept(page, (&visitor, &format!("/console/announcements/{id}/corrected"), &typed))
}

async fn corrected(visitor: &Visitor, id: &str, mut form: Form) -> Result<Response, Stopped> {
    visitor.must(CORRECT)?;
    let request = CorrectAnnouncementRequest {
        request_id: form.request_id.clone(),
        announcement_id: id.to_owned(),
        version: seen(&form),
        subject: form.value("subject").to_owned(),
        body: form.value("body").to_owned(),
        text: form.value("text").to_owned(),
    };
    match ask!(visitor, messaging.correct_announcement(request)).await {
        Ok(_) => Ok(visitor.done("/console/announcements", "announcement-corrected")),
        Err(Trouble::Refused(refusal)) if refusal.reason == "CORRECTED_MEANWHILE" => {
            Ok(overtaken(visitor, one(visitor, id).await?, form).await)
        }
        Err(trouble @ Trouble::Refused(_)) => {
            form.refused(&trouble, &FIELDS);
            Ok(show(visitor, one(visitor, id).await?, form, None).await)
        }
        Err(trouble) => Err(trouble.into()),
    }
}
