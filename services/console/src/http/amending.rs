//! Putting an accident right: whoever was told of it is told what is new.

use axum::extract::Path;
use axum::response::Response;
use proto::incidents::v1::{Accident, AccidentKind, AmendAccidentRequest, ListAccidentsRequest};

use super::accidents::{AMEND, FIELDS, FormPage, account};
use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::posted::or_kept;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{Trouble, ask};

const PAGE: i32 = 500;

/// The accident of this id.
async fn one(visitor: &Visitor, id: &str) -> Result<Accident, Trouble> {
    let mut page_token = String::new();
    loop {
        let request = ListAccidentsRequest { page_size: PAGE, page_token, ..ListAccidentsRequest::default() };
        let asked = ask!(visitor, incidents.list_accidents(request));
        let answer = asked.await?;
        if let Some(found) = answer.accidents.into_iter().find(|accident| accident.id == id) {
            return Ok(found);
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Err(Trouble::Unknown);
        }
    }
}

/// When it happened, by the school's clocks.
fn happened(accident: &Accident, frame: &Frame) -> Option<jiff::Zoned> {
    let at = when::of(accident.account.as_ref()?.happened_at.as_ref());
    Some(at.to_zoned(frame.zone()?.clone()))
}

/// `GET /console/accidents/{id}/amend`
pub async fn form(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Stopped> {
    visitor.must(AMEND)?;
    let frame = visitor.frame(Place::Accidents).await;
    let accident = one(&visitor, &id).await?;
    let time = happened(&accident, &frame).map(|at| at.strftime("%H:%M").to_string()).unwrap_or_default();
    let account = accident.account.clone().unwrap_or_default();
    let head = if account.kind() == AccidentKind::HeadInjury { "yes" } else { "no" };
    let form = Form::with(Typed::of(&[
        ("version", &accident.version.to_string()),
        ("head", head),
        ("what", &account.what),
        ("place", &account.place),
        ("time", &time),
        ("first_aid", &account.first_aid),
        ("no_first_aid", &account.no_first_aid_because),
        ("first_aider", &account.first_aider),
    ]));
    show(&visitor, &accident, form).await
}

async fn show(visitor: &Visitor, accident: &Accident, form: Form) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Accidents).await;
    let names = visitor.names(vec![accident.pupil_id.clone()]).await;
    let pupil = names.of(&accident.pupil_id).unwrap_or("a child whose name cannot be read now").to_owned();
    Ok(rendered(&FormPage { frame, form, pupil, amends: true, asks_day: false }))
}

/// `POST /console/accidents/{id}/amend`
pub async fn amend(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let address = format!("/console/accidents/{id}/amend");
    let page = amended(&visitor, &id, Form::with(typed.clone())).await;
    or_kept(page, (&visitor, &address, &typed))
}

async fn amended(visitor: &Visitor, id: &str, mut form: Form) -> Result<Response, Stopped> {
    visitor.must(AMEND)?;
    let frame = visitor.frame(Place::Accidents).await;
    let accident = one(visitor, id).await?;
    let day = happened(&accident, &frame).map_or_else(|| frame.today(), |at| at.date());
    let account = account(&mut form, &frame, day);
    let why = form.needs("why", "Say why it is put right");
    // A page that names no version was not looked at: no accident has that one.
    let version = form.value("version").parse().unwrap_or(-1);
    if form.is_good() {
        let request = AmendAccidentRequest {
            request_id: form.request_id.clone(),
            accident_id: id.to_owned(),
            account: Some(account),
            why,
            version,
        };
        let asked = ask!(visitor, incidents.amend_accident(request));
        match asked.await {
            Ok(_) => return Ok(visitor.done("/console/accidents", "amended")),
            Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown | Trouble::Away(_))) => {
                return Err(trouble.into());
            }
            Err(trouble) => {
                let fields: Vec<_> = FIELDS.into_iter().chain([("why", "why", "Why")]).collect();
                form.refused(&trouble, &fields);
            }
        }
    }
    show(visitor, &accident, form).await
}
