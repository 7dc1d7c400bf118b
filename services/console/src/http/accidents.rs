//! Recording an accident: first the child, then what happened, as few questions as the record needs.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use jiff::civil::{Date, Time};
use kit::clock::to_proto;
use proto::incidents::v1::{AccidentKind, Account, ListAccidentsRequest, RecordAccidentRequest};

use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::home::Said;
use super::people::{self, Pupil, QUERY};
use super::pupils::At;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{Trouble, ask};

const NEWEST: i32 = 50;
/// Whoever may do this puts an accident right.
pub const AMEND: &str = "incidents.v1.IncidentsService/AmendAccident";
const RECORD: &str = "incidents.v1.IncidentsService/RecordAccident";

struct Accident {
    /// The page that puts it right, for whoever may.
    amend: Option<String>,
    pupil: String,
    is_head: bool,
    what: String,
    place: String,
    at: String,
    first_aid: String,
    first_aider: String,
    amended: bool,
}

#[derive(Template)]
#[template(path = "accidents.html")]
struct Page {
    frame: Frame,
    accidents: Vec<Accident>,
    /// None of the visitor's roles may read what others recorded.
    hidden: bool,
    /// The newest stand here.
    first: bool,
    /// Where older ones are; empty when there are none.
    next: String,
}

/// `GET /console/accidents`
pub async fn page(
    visitor: Visitor,
    Query(At { page }): Query<At>,
    Query(said): Query<Said>,
) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Accidents).await.saying(said.said.as_deref());
    visitor.must(RECORD)?;
    if !visitor.may("incidents.v1.IncidentsService/ListAccidents") {
        let (accidents, next) = (Vec::new(), String::new());
        return Ok(rendered(&Page { frame, accidents, hidden: true, first: true, next }));
    }
    let first = page.is_empty();
    let request =
        ListAccidentsRequest { page_size: NEWEST, page_token: page, ..ListAccidentsRequest::default() };
    let asked = ask!(visitor, incidents.list_accidents(request));
    let answer = asked.await?;
    let (found, next) = (answer.accidents, answer.next_page_token);
    let names = visitor.names(found.iter().map(|accident| accident.pupil_id.clone()).collect()).await;
    let may_amend = visitor.may(AMEND);
    let accidents = found.into_iter().map(|accident| {
        let amended = accident.amended_at.is_some();
        let account = accident.account.unwrap_or_default();
        Accident {
            amend: may_amend.then(|| format!("/console/accidents/{}/amend", accident.id)),
            pupil: names.of(&accident.pupil_id).unwrap_or("A pupil").to_owned(),
            is_head: account.kind() == AccidentKind::HeadInjury,
            at: frame.when(when::of(account.happened_at.as_ref())),
            first_aid: if account.first_aid.is_empty() {
                account.no_first_aid_because
            } else {
                account.first_aid
            },
            what: account.what,
            place: account.place,
            first_aider: account.first_aider,
            amended,
        }
    });
    let accidents = accidents.collect();
    Ok(rendered(&Page { frame, accidents, hidden: false, first, next }))
}

#[derive(Template)]
#[template(path = "accident_pupil.html")]
struct Choose {
    frame: Frame,
    query: String,
    pupils: Vec<Pupil>,
    more: bool,
}

/// `GET /console/accidents/new`: which child.
pub async fn choose(visitor: Visitor) -> Result<Response, Stopped> {
    chosen_from(&visitor, "").await
}

/// `POST /console/accidents/new`
pub async fn find(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    chosen_from(&visitor, typed.get(QUERY)).await
}

async fn chosen_from(visitor: &Visitor, q: &str) -> Result<Response, Stopped> {
    visitor.must(RECORD)?;
    let frame = visitor.frame(Place::Accidents).await;
    let (mut pupils, more) = people::pupils(visitor, q).await?;
    for pupil in &mut pupils {
        pupil.address = pupil.address.replace("/pupils/", "/accidents/new/");
    }
    Ok(rendered(&Choose { frame, query: q.to_owned(), pupils, more }))
}

/// The page with the account of an accident.
#[derive(Template)]
#[template(path = "accident.html")]
pub struct FormPage {
    /// What stands around it.
    pub frame: Frame,
    /// The account.
    pub form: Form,
    /// The child.
    pub pupil: String,
    /// It is there already, and is put right.
    pub amends: bool,
    /// The page is of another day than today: on which it happened must be said.
    pub asks_day: bool,
}

