//! People by name, and the names behind ids: what the pages of the school's staff show.

use std::collections::HashMap;

use kit::store::{Error, Store};
use proto::ids::{ClassId, ContactId, PupilId, SchoolId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::rows::{classes, contacts, id, links, pupils};
use crate::domain::present::Status;

/// A contact as a person knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: ContactId,
    /// Its id in the school's own system.
    pub source_id: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
}

impl TryFrom<contacts::Model> for Person {
    type Error = Error;

    fn try_from(row: contacts::Model) -> Result<Self, Error> {
        Ok(Self {
            id: id(&row.id)?,
            source_id: row.source_id,
            given_name: row.given_name,
            family_name: row.family_name,
        })
    }
}

/// Every contact of the school who is on its list now.
pub async fn contacts(store: &Store, school: SchoolId) -> Result<Vec<Person>, Error> {
    let wanted = contacts::Entity::find()
        .filter(contacts::Column::School.eq(school.to_string()))
        .filter(contacts::Column::Status.eq(Status::Active.word()));
    store.all(wanted).await?.into_iter().map(Person::try_from).collect()
}

/// Those of these contacts whom the school knows, on its list or not.
pub async fn contacts_by_id(
    store: &Store,
    school: SchoolId,
    ids: &[ContactId],
) -> Result<Vec<Person>, Error> {
    let wanted = contacts::Entity::find()
        .filter(store.among("id", ids.iter().map(ToString::to_string)))
        .filter(contacts::Column::School.eq(school.to_string()));
    store.all(wanted).await?.into_iter().map(Person::try_from).collect()
}

/// To whom each of these contacts is linked now.
pub async fn pupils_of(
    store: &Store,
    school: SchoolId,
    ids: &[ContactId],
) -> Result<HashMap<ContactId, Vec<PupilId>>, Error> {
    let wanted = links::Entity::find()
        .filter(store.among("contact_id", ids.iter().map(ToString::to_string)))
        .filter(links::Column::School.eq(school.to_string()))
        .filter(links::Column::Status.eq(Status::Active.word()));
    let mut pupils: HashMap<ContactId, Vec<PupilId>> = HashMap::new();
    for row in store.all(wanted).await? {
        pupils.entry(id(&row.contact_id)?).or_default().push(id(&row.pupil_id)?);
    }
    Ok(pupils)
}

/// The names of pupils and classes of the school, by id as text.
pub async fn names(
    store: &Store,
    school: SchoolId,
    (of_pupils, of_classes): (&[PupilId], &[ClassId]),
) -> Result<Vec<(String, String)>, Error> {
    let of_pupils = pupils::Entity::find()
        .filter(store.among("id", of_pupils.iter().map(ToString::to_string)))
        .filter(pupils::Column::School.eq(school.to_string()));
    let of_classes = classes::Entity::find()
        .filter(store.among("id", of_classes.iter().map(ToString::to_string)))
        .filter(classes::Column::School.eq(school.to_string()));
    let pupils = store.all(of_pupils).await?.into_iter();
    let classes = store.all(of_classes).await?.into_iter();
    let pupils = pupils.map(|row| (row.id, format!("{} {}", row.first_name, row.family_name)));
    Ok(pupils.chain(classes.map(|row| (row.id, row.title))).collect())
}
