//! Closing the school and opening it again: what would happen is shown before it does.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use proto::directory::v1::{Audience, WholeSchool, YearGroups, audience};
use proto::dispatcher::v1::{ClosureWords, PreviewRequest, PreviewResponse, preview_request};
use proto::scheduling::v1::{
    Closure, ClosureState, DeclareClosureRequest, EndClosureRequest, ListClosuresRequest, Session,
};

use super::form::{Form, Typed, capital};
use super::frame::{Frame, Place};
use super::home::Said;
use super::posted::or_kept;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{Trouble, ask};

const NEWEST: i32 = 50;
const DECLARE: &str = "scheduling.v1.SchedulingService/DeclareClosure";
const MICROPOUNDS: i64 = 1_000_000;

struct Shown {
    id: String,
    days: String,
    whom: String,
    reason: String,
    collection: String,
    declared: String,
    ended: Option<String>,
}

#[derive(Template)]
#[template(path = "closures.html")]
struct Page {
    frame: Frame,
    standing: Vec<Shown>,
    past: Vec<Shown>,
    may_declare: bool,
}

/// `GET /console/closures`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Closures).await.saying(said.said.as_deref());
    let closures = list(&visitor).await?;
    let (mut standing, mut past) = (Vec::new(), Vec::new());
    for closure in closures {
        let open = closure.state() == ClosureState::Declared;
        if open { &mut standing } else { &mut past }.push(shown(closure, &frame));
    }
    let may_declare = visitor.may(DECLARE);
    Ok(rendered(&Page { frame, standing, past, may_declare }))
}

async fn list(visitor: &Visitor) -> Result<Vec<Closure>, Trouble> {
    let request = ListClosuresRequest { page_size: NEWEST, ..ListClosuresRequest::default() };
    let asked = ask!(visitor, scheduling.list_closures(request));
    asked.await.map(|answer| answer.closures)
}

fn shown(closure: Closure, frame: &Frame) -> Shown {
    let first = when::day(&closure.first_day);
    let part = if closure.from() == Session::Afternoon { " from the afternoon" } else { "" };
    let days = if closure.first_day == closure.last_day {
        format!("{first}{part}")
    } else {
        format!("{first}{part} to {}", when::day(&closure.last_day))
    };
    let whom = match closure.audience.as_ref().and_then(|audience| audience.scope.as_ref()) {
        None | Some(audience::Scope::WholeSchool(_)) => "The whole school".to_owned(),
        Some(audience::Scope::YearGroups(years)) => format!("Years {}", years.year_groups.join(", ")),
        Some(audience::Scope::Classes(classes)) => format!("{} classes", classes.class_ids.len()),
        Some(audience::Scope::Pupils(pupils)) => format!("{} pupils", pupils.pupil_ids.len()),
    };
    Shown {
        days,
        whom,
        declared: frame.when(when::of(closure.declared_at.as_ref())),
        ended: closure.ended_at.as_ref().map(|at| frame.when(when::of(Some(at)))),
        id: closure.id,
        reason: closure.reason,
        collection: closure.collection,
    }
}

#[derive(Template)]
#[template(path = "closure_form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
}

/// `GET /console/closures/new`
pub async fn form(visitor: Visitor) -> Result<Response, Stopped> {
    visitor.must(DECLARE)?;
    let frame = visitor.frame(Place::Closures).await;
    let today = frame.today().to_string();
    let form = Form::with(Typed::of(&[
        ("first_day", &today),
        ("last_day", &today),
        ("from", "am"),
        ("whom", "school"),
    ]));
    Ok(rendered(&FormPage { frame, form }))
}

/// What would happen.
struct Forecast {
    pupils: i32,
    contacts: i32,
    texts: i32,
    emails: i32,
    fragments: i64,
    cost: Option<String>,
    minutes: i64,
    skipped: Vec<(String, i32)>,
    nobody: usize,
}

#[derive(Template)]
#[template(path = "closure_check.html")]
struct Check {
    frame: Frame,
    form: Form,
    days: String,
    whom: String,
    /// None when it cannot be said now: it can be declared all the same.
    forecast: Option<Forecast>,
}

fn audience_of(form: &mut Form) -> Audience {
    let scope = if form.value("whom") == "years" {
        let years = form.needs("years", "Enter the year groups, as in 1, 2");
        let year_groups = years.split([',', ' ']).map(str::trim).filter(|year| !year.is_empty());
        audience::Scope::YearGroups(YearGroups { year_groups: year_groups.map(str::to_owned).collect() })
    } else {
        audience::Scope::WholeSchool(WholeSchool {})
    };
    Audience { scope: Some(scope) }
}

fn declaration(form: &mut Form) -> DeclareClosureRequest {
    let audience = audience_of(form);
    let first_day = form.needs("first_day", "Enter the first day");
    let last_day = form.needs("last_day", "Enter the last day");
    let reason = form.needs("reason", "Say why, in words that everybody may read");
    for (field, date) in [("first_day", &first_day), ("last_day", &last_day)] {
        if !date.is_empty() && date.parse::<jiff::civil::Date>().is_err() {
            form.wrong(field, "Enter a day, as in 2026-11-24");
        }
    }
    let from = if form.value("from") == "pm" { Session::Afternoon } else { Session::Morning };
    DeclareClosureRequest {
        request_id: form.request_id.clone(),
        audience: Some(audience),
        first_day,
        from: from.into(),
        last_day,
        reason,
        collection: form.value("collection").to_owned(),
    }
}

