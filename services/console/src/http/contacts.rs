//! A contact: whose, how to reach them, what concerned them; and putting a number right.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use proto::directory::v1::{GetContactRequest, GetContactResponse, Preference, UpdateContactRequest};
use serde::Deserialize;

use super::concerns::{Concern, EXPLAINED, MOST_EXPLAINED, concerns};
use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::home::Said;
use super::posted::or_kept;
use super::pupils::Tie;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor};
use crate::asking::{Trouble, ask};

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
    /// So many older ones are not shown.
    older: usize,
    concerns_away: bool,
}

/// How much of it is shown.
#[derive(Debug, Default, Deserialize)]
pub struct Much {
    /// The older messages too.
    #[serde(default)]
    all: bool,
}

const FIELDS: [(&str, &str, &str); 6] = [
    ("first_phone", "first_phone", "First phone"),
    ("second_phone", "second_phone", "Second phone"),
    ("email", "email", "E-mail"),
    ("language", "language", "Language"),
    ("prefers", "prefers", "Preference"),
    ("no_voice", "no_voice", "Voice calls"),
];

fn fields() -> impl Iterator<Item = &'static str> {
    FIELDS.into_iter().map(|(_, name, _)| name)
}

/// `GET /console/contacts/{id}`
pub async fn page(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(Much { all }): Query<Much>,
    Query(said): Query<Said>,
) -> Result<Response, Stopped> {
    let contact = look(&visitor, &id).await?;
    let form = Form::with(typed_of(&contact));
    let most = if all { MOST_EXPLAINED } else { EXPLAINED };
    show(&visitor, (&id, contact, most), form, said.said.as_deref()).await
}

/// What the form holds, by the names of its fields.
fn fields_of(contact: &GetContactResponse) -> [(&'static str, &str); 6] {
    let prefers = match contact.prefers() {
        Preference::Text => "text",
        Preference::Email => "email",
        Preference::None | Preference::Unspecified => "none",
    };
    [
        ("first_phone", &contact.first_phone),
        ("second_phone", &contact.second_phone),
        ("email", &contact.email),
        ("language", &contact.language),
        ("prefers", prefers),
        ("no_voice", if contact.no_voice { "yes" } else { "" }),
    ]
}

fn typed_of(contact: &GetContactResponse) -> Typed {
    let mut typed = Typed::default();
    for (name, value) in fields_of(contact) {
        typed.put(name, value);
        typed.put(&was(name), value);
    }
    typed
}

/// Under which name a form carries what stood when its page was made.
fn was(name: &str) -> String {
    format!("was-{name}")
}

async fn look(visitor: &Visitor, id: &str) -> Result<GetContactResponse, Trouble> {
    let request = GetContactRequest { contact_id: id.to_owned() };
    ask!(visitor, directory.get_contact(request)).await
}

async fn show(
    visitor: &Visitor,
    (id, contact, most): (&str, GetContactResponse, usize),
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
    let concerns = concerns(visitor, (id, most), (&frame, &names)).await;
    let concerns_away = concerns.is_err();
    let (concerns, older) = concerns.unwrap_or_default();
    let page = Page {
        form,
        name: format!("{} {}", who.given_name, who.family_name),
        may_change: visitor.may("directory.v1.DirectoryService/UpdateContact"),
        may_send_again: visitor.may("dispatcher.v1.DispatcherService/Redeliver"),
        concerns_away,
        concerns,
        older,
        pupils: pupils.into_iter().map(|(_, tie)| tie).collect(),
        frame,
    };
    Ok(rendered(&page))
}

/// `POST /console/contacts/{id}`
pub async fn change(Path(id): Path<String>, Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    if !fields().any(|name| form.changed(name)) {
        form.wrong("", "Nothing is changed yet");
        return again(&visitor, &id, form).await;
    }
    match look(&visitor, &id).await {
        Ok(contact) => compare(&mut form, &contact),
        Err(trouble @ (Trouble::NotAllowed | Trouble::Unknown)) => return Err(trouble.into()),
        Err(trouble) => form.refused(&trouble, &FIELDS),
    }
    if !form.is_good() {
        return again(&visitor, &id, form).await;
    }
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
            again(&visitor, &id, form).await
        }
    }
}

/// The page with what was typed, and what is wrong with it.
async fn again(visitor: &Visitor, id: &str, form: Form) -> Result<Response, Stopped> {
    let (typed, address) = (form.typed.clone(), format!("/console/contacts/{id}"));
    let page = async { show(visitor, (id, look(visitor, id).await?, EXPLAINED), form, None).await };
    or_kept(page.await, (visitor, &address, &typed))
}

/// What a colleague has changed in the same fields since the page was made stands beside them; who sends the form again
/// has seen it.
fn compare(form: &mut Form, contact: &GetContactResponse) {
    for (name, now) in fields_of(contact) {
        let overtaken = form.changed(name) && form.value(&was(name)) != now && !same(form.value(name), now);
        if overtaken {
            form.wrong(
                name,
                format!("A colleague has changed this meanwhile: it is {} now", in_words(name, now)),
            );
            form.typed.put(&was(name), now);
        }
    }
}

fn in_words<'a>(name: &str, value: &'a str) -> &'a str {
    match (name, value) {
        ("prefers", "none") => "“nobody has said”",
        ("no_voice", "yes") => "“cannot take voice calls”",
        ("no_voice", _) => "“can take voice calls”",
        (_, "") => "empty",
        (_, value) => value,
    }
}

/// Whether two ways to write something mean the same: the directory keeps numbers as `+44…`, and mailboxes in small
/// letters. A second click sends what the first has changed.
fn same(typed: &str, now: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let national = |text: &str| {
        let digits = digits(text);
        let bare = digits.trim_start_matches('0');
        bare.strip_prefix("44").unwrap_or(bare).trim_start_matches('0').to_owned()
    };
    let number = |text: &str| !text.is_empty() && !text.contains('@') && digits(text).len() >= 7;
    typed.eq_ignore_ascii_case(now) || (number(typed) && number(now) && national(typed) == national(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_written_in_two_ways_is_the_same() {
        for (typed, now, expected) in [
            ("07700 900288", "+447700900288", true),
            ("+44 (0)7700 900288", "+447700900288", true),
            ("0044 7700 900288", "+447700900288", true),
            ("07700 900289", "+447700900288", false),
            ("Anna@Example.org", "anna@example.org", true),
            ("anna1234567@example.org", "bert1234567@example.org", false),
            ("", "+447700900288", false),
            ("", "", true),
            ("text", "email", false),
        ] {
            assert_eq!(same(typed, now), expected, "{typed} and {now}");
        }
    }
}
