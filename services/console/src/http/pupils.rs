//! A pupil: who is at home in which order, what works for each, what stands against telling them, and
//! the story of today.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use proto::directory::v1::{
    AddressKind, GetPupilRequest, Link, ListPupilsRequest, ListPupilsResponse, ParentalResponsibility,
    Restriction,
};
use proto::dispatcher::v1::ListNoticesRequest;
use serde::Deserialize;

use super::day::{Day, Weeks, story};
use super::frame::{Frame, Place};
use super::messages::{Told, told};
use super::people::Pupil;
use super::stopped::rendered;
use super::{Stopped, Visitor};
use crate::asking::ask;

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
    let notices = notices.await.map(|answer| answer.notices);
    let stories_away = notices.is_err();
    let stories: Vec<Told> = notices.unwrap_or_default().iter().map(|notice| told(notice, &frame)).collect();
    let (day, weeks) = story(&visitor, &frame, (&household.pupil_id, &stories)).await;
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
    pupils: Vec<Pupil>,
    links: bool,
    next: String,
}

/// `GET /console/pupils`: everybody on roll, to look through or to print.
pub async fn list(visitor: Visitor, Query(At { page }): Query<At>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::People).await;
    let request = ListPupilsRequest { page_size: PAGE, page_token: page, ..ListPupilsRequest::default() };
    let asked = ask!(visitor, directory.list_pupils(request));
    let ListPupilsResponse { mut pupils, next_page_token: next } = asked.await?;
    pupils.sort_by_cached_key(|pupil| {
        (pupil.class_title.clone(), pupil.family_name.to_lowercase(), pupil.first_name.to_lowercase())
    });
    let links = visitor.may("directory.v1.DirectoryService/GetPupil");
    Ok(rendered(&List { frame, pupils: pupils.iter().map(Pupil::from).collect(), links, next }))
}
