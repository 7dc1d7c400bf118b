//! A contact: how to reach them, what they were told or were not, and why; and putting a number right.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use futures::future::{join_all, try_join};
use proto::directory::v1::{GetContactRequest, GetContactResponse, Preference, UpdateContactRequest};
use proto::dispatcher::v1::{Delivery, ExplainRequest, ListDeliveriesRequest, ListNoticesRequest, Notice};

use super::form::{Form, Typed, capital};
use super::frame::{Frame, Place};
use super::home::Said;
use super::messages::{kind_label, state_label};
use super::posted::or_kept;
use super::pupils::Tie;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{Trouble, ask};

/// The newest things that concern the contact, each of which is explained.
const EXPLAINED: usize = 12;
const DELIVERIES: i32 = 50;

/// Something that concerned the contact.
struct Concern {
    kind: &'static str,
    at: String,
    about: String,
    /// In words; "no message" when there is none.
    state: &'static str,
    good: bool,
    /// Why it stands so, in a sentence.
    because: String,
    steps: Vec<Step>,
    gathering: String,
}

struct Step {
    reason: String,
    at: String,
    sentence: String,
}

#[derive(Template)]
#[template(path = "contact.html")]
struct Page {
    frame: Frame,
    form: Form,
    name: String,
    pupils: Vec<Tie>,
    may_change: bool,
    may_send_again: bool,
    concerns: Vec<Concern>,
    concerns_away: bool,
}

const FIELDS: [(&str, &str, &str); 6] = [
    ("first_phone", "first_phone", "First phone"),
    ("second_phone", "second_phone", "Second phone"),
    ("email", "email", "E-mail"),
    ("language", "language", "Language"),
    ("prefers", "prefers", "Preference"),
    ("no_voice", "no_voice", "Voice calls"),
];

/// `GET /console/contacts/{id}`
pub async fn page(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(said): Query<Said>,
) -> Result<Response, Stopped> {
    let contact = look(&visitor, &id).await?;
    let form = Form::with(typed_of(&contact));
    show(&visitor, (&id, contact), form, said.said.as_deref()).await
}

fn typed_of(contact: &GetContactResponse) -> Typed {
    let prefers = match contact.prefers() {
        Preference::Text => "text",
        Preference::Email => "email",
        Preference::None | Preference::Unspecified => "none",
    };
    let no_voice = if contact.no_voice { "yes" } else { "" };
    Typed::of(&[
        ("first_phone", &contact.first_phone),
        ("was-first_phone", &contact.first_phone),
        ("second_phone", &contact.second_phone),
        ("was-second_phone", &contact.second_phone),
        ("email", &contact.email),
        ("was-email", &contact.email),
        ("language", &contact.language),
        ("was-language", &contact.language),
        ("prefers", prefers),
        ("was-prefers", prefers),
        ("no_voice", no_voice),
        ("was-no_voice", no_voice),
    ])
}

async fn look(visitor: &Visitor, id: &str) -> Result<GetContactResponse, Trouble> {
    let request = GetContactRequest { contact_id: id.to_owned() };
    ask!(visitor, directory.get_contact(request)).await
}

async fn show(
    visitor: &Visitor,
    (id, contact): (&str, GetContactResponse),
    form: Form,
    said: Option<&str>,
) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::People).await.saying(said);
    let who = contact.summary.unwrap_or_default();
    let pupils: Vec<(String, Tie)> = contact
        .pupils
        .iter()
        .map(|of| {
            let pupil = of.pupil.clone().unwrap_or_default();
            let name = format!("{} {}", pupil.first_name, pupil.family_name);
            let tie =
                Tie::of(&of.link.clone().unwrap_or_default(), name, format!("/console/pupils/{}", pupil.id));
            (pupil.id, tie)
        })
        .collect();
    let names: BTreeMap<&str, &str> =
        pupils.iter().map(|(id, tie)| (id.as_str(), tie.name.as_str())).collect();
    let concerns = concerns(visitor, (id, &names), &frame).await;
    let page = Page {
        form,
        name: format!("{} {}", who.given_name, who.family_name),
        may_change: visitor.may("directory.v1.DirectoryService/UpdateContact"),
        may_send_again: visitor.may("dispatcher.v1.DispatcherService/Redeliver"),
        concerns_away: concerns.is_err(),
        concerns: concerns.unwrap_or_default(),
        pupils: pupils.into_iter().map(|(_, tie)| tie).collect(),
        frame,
    };
    Ok(rendered(&page))
}

