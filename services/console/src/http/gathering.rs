//! One thing that was to be told: what it says, how far it has come, whom it did not reach and why; with
//! stopping it, and trying again whom nothing reached.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use proto::dispatcher::v1::{
    Delivery, DeliveryState, GetProgressRequest, GetProgressResponse, GetWordsRequest, ListDeliveriesRequest,
    ListNoticesRequest, Notice, NoticeState, RecallRequest, RedeliverRequest, Words, recall_request,
    redeliver_request,
};

use super::correcting::CORRECT;
use super::form::{Form, capital};
use super::frame::{Frame, Place};
use super::home::Said;
use super::messages::{PAGE, Told, state_label, together};
use super::names::Named;
use super::posted::or_kept;
use super::pupils::At;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{Trouble, ask};

/// A part of the bar of progress.
struct Part {
    label: &'static str,
    class: &'static str,
    contacts: i32,
    /// Of a width of 1,000.
    x: i32,
    width: i32,
}

fn parts(progress: &GetProgressResponse) -> Vec<Part> {
    let skipped: i32 = progress.skipped.iter().map(|skipped| skipped.contacts).sum();
    let all = [
        ("reached", "reached", progress.reached),
        ("waiting", "waiting", progress.waiting),
        ("not clear", "unclear", progress.unclear),
        ("not reached", "missed", progress.not_reached),
        ("exercised", "exercised", progress.exercised),
        ("not told, with a reason", "skipped", skipped),
    ];
    let total = i64::from(all.iter().map(|(_, _, contacts)| *contacts).sum::<i32>().max(1));
    let along = |contacts: i64| i32::try_from(contacts * 1_000 / total).unwrap_or_default();
    let mut before = 0_i64;
    all.into_iter()
        .map(|(label, class, contacts)| {
            let x = along(before);
            before += i64::from(contacts);
            Part { label, class, contacts, x, width: along(before) - x }
        })
        .collect()
}

struct Sent {
    to: Vec<Named>,
    about: Vec<Named>,
    by: String,
    state: &'static str,
    good: bool,
    why: String,
    at: String,
}

/// What it says by one channel.
struct Wording {
    by: &'static str,
    subject: String,
    body: String,
    size: Option<String>,
}

impl From<Words> for Wording {
    fn from(words: Words) -> Self {
        let size = words.size.map(|size| {
            let texts =
                if size.fragments == 1 { "one text".to_owned() } else { format!("{} texts", size.fragments) };
            format!("{} characters: charged as {texts}", size.characters)
        });
        let by = match (words.medium.as_str(), words.shortened) {
            ("text", false) => "As a text",
            ("text", true) => "As a text, to whoever may not know where children are",
            ("email", false) => "As an e-mail",
            ("email", true) => "As an e-mail, to whoever may not know where children are",
            _ => "On the public website",
        };
        Self { by, subject: words.subject, body: words.body, size }
    }
}

/// How something that left wrongly is put right.
struct PutRight {
    words: &'static str,
    address: String,
    label: &'static str,
}

impl PutRight {
    /// What only some may do is not shown to the others.
    fn of(notice: &Notice, may_correct: bool) -> Option<Self> {
        let (words, address, label) = match notice.kind.as_str() {
            "announcement" | "announcement_correction"
                if may_correct && !notice.announcement_id.is_empty() =>
            {
                return Some(Self {
                    words: "Something of it is wrong? Whoever was told gets the right words by the same way.",
                    address: format!("/console/announcements/{}/correct", notice.announcement_id),
                    label: "Correct it",
                });
            }
            "absence_unexplained" => (
                "A child is in school after all, or there is a reason? Record it: whoever was told is told so by the same way, before anything else.",
                "/console/absences",
                "Absences",
            ),
            "closure_declared" | "closure_changed" => (
                "It is closed for longer, no longer, or for another reason? Change or end the closure: whoever was told is told so.",
                "/console/closures",
                "Closures",
            ),
            "first_aid" | "head_injury" => (
                "Something of it is wrong? Put the accident right: whoever was told is told what is new.",
                "/console/accidents",
                "Accidents",
            ),
            _ => return None,
        };
        Some(Self { words, address: address.to_owned(), label })
    }
}

/// What it says, or why that is not shown. A page that only looks again has it already.
async fn words(visitor: &Visitor, gathering_id: String) -> (Vec<Wording>, Option<&'static str>) {
    if visitor.looks_again {
        return (Vec::new(), None);
    }
    match ask!(visitor, dispatcher.get_words(GetWordsRequest { gathering_id })).await {
        Ok(answer) if answer.erased => {
            (Vec::new(), Some("They were kept for as long as your school keeps them."))
        }
        Ok(answer) => (answer.words.into_iter().map(Wording::from).collect(), None),
        Err(_) => (Vec::new(), Some("They cannot be shown just now.")),
    }
}

#[derive(Template)]
#[template(path = "gathering.html")]
struct Page {
    frame: Frame,
    form: Form,
    id: String,
    told: Told,
    about: Vec<Named>,
    parts: Vec<Part>,
    skipped: Vec<(String, i32)>,
    said: Vec<Wording>,
    /// Why no words are shown.
    unsaid: Option<&'static str>,
    /// How it is put right, where that is done elsewhere.
    put_right: Option<PutRight>,
    sent: Vec<Sent>,
    next: String,
    may_recall: bool,
    may_send_again: bool,
    /// Something may still change by itself.
    moving: bool,
}