/// `GET /console/accidents/new/{pupil}`
pub async fn form(visitor: Visitor, Path(pupil): Path<String>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Accidents).await;
    let time = frame.zone().map(|zone| frame.now().to_zoned(zone.clone()).strftime("%H:%M").to_string());
    let time = time.unwrap_or_default();
    let today = frame.today().to_string();
    let typed = Typed::of(&[("date", &today), ("time", &time), ("first_aider", &visitor.session.name)]);
    show(&visitor, &pupil, Form::with(typed)).await
}

async fn show(visitor: &Visitor, pupil_id: &str, form: Form) -> Result<Response, Stopped> {
    visitor.must(RECORD)?;
    let frame = visitor.frame(Place::Accidents).await;
    let names = visitor.names(vec![pupil_id.to_owned()]).await;
    // Nothing that was typed is lost because a name cannot be read; who is no pupil here is refused with the record.
    let pupil = names.of(pupil_id).unwrap_or("a child whose name cannot be read now").to_owned();
    let asks_day = form.value("date") != frame.today().to_string();
    Ok(rendered(&FormPage { frame, form, pupil, amends: false, asks_day }))
}

/// What the service calls the fields of an account.
pub const FIELDS: [(&str, &str, &str); 8] = [
    ("account.what", "what", "What happened"),
    ("account.place", "place", "Where it happened"),
    ("account.happened_at", "time", "When it happened"),
    ("account.first_aid", "first_aid", "First aid"),
    ("account.no_first_aid_because", "no_first_aid", "Why there was no first aid"),
    ("account.first_aider", "first_aider", "Who helped"),
    ("account.names_checked", "names_checked", "The texts"),
    ("account.kind", "head", "The kind of injury"),
];

/// `POST /console/accidents/new/{pupil}`
pub async fn record(
    Path(pupil): Path<String>,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let frame = visitor.frame(Place::Accidents).await;
    let day = day_of(&mut form, frame.today());
    let account = account(&mut form, &frame, day);
    if form.is_good() {
        let request = RecordAccidentRequest {
            request_id: form.request_id.clone(),
            pupil_id: pupil.clone(),
            account: Some(account),
        };
        let asked = ask!(visitor, incidents.record_accident(request));
        match asked.await {
            Ok(_) => {
                return Ok(visitor.done("/console/accidents", "recorded"));
            }
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => return Err(trouble.into()),
            Err(trouble) => form.refused(&trouble, &FIELDS),
        }
    }
    show(&visitor, &pupil, form).await
}

/// The day of an accident is the one on which its page was opened. On a page of yesterday it is asked for: what is sent
/// today may have happened on either.
fn day_of(form: &mut Form, today: Date) -> Date {
    if form.value("date") == today.to_string() {
        return today;
    }
    let day: Result<Date, _> = form.value("day").parse();
    day.unwrap_or_else(|_| {
        form.wrong(
            "day",
            "This page was opened on another day. Say on which day it happened, and send it again",
        );
        today
    })
}

/// The account that a form holds, of something that happened on this day.
pub fn account(form: &mut Form, frame: &Frame, day: Date) -> Account {
    let head = form.needs("head", "Say whether the head was hurt");
    let kind = if head == "yes" { AccidentKind::HeadInjury } else { AccidentKind::Minor };
    let what = form.needs("what", "Say what happened");
    let place = form.needs("place", "Say where it happened");
    let first_aider = form.needs("first_aider", "Say who looked after the child");
    let time: Result<Time, _> = form.value("time").parse();
    let on_the_day = |time| day.to_datetime(time).to_zoned(frame.zone()?.clone()).ok();
    let at = time.ok().and_then(on_the_day);
    if frame.zone().is_none() {
        form.wrong("time", "The school's clock is not known just now, so that no time can be recorded. Try again in a moment");
    } else if at.is_none() {
        form.wrong("time", "Enter the time when it happened, as in 10:45");
    }
    let given = form.value("first_aid").to_owned();
    let none_because = form.value("no_first_aid").to_owned();
    if given.is_empty() && none_because.is_empty() {
        form.wrong("first_aid", "Say which first aid was given, or why none was");
    }
    Account {
        kind: kind.into(),
        what,
        place,
        happened_at: at.map(|at| to_proto(at.timestamp())),
        no_first_aid_because: if given.is_empty() { none_because } else { String::new() },
        first_aid: given,
        first_aider,
        names_checked: form.value("names_checked") == "yes",
    }
}
