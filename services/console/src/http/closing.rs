//! Closing the school: what would happen is shown before it does, and can be run as an exercise.

use askama::Template;
use axum::response::Response;
use jiff::civil::Date;
use kit::fields::holds_markup;
use proto::directory::v1::{Audience, WholeSchool, YearGroups, audience};
use proto::dispatcher::v1::{
    ClosureWords, ExerciseRequest, PreviewRequest, PreviewResponse, exercise_request, preview_request,
};
use proto::scheduling::v1::{Closure, DeclareClosureRequest, Session};

use super::closures::{Shown, counted, shown};
use super::form::{Form, Typed, capital};
use super::frame::{Frame, Place};
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor};
use crate::asking::{Trouble, ask};

/// Whoever may do this closes the school.
pub const DECLARE: &str = "scheduling.v1.SchedulingService/DeclareClosure";
const KIND: &str = "closure_declared";
const MICROPOUNDS: i64 = 1_000_000;
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

/// What would happen.
struct Forecast {
    /// How many are told of how many, and by what.
    told: String,
    /// What the texts cost.
    charged: Option<String>,
    skipped: Vec<(String, i32)>,
    nobody: usize,
    /// Contacts who should be told and whom no address reaches.
    unreachable: i32,
}

/// Why somebody who should be told is not: no address of theirs carries it. A person is asked to see that they know.
const UNREACHABLE: &str = "NO_ADDRESS";

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

/// What the form holds. What would be refused later is said at once: a page that asks "close the school?" may not offer
/// what cannot be done.
fn declaration(form: &mut Form, today: Date) -> DeclareClosureRequest {
    let audience = audience_of(form);
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
    for (field, most) in [("reason", LONGEST_REASON), ("collection", LONGEST_COLLECTION)] {
        let text = form.value(field);
        let fault = if holds_markup(text) {
            Some("Use words only, without tags, braces and code".to_owned())
        } else if text.chars().count() > most {
            Some(format!("Use at most {most} characters"))
        } else {
            None
        };
        if let Some(fault) = fault {
            form.wrong(field, fault);
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
    let frame = visitor.frame(Place::Closures).await;
    let request = declaration(&mut form, frame.today());
    let forecast = foreseen(&visitor, &mut form, &request).await;
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
async fn foreseen(visitor: &Visitor, form: &mut Form, request: &DeclareClosureRequest) -> Option<Forecast> {
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
                let (field, words) = match form.value("whom") {
                    "years" => ("years", "Nobody on roll is in these year groups"),
                    _ => ("", "Nobody is on roll yet, so that there is nobody to tell"),
                };
                form.wrong(field, words);
            }
            Some(forecast(&answer))
        }
        Err(trouble @ Trouble::Refused(_)) => {
            form.refused(&trouble, &PREVIEW_FIELDS);
            None
        }
        Err(_) => None,
    }
}

fn forecast(answer: &PreviewResponse) -> Forecast {
    let cost = answer.cost_micropounds.map(|cost| {
        let pence = cost / (MICROPOUNDS / 100);
        format!(" and cost £{}.{:02}", pence / 100, pence % 100)
    });
    let told = format!(
        "{} at home of {} {} told: {}, {}, in about {}.",
        counted(answer.contacts, "person", "people"),
        counted(answer.pupils, "pupil", "pupils"),
        if answer.contacts == 1 { "is" } else { "are" },
        counted(answer.texts, "text", "texts"),
        counted(answer.emails, "e-mail", "e-mails"),
        counted(answer.takes_seconds.max(0) / 60 + 1, "minute", "minutes"),
    );
    let charged = (answer.fragments > 0).then(|| {
        let parts = counted(answer.fragments, "part", "parts");
        format!("The texts have {parts}{}.", cost.unwrap_or_default())
    });
    let unreachable = answer.skipped.iter().filter(|one| one.reason == UNREACHABLE);
    Forecast {
        told,
        charged,
        unreachable: unreachable.map(|one| one.contacts).sum(),
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
    foreseen(&visitor, &mut form, &request).await;
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
