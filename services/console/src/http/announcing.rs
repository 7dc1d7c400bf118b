//! Writing to those at home: whom it reaches, what it costs and who is left out is shown before it leaves.

use askama::Template;
use axum::response::Response;
use proto::directory::v1::{Audience, audience};
use proto::dispatcher::v1::{PreviewRequest, preview_request};
use proto::messaging::v1::SendAnnouncementRequest;

use super::forecast::Forecast;
use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::posted::or_kept;
use super::reach::classes;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, whom};
use crate::asking::{Trouble, ask};

/// Whoever may do this writes announcements.
pub const SEND: &str = "messaging.v1.MessagingService/SendAnnouncement";
const KIND: &str = "announcement";
/// Characters.
const LONGEST_SUBJECT: usize = 120;
const LONGEST_BODY: usize = 10_000;
const LONGEST_TEXT: usize = 459;

/// What a service may say of each field of the words.
pub const FIELDS: [(&str, &str, &str); 5] = [
    ("audience", "whom", "Whom it concerns"),
    ("subject", "subject", "The subject"),
    ("body", "body", "The e-mail"),
    ("text", "text", "The text message"),
    ("words", "text", "The text message"),
];

#[derive(Template)]
#[template(path = "announcement_form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    /// Titles, with ids.
    classes: Vec<(String, String)>,
}

/// What is asked once more before it is sent.
#[derive(Template)]
#[template(path = "announcement_check.html")]
pub struct Check {
    /// What stands around it.
    pub frame: Frame,
    /// What was typed.
    pub form: Form,
    /// Whom it concerns.
    pub whom: String,
    /// None when it cannot be said now: it can be sent all the same.
    pub forecast: Option<Forecast>,
    /// The announcement that is corrected, if one is.
    pub corrects: Option<String>,
}

/// `GET /console/announcements/new`
pub async fn form(visitor: Visitor) -> Result<Response, Stopped> {
    show(&visitor, Form::with(Typed::of(&[("whom", "school")]))).await
}

async fn show(visitor: &Visitor, form: Form) -> Result<Response, Stopped> {
    visitor.must(SEND)?;
    let frame = visitor.frame(Place::Announcements).await;
    let classes = classes(visitor).await?;
    Ok(rendered(&FormPage { frame, form, classes }))
}

/// What is wrong with the words of a form, as far as it can be seen here: a page that asks whether to send them
/// may not offer what cannot be done.
pub fn words(form: &mut Form) {
    let [subject, body, text] = ["subject", "body", "text"].map(|field| !form.value(field).is_empty());
    match (subject, body, text) {
        (false, false, false) => form.wrong("text", "Write a text message, an e-mail or both"),
        (true, false, _) => form.wrong("body", "Write the e-mail, or leave its subject empty too"),
        (false, true, _) => form.wrong("subject", "Enter the subject of the e-mail"),
        (true, true, _) | (false, false, true) => {}
    }
    form.keeps_to_words(&[("subject", LONGEST_SUBJECT), ("body", LONGEST_BODY), ("text", LONGEST_TEXT)]);
    if form.value("text").contains('\n') {
        form.wrong("text", "Write the text message without line breaks");
    }
}

fn announcement(form: &mut Form) -> SendAnnouncementRequest {
    let audience = Some(whom::audience_of(form));
    words(form);
    let [subject, body, text] = ["subject", "body", "text"].map(|field| form.value(field).to_owned());
    SendAnnouncementRequest { request_id: form.request_id.clone(), audience, subject, body, text }
}

/// What would happen; none when it cannot be said just now. What is wrong is known before it is sent.
pub async fn foreseen(
    visitor: &Visitor,
    frame: &Frame,
    form: &mut Form,
    (kind, audience): (&str, Option<Audience>),
) -> Option<Forecast> {
    if !form.is_good() {
        return None;
    }
    let text = form.value("text").to_owned();
    let preview = PreviewRequest {
        kind: kind.to_owned(),
        audience,
        by_text: !text.is_empty(),
        by_email: !form.value("body").is_empty(),
        words: (!text.is_empty()).then_some(preview_request::Words::Text(text)),
    };
    match ask!(visitor, dispatcher.preview(preview)).await {
        Ok(answer) => {
            if answer.pupils == 0 && kind == KIND {
                whom::nobody(form);
            }
            Some(Forecast::of(&answer, frame))
        }
        Err(trouble @ Trouble::Refused(_)) => {
            form.refused(&trouble, &FIELDS);
            None
        }
        Err(_) => None,
    }
}

/// `POST /console/announcements/new`: shows what would happen, and asks once more.
pub async fn check(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let page = checked(&visitor, Form::with(typed.clone())).await;
    or_kept(page, (&visitor, "/console/announcements/new", &typed))
}

async fn checked(visitor: &Visitor, mut form: Form) -> Result<Response, Stopped> {
    visitor.must(SEND)?;
    if form.value("back") == "yes" {
        return show(visitor, form).await;
    }
    let frame = visitor.frame(Place::Announcements).await;
    let request = announcement(&mut form);
    let forecast = foreseen(visitor, &frame, &mut form, (KIND, request.audience.clone())).await;
    if !form.is_good() {
        return show(visitor, form).await;
    }
    let of_classes = matches!(
        request.audience.as_ref().and_then(|audience| audience.scope.as_ref()),
        Some(audience::Scope::Classes(_))
    );
    let titles = if of_classes { classes(visitor).await? } else { Vec::new() };
    let whom = whom::shown(request.audience.as_ref(), &titles);
    Ok(rendered(&Check { frame, form, whom, forecast, corrects: None }))
}

/// `POST /console/announcements/send`
pub async fn send(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let page = sent(&visitor, Form::with(typed.clone())).await;
    or_kept(page, (&visitor, "/console/announcements/send", &typed))
}

async fn sent(visitor: &Visitor, mut form: Form) -> Result<Response, Stopped> {
    let request = announcement(&mut form);
    if form.is_good() {
        match ask!(visitor, messaging.send_announcement(request)).await {
            Ok(_) => return Ok(visitor.done("/console/announcements", "announced")),
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown | Trouble::Away(_))) => {
                return Err(trouble.into());
            }
            Err(trouble) => form.refused(&trouble, &FIELDS),
        }
    }
    show(visitor, form).await
}
