//! Reading everything that stands of one school, for an import to be compared with.

use std::collections::{BTreeMap, HashMap};

use kit::store::{Error, Store};
use proto::ids::{ClassId, ContactId, PupilId, SchoolId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::former;
use super::rows::{self, classes, contacts, id, links, pupils, read, schools, terms};
use crate::domain::present::{Present, Pupil, Status, Stored};
use crate::domain::roster::SourceId;

/// What stands, with the version that a commit is checked against and the ids behind source ids.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The school's version when this was read; 0 before the first import.
    pub version: i64,
    /// The school's zone, as an IANA name; none before the first import.
    pub time_zone: Option<String>,
    /// What stands.
    pub present: Present,
    /// Ids of classes.
    pub classes: HashMap<SourceId, ClassId>,
    /// Ids and revisions of pupils.
    pub pupils: HashMap<SourceId, (PupilId, i64)>,
    /// Ids and revisions of contacts.
    pub contacts: HashMap<SourceId, (ContactId, i64)>,
}

/// Reads a school as a whole: seven queries, however large it is.
pub async fn snapshot(store: &Store, school: SchoolId) -> Result<Snapshot, Error> {
    let key = school.to_string();
    // The version first: whatever changes while the rest is read, changes it too.
    let row = schools::Entity::find_by_id(key.clone()).one(store.read()).await?;
    let mut snapshot = Snapshot::default();
    if let Some(row) = row {
        snapshot.version = row.version;
        snapshot.present.school = Some(row.school()?);
        snapshot.time_zone = Some(row.time_zone);
    }
    read_structure(store, &key, &mut snapshot).await?;
    read_people(store, &key, &mut snapshot).await?;
    let mut former = former::of_school(store, school).await?;
    for (source_id, (contact, _)) in &snapshot.contacts {
        if let Some(addresses) = former.remove(contact) {
            snapshot.present.former.insert(source_id.clone(), addresses);
        }
    }
    Ok(snapshot)
}

async fn read_structure(store: &Store, key: &str, snapshot: &mut Snapshot) -> Result<(), Error> {
    for row in terms::Entity::find().filter(terms::Column::School.eq(key)).all(store.read()).await? {
        let stored = Stored { status: status(&row.status)?, value: row.term()? };
        snapshot.present.terms.insert(row.source_id, stored);
    }
    for row in classes::Entity::find().filter(classes::Column::School.eq(key)).all(store.read()).await? {
        let stored = Stored { status: status(&row.status)?, value: row.class() };
        snapshot.classes.insert(row.source_id.clone(), id(&row.id)?);
        snapshot.present.classes.insert(row.source_id, stored);
    }
    Ok(())
}

async fn read_people(store: &Store, key: &str, snapshot: &mut Snapshot) -> Result<(), Error> {
    let class_names: BTreeMap<String, SourceId> =
        snapshot.classes.iter().map(|(source_id, id)| (id.to_string(), source_id.clone())).collect();
    let mut pupil_names = HashMap::new();
    for row in pupils::Entity::find().filter(pupils::Column::School.eq(key)).all(store.read()).await? {
        let class = read("class of a pupil", class_names.get(&row.class_id).cloned())?;
        let value = Pupil {
            first_name: row.first_name,
            family_name: row.family_name,
            year_group: row.year_group,
            class,
            person_only: row.person_only,
        };
        snapshot.pupils.insert(row.source_id.clone(), (id(&row.id)?, row.revision));
        pupil_names.insert(row.id, row.source_id.clone());
        let stored = Stored { status: status(&row.status)?, value };
        snapshot.present.pupils.insert(row.source_id, stored);
    }
    let mut contact_names = HashMap::new();
    for row in contacts::Entity::find().filter(contacts::Column::School.eq(key)).all(store.read()).await? {
        let stored = Stored { status: status(&row.status)?, value: row.contact()? };
        snapshot.contacts.insert(row.source_id.clone(), (id(&row.id)?, row.revision));
        contact_names.insert(row.id, row.source_id.clone());
        snapshot.present.contacts.insert(row.source_id, stored);
    }
    for row in links::Entity::find().filter(links::Column::School.eq(key)).all(store.read()).await? {
        let pupil = read("pupil of a link", pupil_names.get(&row.pupil_id).cloned())?;
        let contact = read("contact of a link", contact_names.get(&row.contact_id).cloned())?;
        let stored = Stored { status: status(&row.status)?, value: row.link()? };
        snapshot.present.links.insert((pupil, contact), stored);
    }
    Ok(())
}

fn status(word: &str) -> Result<Status, Error> {
    rows::read("status", Status::of_word(word))
}
