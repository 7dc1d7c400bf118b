//! Pupils with their contacts, read in bulk: the number of queries never depends on the number of
//! pupils of a batch.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use kit::store::{Error, Store};
use proto::events::scope::Scope;
use proto::ids::{ClassId, ContactId, PupilId, SchoolId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::former;
use super::rows::{classes, contacts, id, links, pupils, read};
use crate::domain::audience::{Bars, Contact, Linked, Pupil, Restrained, of_pupil};
use crate::domain::former::addresses_of;
use crate::domain::present::Status;

/// How many ids one statement names at most.
const IDS: usize = 1_000;

/// A pupil on roll, with what a list shows.
#[derive(Debug, Clone)]
pub struct OnRoll {
    /// What a message needs.
    pub pupil: Pupil,
    /// Its id in the school's own system.
    pub source_id: String,
    /// The surname.
    pub family_name: String,
    /// In the Department's codes.
    pub year_group: String,
}

/// A pupil with everybody who belongs to it.
pub type Household = (Pupil, Vec<Linked>);

/// The pupils of a scope who are on roll, by id.
pub async fn on_roll(store: &Store, school: SchoolId, scope: &Scope) -> Result<Vec<OnRoll>, Error> {
    let all = || {
        pupils::Entity::find()
            .filter(pupils::Column::School.eq(school.to_string()))
            .filter(pupils::Column::Status.eq(Status::Active.word()))
            .order_by_asc(pupils::Column::Id)
    };
    let mut rows = Vec::new();
    match scope {
        Scope::WholeSchool => rows = store.all(all()).await?,
        Scope::YearGroups(groups) => {
            rows = store.all(all().filter(store.among("year_group", groups))).await?;
        }
        Scope::Classes(ids) => {
            rows = store.all(all().filter(store.among("class_id", texts(ids)))).await?;
        }
        Scope::Pupils(ids) => {
            let ids: HashSet<PupilId> = ids.iter().copied().collect();
            let ids: Vec<PupilId> = ids.into_iter().collect();
            for ids in ids.chunks(IDS) {
                rows.extend(store.all(all().filter(store.among("id", texts(ids)))).await?);
            }
        }
    }
    rows.into_iter().map(on_roll_of).collect()
}

/// A page of the pupils on roll, by id: at most `limit` of a class or of the school, after an id.
pub async fn page(
    store: &Store,
    (school, class): (SchoolId, Option<ClassId>),
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<OnRoll>, Error> {
    let mut wanted = Condition::all()
        .add(pupils::Column::School.eq(school.to_string()))
        .add(pupils::Column::Status.eq(Status::Active.word()));
    if let Some(class) = class {
        wanted = wanted.add(pupils::Column::ClassId.eq(class.to_string()));
    }
    if let Some(after) = after {
        wanted = wanted.add(pupils::Column::Id.gt(after));
    }
    let wanted = pupils::Entity::find().filter(wanted).order_by_asc(pupils::Column::Id).limit(limit);
    store.all(wanted).await?.into_iter().map(on_roll_of).collect()
}

fn on_roll_of(row: pupils::Model) -> Result<OnRoll, Error> {
    Ok(OnRoll {
        pupil: Pupil {
            id: id(&row.id)?,
            first_name: row.first_name,
            class_id: id(&row.class_id)?,
            person_only: row.person_only.is_some(),
        },
        source_id: row.source_id,
        family_name: row.family_name,
        year_group: row.year_group,
    })
}

/// What a class is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassName {
    /// Its id in the school's own system.
    pub source_id: String,
    /// Its title, as people say it.
    pub title: String,
}

/// What the school's classes are called.
pub async fn class_names(store: &Store, school: SchoolId) -> Result<BTreeMap<ClassId, ClassName>, Error> {
    let rows = classes::Entity::find()
        .filter(classes::Column::School.eq(school.to_string()))
        .all(store.read())
        .await?;
    let name =
        |row: classes::Model| Ok((id(&row.id)?, ClassName { source_id: row.source_id, title: row.title }));
    rows.into_iter().map(name).collect()
}

/// Every restriction of a school that is in force on this day, also on links that were withdrawn.
pub async fn bars(store: &Store, school: SchoolId, today: Date) -> Result<Bars, Error> {
    let rows = links::Entity::find()
        .filter(links::Column::School.eq(school.to_string()))
        .filter(links::Column::Bar.is_not_null())
        .all(store.read())
        .await?;
    let known = contacts_by_id(store, rows.iter().map(|row| row.contact_id.clone()).collect()).await?;
    // After the contacts: what one of them gives up meanwhile is then read here at the latest.
    let former = former::of_school(store, school).await?;
    let mut restrained = Vec::new();
    for row in &rows {
        let contact = read("contact of a link", known.get(&row.contact_id))?;
        let mut addresses = addresses_of(&contact.reach);
        addresses.extend(former.get(&contact.id).into_iter().flatten().cloned());
        restrained.push(Restrained {
            pupil: id(&row.pupil_id)?,
            contact: contact.id,
            restriction: read("restriction", row.link()?.restriction)?,
            addresses,
        });
    }
    Ok(Bars::on(today, &restrained))
}

/// Every contact who is linked now, for each of these pupils; `only` narrows it to some contacts.
pub async fn households(
    store: &Store,
    pupils: Vec<Pupil>,
    only: Option<&BTreeSet<ContactId>>,
    (bars, today): (&Bars, Date),
) -> Result<Vec<Household>, Error> {
    let mut rows = Vec::new();
    for pupils in pupils.chunks(IDS) {
        let ids = pupils.iter().map(|pupil| pupil.id.to_string());
        let wanted = links::Entity::find()
            .filter(store.among("pupil_id", ids))
            .filter(links::Column::Status.eq(Status::Active.word()));
        for row in store.all(wanted).await? {
            let contact: ContactId = id(&row.contact_id)?;
            if only.is_none_or(|only| only.contains(&contact)) {
                rows.push(row);
            }
        }
    }
    let known = contacts_by_id(store, rows.iter().map(|row| row.contact_id.clone()).collect()).await?;
    let mut linked: HashMap<PupilId, Vec<_>> = HashMap::new();
    for row in &rows {
        let contact = read("contact of a link", known.get(&row.contact_id))?;
        linked.entry(id(&row.pupil_id)?).or_default().push((contact.clone(), row.link()?));
    }
    let household = |pupil: Pupil| {
        let linked = linked.remove(&pupil.id).unwrap_or_default();
        let linked = of_pupil(pupil.id, linked, bars, today);
        (pupil, linked)
    };
    Ok(pupils.into_iter().map(household).collect())
}

async fn contacts_by_id(store: &Store, ids: HashSet<String>) -> Result<HashMap<String, Contact>, Error> {
    let ids: Vec<String> = ids.into_iter().collect();
    let mut known = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        for row in store.all(contacts::Entity::find().filter(store.among("id", ids))).await? {
            let reach = row.contact()?.reach;
            let contact =
                Contact { id: id(&row.id)?, source_id: row.source_id, reach, revision: row.revision };
            known.insert(row.id, contact);
        }
    }
    Ok(known)
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
