//! A pupil: who is at home in which order, what works for each, what stands against telling them, and
//! the story of today.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use proto::directory::v1::{
    AddressKind, GetPupilRequest, Link, ListPupilsRequest, ParentalResponsibility, PupilSummary, Restriction,
};
use proto::dispatcher::v1::ListNoticesRequest;
use proto::ids::SchoolId;
use serde::Deserialize;

use super::day::{Day, Weeks, known, story};
use super::frame::{Frame, Place};
use super::messages::{Told, told};
use super::people::Pupil;
use super::stopped::rendered;
use super::{Stopped, Visitor};
use crate::asking::{Trouble, ask};

const PAGE: i32 = 400;
/// The newest things that were to be told about the child.
const STORIES: i32 = 20;

/// An address as it is shown.
pub struct Address {
    /// "mobile", "landline", "e-mail".
    pub kind: &'static str,
    /// The number or the mailbox.
    pub value: String,
    /// Why nothing about this child goes there.
    pub barred: bool,
}

/// A contact of a pupil, or a pupil of a contact.
pub struct Tie {
    /// Who is at the other end.
    pub name: String,
    /// The page about them.
    pub address: String,
    /// mother, father …
    pub role: String,
    /// In words.
    pub responsibility: &'static str,
    /// In words, each one thing.
    pub marks: Vec<&'static str>,
    /// What stands against telling this contact, so that it cannot be missed.
    pub bar: Option<&'static str>,
    /// In the order in which they are tried.
    pub addresses: Vec<Address>,
}

impl Tie {
    /// By what the directory says of the link.
    pub fn of(link: &Link, name: String, address: String) -> Self {
        let bar = match link.restriction() {
            _ if link.no_contact => Some("No contact: nothing at all may be sent or said to this person"),
            Restriction::NoContact => Some("No contact: nothing at all may be sent or said to this person"),
            Restriction::NoChildInformation => {
                Some("No information about this child: nothing that names or locates the child")
            }
            Restriction::None | Restriction::Unspecified => None,
        };
        let mut marks = Vec::new();
        for (holds, mark) in [
            (link.lives_with, "lives with the child"),
            (link.emergency_only, "for emergencies only"),
            (link.no_voice, "no voice calls"),
        ] {
            if holds {
                marks.push(mark);
            }
        }
        Self {
            name,
            address,
            role: link.role.replace('_', " "),
            responsibility: match link.parental_responsibility() {
                ParentalResponsibility::Yes => "has parental responsibility",
                ParentalResponsibility::No => "has no parental responsibility",
                ParentalResponsibility::Unknown | ParentalResponsibility::Unspecified => {
                    "parental responsibility not known"
                }
            },
            marks,
            bar,
            addresses: link
                .addresses
                .iter()
                .map(|address| Address {
                    kind: match address.kind() {
                        AddressKind::Mobile => "mobile",
                        AddressKind::Landline => "landline",
                        AddressKind::Email => "e-mail",
                        AddressKind::Unspecified => "address",
                    },
                    value: address.value.clone(),
                    barred: address.barred || address.no_contact,
                })
                .collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "pupil.html")]
struct Page {
    frame: Frame,
    pupil: Pupil,
    first_name: String,
    person_only: bool,
    /// Where it stands who looked at the child's data, for whoever may know.
    audit: Option<String>,
    contacts: Vec<Tie>,
    stories: Vec<Told>,
    stories_away: bool,
    day: Day,
    weeks: Option<Weeks>,
}

/// `GET /console/pupils/{id}`
pub async fn page(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::People).await;
    let request = GetPupilRequest { pupil_id: id.clone() };
    let asked = ask!(visitor, directory.get_pupil(request));
    let found = asked.await?;
    let household = found.pupil.unwrap_or_default();
    let name_of = |id: &str| {
        let contact = found.contacts.iter().find(|contact| contact.id == id);
        contact.map_or_else(String::new, |who| format!("{} {}", who.given_name, who.family_name))
    };
    let contacts = household.links.iter().map(|link| {
        Tie::of(link, name_of(&link.contact_id), format!("/console/contacts/{}", link.contact_id))
    });
    let request = ListNoticesRequest { pupil_id: id, page_size: STORIES, ..ListNoticesRequest::default() };
    let notices = ask!(visitor, dispatcher.list_notices(request));
    let (notices, known) = futures::join!(notices, known(&visitor, &frame, &household.pupil_id));
    let stories_away = notices.is_err();
    let notices = notices.map(|answer| answer.notices).unwrap_or_default();
    let stories: Vec<Told> = notices.iter().map(|notice| told(notice, &frame)).collect();
    let (day, weeks) = story(known, &frame, &stories);
    let page = Page {
        pupil: Pupil::from(&found.summary.unwrap_or_default()),
        first_name: household.first_name,
        person_only: household.person_only,
        audit: visitor
            .may("operations.v1.OperationsService/ListAuditEntries")
            .then(|| format!("/console/audit?about={}", household.pupil_id)),
        contacts: contacts.collect(),
        stories,
        stories_away,
        day,
        weeks,
        frame,
    };
    Ok(rendered(&page))
}

/// Where in the list.
#[derive(Debug, Default, Deserialize)]
pub struct At {
    /// The token of a later page.
    #[serde(default)]
    pub page: String,
}

#[derive(Template)]
#[template(path = "pupils.html")]
struct List {
    frame: Frame,
    rows: Arc<Rows>,
}

#[derive(Template)]
#[template(path = "pupil_rows.html")]
struct Listed {
    pupils: Vec<PupilSummary>,
    links: bool,
}

/// The rows of a list as they were written last, and the tag of the answer that they were written from.
pub struct Rows {
    tag: String,
    html: String,
    next: String,
}

/// The rows of lists by what they were asked with, and whether names are links. They are shown again only when the
/// directory has said, to whoever looks now, that they are still the answer.
pub type Lists = Mutex<HashMap<(SchoolId, String, bool), Arc<Rows>>>;

/// How many lists are remembered; then all are forgotten.
const LISTS: usize = 100;

/// `GET /console/pupils`: everybody on roll, to look through or to print.
pub async fn list(visitor: Visitor, Query(At { page }): Query<At>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::People).await;
    let links = visitor.may("directory.v1.DirectoryService/GetPupil");
    let key = (visitor.session.caller.tenant, page, links);
    let known = visitor.site.lists.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let known_tag = known.as_ref().map(|rows| rows.tag.clone()).unwrap_or_default();
    let page_token = key.1.clone();
    let request =
        ListPupilsRequest { page_size: PAGE, page_token, known_tag, ..ListPupilsRequest::default() };
    let asked = ask!(visitor, directory.list_pupils(request));
    let answer = asked.await?;
    let rows = match known {
        Some(rows) if answer.unchanged => rows,
        _ => {
            let html = Listed { pupils: answer.pupils, links }.render();
            let html = html.map_err(|_| Trouble::Away("console"))?;
            let rows = Arc::new(Rows { tag: answer.tag, html, next: answer.next_page_token });
            let mut lists = visitor.site.lists.lock().unwrap_or_else(PoisonError::into_inner);
            if lists.len() >= LISTS {
                lists.clear();
            }
            lists.insert(key, Arc::clone(&rows));
            rows
        }
    };
    Ok(rendered(&List { frame, rows }))
}