/// `GET /console/messages/{id}`
pub async fn page(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(At { page }): Query<At>,
    Query(said): Query<Said>,
) -> Result<Response, Stopped> {
    show(&visitor, (id, page), Form::new(), said.said.as_deref()).await
}

async fn show(
    visitor: &Visitor,
    (id, page_token): (String, String),
    form: Form,
    said: Option<&str>,
) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Messages).await.saying(said);
    let request =
        ListNoticesRequest { gathering_id: id.clone(), page_size: PAGE, ..ListNoticesRequest::default() };
    let notices = ask!(visitor, dispatcher.list_notices(request));
    let notices = notices.await?.notices;
    let first = notices.first().ok_or(Trouble::Unknown)?;
    let request = GetProgressRequest { gathering_id: id.clone() };
    let progress = ask!(visitor, dispatcher.get_progress(request));
    let progress = progress.await?;
    let request = ListDeliveriesRequest {
        gathering_id: id.clone(),
        page_size: PAGE,
        page_token,
        ..ListDeliveriesRequest::default()
    };
    let deliveries = ask!(visitor, dispatcher.list_deliveries(request));
    let deliveries = deliveries.await?;
    let told = together(&notices, &frame).ok_or(Trouble::Unknown)?;
    let people = deliveries.deliveries.iter().flat_map(|one| one.contact_ids.iter().chain(&one.subjects));
    let names = visitor.names(people.chain(&told.subjects).cloned().collect()).await;
    let sent = deliveries.deliveries.iter().map(|one| Sent {
        to: names.all(&one.contact_ids),
        about: names.all(&one.subjects),
        by: by(one),
        state: state_label(one),
        good: one.reached || one.state() == DeliveryState::Drill,
        why: one.why.to_lowercase().replace('_', " "),
        at: frame.when(when::of(one.updated_at.as_ref())),
    });
    let (words, unsaid) = words(visitor, id.clone()).await;
    let page = Page {
        form,
        id,
        said: words,
        unsaid,
        put_right: PutRight::of(first, visitor.may(CORRECT)).filter(|_| !first.exercise),
        about: names.all(&told.subjects),
        moving: progress.waiting > 0
            || progress.unclear > 0
            || notices.iter().any(|notice| notice.state() == NoticeState::Gathering),
        told,
        parts: parts(&progress),
        skipped: progress.skipped.iter().map(|one| (capital(&one.sentence), one.contacts)).collect(),
        sent: sent.collect(),
        next: deliveries.next_page_token,
        may_recall: visitor.may("dispatcher.v1.DispatcherService/Recall"),
        may_send_again: !first.exercise && visitor.may("dispatcher.v1.DispatcherService/Redeliver"),
        frame,
    };
    Ok(rendered(&page))
}

/// `POST /console/messages/{id}/recall`
pub async fn recall(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let why = form.needs("recall_why", "Say why it is stopped");
    if form.is_good() {
        let what = Some(recall_request::What::GatheringId(id.clone()));
        let request = RecallRequest { request_id: form.request_id.clone(), what, why };
        let asked = ask!(visitor, dispatcher.recall(request));
        match asked.await {
            Ok(done) => {
                let key = match (done.stopped, done.had_left + done.in_the_air) {
                    (0, 1..) => "had-left",
                    (1.., 1..) => "partly-recalled",
                    _ => "recalled",
                };
                return Ok(changed(&visitor, &id, key));
            }
            Err(trouble) => form.refused(&trouble, &[("why", "recall_why", "Why")]),
        }
    }
    let (typed, address) = (form.typed.clone(), format!("/console/messages/{id}/recall"));
    or_kept(show(&visitor, (id, String::new()), form, None).await, (&visitor, &address, &typed))
}

/// `POST /console/messages/{id}/again`
pub async fn again(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let why = form.needs("again_why", "Say why it is sent again");
    if form.is_good() {
        let what = Some(redeliver_request::What::GatheringId(id.clone()));
        let request = RedeliverRequest { request_id: form.request_id.clone(), what, why };
        let asked = ask!(visitor, dispatcher.redeliver(request));
        match asked.await {
            Ok(done) => {
                let key = if done.contacts + done.tasks > 0 { "again" } else { "nobody-left" };
                return Ok(changed(&visitor, &id, key));
            }
            Err(trouble) => form.refused(&trouble, &[("why", "again_why", "Why")]),
        }
    }
    let (typed, address) = (form.typed.clone(), format!("/console/messages/{id}/again"));
    or_kept(show(&visitor, (id, String::new()), form, None).await, (&visitor, &address, &typed))
}

/// By what it goes, and where to.
fn by(delivery: &Delivery) -> String {
    let by = match delivery.channel.split_once('.').map_or(delivery.channel.as_str(), |(medium, _)| medium) {
        "website" => return "the public website".to_owned(),
        "email" => "e-mail",
        _ => "text",
    };
    let address = if delivery.address.is_empty() { "an address that was erased" } else { &delivery.address };
    format!("{by} to {address}")
}

fn changed(visitor: &Visitor, id: &str, key: &str) -> Response {
    visitor.done(&format!("/console/messages/{id}"), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_bar_fill_it_and_nothing_more() {
        let progress =
            GetProgressResponse { reached: 612, waiting: 21, not_reached: 7, ..Default::default() };
        let parts = parts(&progress);
        assert_eq!(parts.iter().map(|part| part.width).sum::<i32>(), 1_000);
        assert!(parts.windows(2).all(|two| two[0].x + two[0].width == two[1].x));
        assert_eq!(
            super::parts(&GetProgressResponse::default()).iter().map(|part| part.width).sum::<i32>(),
            0
        );
    }
}