/// What concerned the contact: the messages to them, and what was told about their pupils without one.
async fn concerns(
    visitor: &Visitor,
    (id, names): (&str, &BTreeMap<&str, &str>),
    frame: &Frame,
) -> Result<Vec<Concern>, Trouble> {
    let request = ListDeliveriesRequest {
        contact_id: id.to_owned(),
        page_size: DELIVERIES,
        ..ListDeliveriesRequest::default()
    };
    let deliveries = ask!(visitor, dispatcher.list_deliveries(request));
    let about = names.keys().map(|pupil| {
        let request = ListNoticesRequest {
            pupil_id: (*pupil).to_owned(),
            page_size: i32::try_from(EXPLAINED).unwrap_or(i32::MAX),
            ..ListNoticesRequest::default()
        };
        let asking = visitor.ask();
        async move {
            asking
                .dispatcher(request, |mut client, request| async move { client.list_notices(request).await })
                .await
        }
    });
    let notices = async { join_all(about).await.into_iter().collect::<Result<Vec<_>, _>>() };
    let (deliveries, notices) = try_join(deliveries, notices).await?;
    let mut newest: BTreeMap<String, Notice> = BTreeMap::new();
    for notice in notices.into_iter().flat_map(|answer| answer.notices) {
        newest.insert(notice.id.clone(), notice);
    }
    let newest: Vec<Notice> = newest.into_values().rev().take(EXPLAINED).collect();
    let explained = newest.into_iter().map(|notice| explain(visitor, id, notice, frame));
    let explained: Result<Vec<_>, Trouble> = join_all(explained).await.into_iter().collect();
    let concern = |(notice, steps): (Notice, Vec<Step>)| {
        concern(&notice, steps, &deliveries.deliveries, (frame, names))
    };
    Ok(explained?.into_iter().map(concern).collect())
}

async fn explain(
    visitor: &Visitor,
    id: &str,
    notice: Notice,
    frame: &Frame,
) -> Result<(Notice, Vec<Step>), Trouble> {
    let request = ExplainRequest { contact_id: id.to_owned(), notice_id: notice.id.clone() };
    let asked = ask!(visitor, dispatcher.explain(request));
    let steps = asked.await?.steps.into_iter().map(|step| Step {
        at: frame.when(when::of(step.at.as_ref())),
        sentence: capital(&step.sentence),
        reason: step.reason,
    });
    Ok((notice, steps.collect()))
}

fn concern(
    notice: &Notice,
    steps: Vec<Step>,
    deliveries: &[Delivery],
    (frame, names): (&Frame, &BTreeMap<&str, &str>),
) -> Concern {
    // The newest is first; the last address that was tried says how it stands.
    // One message may tell of several children: of whom it does not name it says nothing.
    let names_one = |delivery: &&Delivery| {
        notice.subjects.is_empty() || notice.subjects.iter().any(|pupil| delivery.subjects.contains(pupil))
    };
    let own =
        deliveries.iter().filter(|delivery| delivery.gathering_id == notice.gathering_id).filter(names_one);
    let best = own.clone().find(|delivery| delivery.reached).or_else(|| own.clone().next());
    let of_message = |step: &&Step| best.is_some_and(|delivery| delivery.why == step.reason);
    let because = steps.iter().rev().find(of_message).or(steps.last());
    let about: Vec<&str> = notice.subjects.iter().filter_map(|id| names.get(id.as_str()).copied()).collect();
    Concern {
        kind: kind_label(&notice.kind),
        at: frame.when(when::of(notice.created_at.as_ref())),
        about: about.join(", "),
        state: best.map_or("no message", |delivery| state_label(delivery)),
        good: best.is_some_and(|delivery| delivery.reached),
        because: because.map(|step| step.sentence.clone()).unwrap_or_default(),
        steps,
        gathering: notice.gathering_id.clone(),
    }
}

/// `POST /console/contacts/{id}`
pub async fn change(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let prefers = match form.value("prefers") {
        "text" => Preference::Text,
        "email" => Preference::Email,
        _ => Preference::None,
    };
    let request = UpdateContactRequest {
        request_id: form.request_id.clone(),
        contact_id: id.clone(),
        first_phone: form.news("first_phone"),
        second_phone: form.news("second_phone"),
        email: form.news("email"),
        language: form.news("language"),
        no_voice: form.changed("no_voice").then(|| form.value("no_voice") == "yes"),
        prefers: if form.changed("prefers") { prefers.into() } else { Preference::Unspecified.into() },
    };
    let changed = ask!(visitor, directory.update_contact(request));
    match changed.await {
        Ok(_) => Ok(visitor.done(&format!("/console/contacts/{id}"), "changed")),
        Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => Err(trouble.into()),
        Err(trouble) => {
            form.refused(&trouble, &FIELDS);
            let (typed, address) = (form.typed.clone(), format!("/console/contacts/{id}"));
            let page = async { show(&visitor, (&id, look(&visitor, &id).await?), form, None).await };
            or_kept(page.await, (&visitor, &address, &typed))
        }
    }
}
