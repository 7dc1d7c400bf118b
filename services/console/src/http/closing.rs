//! Closing the school: what would happen is shown before it does, and can be run as an exercise.

use askama::Template;
use axum::response::Response;
use proto::directory::v1::{Audience, WholeSchool, YearGroups, audience};
use proto::dispatcher::v1::{
    ClosureWords, ExerciseRequest, PreviewRequest, PreviewResponse, exercise_request, preview_request,
};
use proto::scheduling::v1::{Closure, DeclareClosureRequest, Session};

use super::closures::{Shown, shown};
use super::form::{Form, Typed, capital};
use super::frame::{Frame, Place};
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor};
use crate::asking::{Trouble, ask};

/// Whoever may do this closes the school.
pub const DECLARE: &str = "scheduling.v1.SchedulingService/DeclareClosure";
const KIND: &str = "closure_declared";
const MICROPOUNDS: i64 = 1_000_000;

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

fn words(request: &DeclareClosureRequest) -> ClosureWords {
    ClosureWords {
        first_day: request.first_day.clone(),
        last_day: request.last_day.clone(),
        from_afternoon: request.from() == Session::Afternoon,
        reason: request.reason.clone(),
        collection: request.collection.clone(),
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
    let preview = PreviewRequest {
        kind: KIND.to_owned(),
        audience: request.audience.clone(),
        words: Some(preview_request::Words::Closure(words(&request))),
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

/// `POST /console/closures/exercise`: the same as far as the last step, and nothing leaves.
pub async fn exercise(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    visitor.must(DECLARE)?;
    let mut form = Form::with(typed);
    let request = declaration(&mut form);
    if form.is_good() {
        let exercise = ExerciseRequest {
            request_id: request.request_id.clone(),
            kind: KIND.to_owned(),
            audience: request.audience.clone(),
            words: Some(exercise_request::Words::Closure(words(&request))),
        };
        match ask!(visitor, dispatcher.exercise(exercise)).await {
            Ok(answer) => {
                let address = format!("/console/messages/{}", answer.gathering_id);
                return Ok(visitor.done(&address, "exercised"));
            }
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => return Err(trouble.into()),
            Err(trouble) => form.refused(&trouble, &PREVIEW_FIELDS),
        }
    }
    let frame = visitor.frame(Place::Closures).await;
    Ok(rendered(&FormPage { frame, form }))
}