/// `POST /console/closures/new`: shows what would happen, and asks once more.
pub async fn check(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    visitor.must(DECLARE)?;
    let mut form = Form::with(typed);
    let request = declaration(&mut form);
    let frame = visitor.frame(Place::Closures).await;
    if !form.is_good() {
        return Ok(rendered(&FormPage { frame, form }));
    }
    let words = ClosureWords {
        first_day: request.first_day.clone(),
        last_day: request.last_day.clone(),
        from_afternoon: request.from() == Session::Afternoon,
        reason: request.reason.clone(),
        collection: request.collection.clone(),
    };
    let preview = PreviewRequest {
        kind: "closure_declared".to_owned(),
        audience: request.audience.clone(),
        words: Some(preview_request::Words::Closure(words)),
        ..PreviewRequest::default()
    };
    let asked = ask!(visitor, dispatcher.preview(preview));
    let forecast = match asked.await {
        Ok(answer) => Some(forecast(&answer)),
        // What is wrong is known before it is declared.
        Err(trouble @ Trouble::Refused(_)) => {
            form.refused(&trouble, &PREVIEW_FIELDS);
            return Ok(rendered(&FormPage { frame, form }));
        }
        Err(_) => None,
    };
    let closure = Closure {
        audience: request.audience,
        first_day: request.first_day,
        from: request.from,
        last_day: request.last_day,
        ..Closure::default()
    };
    let Shown { days, whom, .. } = shown(closure, &frame);
    Ok(rendered(&Check { frame, form, days, whom, forecast }))
}

fn forecast(answer: &PreviewResponse) -> Forecast {
    let cost = answer.cost_micropounds.map(|cost| {
        let pence = cost / (MICROPOUNDS / 100);
        format!("£{}.{:02}", pence / 100, pence % 100)
    });
    Forecast {
        pupils: answer.pupils,
        contacts: answer.contacts,
        texts: answer.texts,
        emails: answer.emails,
        fragments: answer.fragments,
        cost,
        minutes: answer.takes_seconds.max(0) / 60 + 1,
        skipped: answer.skipped.iter().map(|one| (capital(&one.sentence), one.contacts)).collect(),
        nobody: answer.nobody_to_tell.len(),
    }
}

const FIELDS: [(&str, &str, &str); 6] = [
    ("audience", "years", "Whom it concerns"),
    ("first_day", "first_day", "The first day"),
    ("last_day", "last_day", "The last day"),
    ("reason", "reason", "The reason"),
    ("collection", "collection", "Collection"),
    ("from", "from", "The part of the day"),
];
const PREVIEW_FIELDS: [(&str, &str, &str); 5] = [
    ("audience", "years", "Whom it concerns"),
    ("closure.first_day", "first_day", "The first day"),
    ("closure.last_day", "last_day", "The last day"),
    ("closure.reason", "reason", "The reason"),
    ("closure.collection", "collection", "Collection"),
];

/// `POST /console/closures/declare`
pub async fn declare(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let request = declaration(&mut form);
    if form.is_good() {
        let asked = ask!(visitor, scheduling.declare_closure(request));
        match asked.await {
            Ok(_) => {
                return Ok(visitor.done("/console/closures", "declared"));
            }
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => return Err(trouble.into()),
            Err(trouble) => form.refused(&trouble, &FIELDS),
        }
    }
    let frame = visitor.frame(Place::Closures).await;
    Ok(rendered(&FormPage { frame, form }))
}

#[derive(Template)]
#[template(path = "closure_end.html")]
struct Ending {
    frame: Frame,
    form: Form,
    closure: Shown,
}

/// `GET /console/closures/{id}/end`
pub async fn ending(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Stopped> {
    ask_end(&visitor, &id, Form::new()).await
}

async fn ask_end(visitor: &Visitor, id: &str, form: Form) -> Result<Response, Stopped> {
    visitor.must("scheduling.v1.SchedulingService/EndClosure")?;
    let frame = visitor.frame(Place::Closures).await;
    let closure =
        list(visitor).await?.into_iter().find(|closure| closure.id == id).ok_or(Trouble::Unknown)?;
    let closure = shown(closure, &frame);
    Ok(rendered(&Ending { frame, form, closure }))
}

/// `POST /console/closures/{id}/end`
pub async fn end(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let request = EndClosureRequest {
        request_id: form.request_id.clone(),
        closure_id: id.clone(),
        open_on: form.value("open_on").to_owned(),
    };
    let asked = ask!(visitor, scheduling.end_closure(request));
    match asked.await {
        Ok(_) => Ok(visitor.done("/console/closures", "ended")),
        Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => Err(trouble.into()),
        Err(trouble) => {
            form.refused(&trouble, &[("open_on", "open_on", "The day")]);
            let (typed, address) = (form.typed.clone(), format!("/console/closures/{id}/end"));
            or_kept(ask_end(&visitor, &id, form).await, (&visitor, &address, &typed))
        }
    }
}
