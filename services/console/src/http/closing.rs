//! Closing the school: what would happen is shown before it does, and can be run as an exercise.

use askama::Template;
use axum::response::Response;
use jiff::civil::Date;
use proto::dispatcher::v1::{
    ClosureWords, ExerciseRequest, PreviewRequest, exercise_request, preview_request,
};
use proto::scheduling::v1::{Closure, DeclareClosureRequest, Session};

use super::closures::{Shown, shown};
use super::forecast::Forecast;
use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, whom};
use crate::asking::{Trouble, ask};

/// Whoever may do this closes the school.
pub const DECLARE: &str = "scheduling.v1.SchedulingService/DeclareClosure";
const KIND: &str = "closure_declared";
/// Characters.
const LONGEST_REASON: usize = 160;
const LONGEST_COLLECTION: usize = 300;

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

/// What the form holds. What would be refused later is said at once: a page that asks "close the school?" may not offer
/// what cannot be done.
fn declaration(form: &mut Form, today: Date) -> DeclareClosureRequest {
    let audience = whom::audience_of(form);
    let first_day = form.needs("first_day", "Enter the first day");
    let last_day = form.needs("last_day", "Enter the last day");
    let reason = form.needs("reason", "Say why, in words that everybody may read");
    let days = [("first_day", &first_day), ("last_day", &last_day)].map(|(field, text)| {
        let day: Option<Date> = text.parse().ok();
        if day.is_none() && !text.is_empty() {
            form.wrong(field, "Enter a day, as in 2026-11-24");
        }
        day
    });
    if let [Some(first), Some(last)] = days {
        if first < today {
            form.wrong("first_day", "This day has passed. A closure begins today or later");
        }
        if last < first {
            form.wrong("last_day", "The last day is before the first");
        }
    }
    form.keeps_to_words(&[("reason", LONGEST_REASON), ("collection", LONGEST_COLLECTION)]);
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
    let frame = visitor.frame(Place::Closures).await;
    let request = declaration(&mut form, frame.today());
    let forecast = foreseen(&visitor, &frame, &mut form, &request).await;
    if !form.is_good() {
        return Ok(rendered(&FormPage { frame, form }));
    }
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

/// What would happen; none when it cannot be said just now. What is wrong is known before it is declared.
async fn foreseen(
    visitor: &Visitor,
    frame: &Frame,
    form: &mut Form,
    request: &DeclareClosureRequest,
) -> Option<Forecast> {
    if !form.is_good() {
        return None;
    }
    let preview = PreviewRequest {
        kind: KIND.to_owned(),
        audience: request.audience.clone(),
        words: Some(preview_request::Words::Closure(words(request))),
        ..PreviewRequest::default()
    };
    let asked = ask!(visitor, dispatcher.preview(preview));
    match asked.await {
        Ok(answer) => {
            if answer.pupils == 0 {
                whom::nobody(form);
            }
            Some(Forecast::of(&answer, frame))
        }
        Err(trouble @ Trouble::Refused(_)) => {
            form.refused(&trouble, &PREVIEW_FIELDS);
            None
        }
        Err(_) => None,
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
    let frame = visitor.frame(Place::Closures).await;
    let request = declaration(&mut form, frame.today());
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
    Ok(rendered(&FormPage { frame, form }))
}

/// `POST /console/closures/exercise`: the same as far as the last step, and nothing leaves.
pub async fn exercise(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    visitor.must(DECLARE)?;
    let mut form = Form::with(typed);
    let frame = visitor.frame(Place::Closures).await;
    let request = declaration(&mut form, frame.today());
    foreseen(&visitor, &frame, &mut form, &request).await;
    if form.is_good() {
        let exercise = ExerciseRequest {
            request_id: request.request_id.clone(),
            kind: KIND.to_owned(),
            audience: request.audience.clone(),
            words: Some(exercise_request::Words::Closure(words(&request))),
        };
        match ask!(visitor, dispatcher.exercise(exercise)).await {
            Ok(answer) => {
                // Not everybody who may run one may watch the messages.
                let address = if visitor.may("dispatcher.v1.DispatcherService/ListNotices") {
                    format!("/console/messages/{}", answer.gathering_id)
                } else {
                    "/console/closures".to_owned()
                };
                return Ok(visitor.done(&address, "exercised"));
            }
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => return Err(trouble.into()),
            Err(trouble) => form.refused(&trouble, &PREVIEW_FIELDS),
        }
    }
    Ok(rendered(&FormPage { frame, form }))
}
