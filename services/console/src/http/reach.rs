//! Whom nobody reaches: children for whom nobody can be rung, or who have too few contacts, and contacts whom
//! message after message fails to reach. And the list of numbers to print, for the day on which nothing works.

use std::collections::{BTreeSet, HashSet};

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use proto::directory::v1::{Link, ListPupilContactsRequest, ListPupilsRequest, PupilContacts};
use proto::dispatcher::v1::{GetFailingContactsRequest, GetFailingContactsResponse};
use serde::Deserialize;

use super::frame::{Frame, Place};
use super::people::Pupil;
use super::pupils::Tie;
use super::stopped::rendered;
use super::{Stopped, Visitor, when};
use crate::asking::{Trouble, ask};
use crate::domain::reach::{may_be_told, weakness};

const AT_ONCE: i32 = 500;
/// Of each list; whoever has more begins with these.
const SHOWN: usize = 100;

/// Everybody on roll, or a class, with everybody at home: by class and name.
async fn everybody(visitor: &Visitor, class: &str) -> Result<Vec<PupilContacts>, Trouble> {
    let (mut everybody, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListPupilContactsRequest { class_id: class.to_owned(), page_size: AT_ONCE, page_token };
        let asked = ask!(visitor, directory.list_pupil_contacts(request));
        let answer = asked.await?;
        everybody.extend(answer.pupils);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    everybody.sort_by_cached_key(|one| {
        let pupil = one.summary.clone().unwrap_or_default();
        (pupil.class_title, pupil.family_name.to_lowercase(), pupil.first_name.to_lowercase())
    });
    Ok(everybody)
}

fn name_of(one: &PupilContacts, id: &str) -> String {
    let who = one.contacts.iter().find(|contact| contact.id == id);
    who.map_or_else(String::new, |who| format!("{} {}", who.given_name, who.family_name))
}

/// A child, and what is weak about it.
struct Weak {
    pupil: Pupil,
    why: Vec<String>,
}

/// A contact whom messages fail to reach.
struct Failing {
    name: String,
    address: String,
    failed: i32,
    last: String,
    reached: Option<String>,
}

/// A list of which the beginning is shown.
struct Counted<T> {
    number: usize,
    shown: Vec<T>,
}

impl<T> From<Vec<T>> for Counted<T> {
    fn from(mut all: Vec<T>) -> Self {
        let number = all.len();
        all.truncate(SHOWN);
        Self { number, shown: all }
    }
}

#[derive(Template)]
#[template(path = "reach.html")]
struct Page {
    frame: Frame,
    pupils: usize,
    nobody_to_ring: Counted<Weak>,
    few: Counted<Weak>,
    failing: Counted<Failing>,
    /// What is known of failed messages cannot be had.
    away: bool,
}

/// `GET /console/reach`
pub async fn page(visitor: Visitor) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::People).await;
    let everybody = everybody(&visitor, "").await?;
    let asked = ask!(visitor, dispatcher.get_failing_contacts(GetFailingContactsRequest { days: 0 })).await;
    let away = asked.is_err();
    let GetFailingContactsResponse { contacts, suppressed } = asked.unwrap_or_default();
    // Whoever asked for no more texts can be rung all the same.
    let dead: HashSet<String> =
        suppressed.into_iter().filter(|one| !one.opted_out).map(|one| one.address).collect();
    let (mut nobody_to_ring, mut few) = (Vec::new(), Vec::new());
    for one in &everybody {
        let Some(weakness) = one.pupil.as_ref().and_then(|pupil| weakness(pupil, &dead)) else { continue };
        let pupil = || Pupil::from(&one.summary.clone().unwrap_or_default());
        if let Some(voices) = weakness.nobody_to_ring {
            let why = |(id, voice): &(String, crate::domain::reach::Voice)| {
                format!("{} {}", name_of(one, id), voice.words())
            };
            nobody_to_ring.push(Weak { pupil: pupil(), why: voices.iter().map(why).collect() });
        }
        if let Some(told) = weakness.few {
            let links = one.pupil.iter().flat_map(|pupil| &pupil.links);
            let names = links.filter(|link| may_be_told(link)).map(|link| name_of(one, &link.contact_id));
            let names: Vec<String> = names.collect();
            let why = if told == 0 { "nobody".to_owned() } else { format!("only {}", names.join(", ")) };
            few.push(Weak { pupil: pupil(), why: vec![why] });
        }
    }
    let named = |id: &str| {
        let found = everybody.iter().find_map(|one| Some(name_of(one, id)).filter(|name| !name.is_empty()));
        found.unwrap_or_else(|| "Somebody who is no longer on the list".to_owned())
    };
    let failing = contacts.iter().map(|contact| Failing {
        name: named(&contact.contact_id),
        address: format!("/console/contacts/{}", contact.contact_id),
        failed: contact.failed,
        last: frame.when(when::of(contact.last_failed_at.as_ref())),
        reached: contact.last_reached_at.as_ref().map(|at| frame.when(when::of(Some(at)))),
    });
    let page = Page {
        pupils: everybody.len(),
        nobody_to_ring: nobody_to_ring.into(),
        few: few.into(),
        failing: failing.collect::<Vec<_>>().into(),
        away,
        frame,
    };
    Ok(rendered(&page))
}

