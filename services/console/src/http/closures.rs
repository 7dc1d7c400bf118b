//! What is closed; changing that, and opening it again.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use proto::scheduling::v1::{
    ChangeClosureRequest, Closure, ClosureState, EndClosureRequest, ListClosuresRequest, Session,
};

use super::closing::DECLARE;
use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::home::Said;
use super::posted::or_kept;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when, whom};
use crate::asking::{Trouble, ask};

const NEWEST: i32 = 50;
const CHANGE: &str = "scheduling.v1.SchedulingService/ChangeClosure";
/// A closure as it is shown.
pub struct Shown {
    id: String,
    /// When.
    pub days: String,
    /// Whom it concerns.
    pub whom: String,
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

async fn one(visitor: &Visitor, id: &str) -> Result<Closure, Trouble> {
    list(visitor).await?.into_iter().find(|closure| closure.id == id).ok_or(Trouble::Unknown)
}

/// So many of something, as one says it.
pub fn counted(number: impl Into<i64>, one: &str, several: &str) -> String {
    let number = number.into();
    format!("{number} {}", if number == 1 { one } else { several })
}

/// A closure as it is shown.
pub fn shown(closure: Closure, frame: &Frame) -> Shown {
    let first = when::day(&closure.first_day);
    let part = if closure.from() == Session::Afternoon { " from the afternoon" } else { "" };
    let days = if closure.first_day == closure.last_day {
        format!("{first}{part}")
    } else {
        format!("{first}{part} to {}", when::day(&closure.last_day))
    };
    let whom = whom::shown(closure.audience.as_ref(), &[]);
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
    let closure = shown(one(visitor, id).await?, &frame);
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

#[derive(Template)]
#[template(path = "closure_change.html")]
struct Changing {
    frame: Frame,
    form: Form,
    closure: Shown,
}

/// `GET /console/closures/{id}/change`
pub async fn changing(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Stopped> {
    visitor.must(CHANGE)?;
    let closure = one(&visitor, &id).await?;
    let form = Form::with(Typed::of(&[
        ("last_day", &closure.last_day),
        ("was-last_day", &closure.last_day),
        ("reason", &closure.reason),
        ("was-reason", &closure.reason),
        ("collection", &closure.collection),
        ("was-collection", &closure.collection),
    ]));
    ask_change(&visitor, &id, form).await
}

async fn ask_change(visitor: &Visitor, id: &str, form: Form) -> Result<Response, Stopped> {
    visitor.must(CHANGE)?;
    let frame = visitor.frame(Place::Closures).await;
    let closure = shown(one(visitor, id).await?, &frame);
    Ok(rendered(&Changing { frame, form, closure }))
}

/// `POST /console/closures/{id}/change`: longer, shorter, or in other words.
pub async fn change(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let request = ChangeClosureRequest {
        request_id: form.request_id.clone(),
        closure_id: id.clone(),
        last_day: form.news("last_day"),
        reason: form.news("reason"),
        collection: form.news("collection"),
    };
    let nothing = request.last_day.is_none() && request.reason.is_none() && request.collection.is_none();
    if nothing {
        form.wrong("", "Nothing is changed yet");
    } else {
        let asked = ask!(visitor, scheduling.change_closure(request));
        match asked.await {
            Ok(_) => return Ok(visitor.done("/console/closures", "closure-changed")),
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => return Err(trouble.into()),
            Err(trouble) => form.refused(
                &trouble,
                &[
                    ("last_day", "last_day", "The last day"),
                    ("reason", "reason", "The reason"),
                    ("collection", "collection", "Collection"),
                ],
            ),
        }
    }
    let (typed, address) = (form.typed.clone(), format!("/console/closures/{id}/change"));
    or_kept(ask_change(&visitor, &id, form).await, (&visitor, &address, &typed))
}
