//! Finding somebody, as one types. What is typed is sent as a form and never stands in an address: addresses are
//! written down, by browsers and by whatever stands between.

use askama::Template;
use axum::response::Response;
use proto::directory::v1::{FindContactsRequest, FindPupilsRequest};

use super::frame::{Frame, Place};
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor};
use crate::asking::{Trouble, ask};

/// What the beginnings of names are sent as.
pub const QUERY: &str = "q";

/// A pupil who was found, or is listed.
pub struct Pupil {
    /// The page about the child.
    pub address: String,
    /// What it is called.
    pub name: String,
    /// Of its class.
    pub class: String,
    /// In the Department's codes.
    pub year: String,
}

impl From<&proto::directory::v1::PupilSummary> for Pupil {
    fn from(pupil: &proto::directory::v1::PupilSummary) -> Self {
        Self {
            address: format!("/console/pupils/{}", pupil.id),
            name: format!("{} {}", pupil.first_name, pupil.family_name),
            class: pupil.class_title.clone(),
            year: pupil.year_group.clone(),
        }
    }
}

struct Contact {
    address: String,
    name: String,
    of: Vec<Pupil>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    frame: Frame,
    query: String,
    pupils: Vec<Pupil>,
    contacts: Vec<Contact>,
    more: bool,
    links: bool,
}

/// Pupils whose names begin so; nobody when nothing that can be searched for was typed.
pub async fn pupils(visitor: &Visitor, query: &str) -> Result<(Vec<Pupil>, bool), Trouble> {
    if query.trim().is_empty() {
        return Ok((Vec::new(), false));
    }
    let request = FindPupilsRequest { query: query.to_owned() };
    let asked = ask!(visitor, directory.find_pupils(request));
    match asked.await {
        Ok(found) => Ok((found.pupils.iter().map(Pupil::from).collect(), found.more)),
        Err(Trouble::Refused(_)) => Ok((Vec::new(), false)),
        Err(trouble) => Err(trouble),
    }
}

/// `GET /console/people`
pub async fn page(visitor: Visitor) -> Result<Response, Stopped> {
    found(&visitor, "").await
}

/// `POST /console/people`
pub async fn find(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    found(&visitor, typed.get(QUERY)).await
}

async fn found(visitor: &Visitor, q: &str) -> Result<Response, Stopped> {
    visitor.must("directory.v1.DirectoryService/FindPupils")?;
    let frame = visitor.frame(Place::People).await;
    let links = visitor.may("directory.v1.DirectoryService/GetPupil");
    let (pupils, mut more) = pupils(visitor, q).await?;
    let mut contacts = Vec::new();
    if visitor.may("directory.v1.DirectoryService/FindContacts") && !q.trim().is_empty() {
        let request = FindContactsRequest { query: q.to_owned() };
        let asked = ask!(visitor, directory.find_contacts(request));
        match asked.await {
            Ok(found) => {
                more |= found.more;
                contacts.extend(found.contacts.into_iter().map(|contact| {
                    let who = contact.summary.unwrap_or_default();
                    Contact {
                        address: format!("/console/contacts/{}", who.id),
                        name: format!("{} {}", who.given_name, who.family_name),
                        of: contact.pupils.iter().map(Pupil::from).collect(),
                    }
                }));
            }
            Err(Trouble::Refused(_)) => {}
            Err(trouble) => return Err(trouble.into()),
        }
    }
    Ok(rendered(&Page { frame, query: q.to_owned(), pupils, contacts, more, links }))
}