/// Of which class.
#[derive(Debug, Default, Deserialize)]
pub struct Of {
    /// Its id; empty is the whole school.
    #[serde(default)]
    class: String,
}

/// Somebody at home as the printed list has them.
struct Listed {
    tie: Tie,
    /// Nothing may be said to this person: no number is printed.
    barred: bool,
}

struct Household {
    pupil: Pupil,
    person_only: bool,
    contacts: Vec<Listed>,
}

#[derive(Template)]
#[template(path = "phone_list.html")]
struct PhoneList {
    frame: Frame,
    made: String,
    /// Its name; without one it is chosen.
    class: Option<String>,
    /// Names and ids.
    classes: Vec<(String, String)>,
    households: Vec<Household>,
}

/// `GET /console/phone-list`: class by class, because that is how a school is looked after when nothing works, and
/// a page for all would be too large for old machines.
pub async fn phone_list(visitor: Visitor, Query(Of { class }): Query<Of>) -> Result<Response, Stopped> {
    visitor.must("directory.v1.DirectoryService/ListPupilContacts")?;
    let frame = visitor.frame(Place::People).await;
    let made = format!("{}, {}", when::day(&frame.today().to_string()), frame.when(frame.now()));
    if class.is_empty() {
        let classes = classes(&visitor).await?;
        return Ok(rendered(&PhoneList { frame, made, class: None, classes, households: Vec::new() }));
    }
    let everybody = everybody(&visitor, &class).await?;
    let name = everybody.first().and_then(|one| one.summary.as_ref()).map(|pupil| pupil.class_title.clone());
    let listed = |one: &PupilContacts, link: &Link| Listed {
        barred: !may_be_told(link),
        tie: Tie::of(link, name_of(one, &link.contact_id), String::new()),
    };
    let households = everybody.iter().map(|one| {
        let pupil = one.pupil.clone().unwrap_or_default();
        Household {
            pupil: Pupil::from(&one.summary.clone().unwrap_or_default()),
            person_only: pupil.person_only,
            contacts: pupil.links.iter().map(|link| listed(one, link)).collect(),
        }
    });
    let (class, households) = (Some(name.unwrap_or_default()), households.collect());
    Ok(rendered(&PhoneList { frame, made, class, classes: Vec::new(), households }))
}

/// The classes of everybody on roll, by name, with their ids.
pub async fn classes(visitor: &Visitor) -> Result<Vec<(String, String)>, Trouble> {
    let (mut classes, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = ListPupilsRequest { page_size: AT_ONCE, page_token, ..ListPupilsRequest::default() };
        let asked = ask!(visitor, directory.list_pupils(request));
        let answer = asked.await?;
        classes.extend(answer.pupils.into_iter().map(|pupil| (pupil.class_title, pupil.class_id)));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(classes.into_iter().collect());
        }
    }
}
