//! Writing what an import planned: the rows as they will stand, made before the transaction and put
//! down in a few statements.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use kit::store::{Commit, Error, Kind, Store, Together};
use proto::ids::{ClassId, ContactId, PupilId, SchoolId};
use sea_orm::sea_query::{IntoIden, OnConflict};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IdenStatic, IntoActiveModel,
    Iterable,
};

use super::decisions::{self, Decision};
use super::former;
use super::present::Snapshot;
use super::rows::{self, classes, contacts, links, pupils, schools, terms};
use crate::domain::link::Link;
use crate::domain::plan::Plan;
use crate::domain::present::{Pupil, Status};
use crate::domain::roster::{Contact, School, SourceId};

/// England's; a school elsewhere would bring its own column.
pub const TIME_ZONE: &str = "Europe/London";

/// Keeps a statement below the number of parameters that the databases take.
const ROWS: usize = 1_000;

/// Who imports, and when: it stands beside every restriction that the import sets.
#[derive(Debug, Clone)]
pub struct Import {
    /// The school.
    pub school: SchoolId,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

#[derive(Default)]
struct Rows {
    school: Vec<schools::ActiveModel>,
    terms: Vec<terms::ActiveModel>,
    classes: Vec<classes::ActiveModel>,
    pupils: Vec<pupils::ActiveModel>,
    contacts: Vec<contacts::ActiveModel>,
    links: Vec<links::ActiveModel>,
}

/// Adds the plan to a commit, and gives new things their ids in the snapshot. When the school has
/// changed since the snapshot was read, the commit is a conflict.
pub fn import(
    store: &Store,
    commit: Commit,
    snapshot: &mut Snapshot,
    plan: &Plan,
    import: &Import,
) -> Result<Commit, Error> {
    let first = snapshot.version == 0;
    let mut commit = if first { commit } else { guard(commit, import.school, snapshot.version) };
    let rows = Arc::new(rows_of(snapshot, plan, import)?);
    let decided = decisions::of_plan(snapshot, plan, import)?;
    for (contact, address) in &plan.former {
        let (contact, _) = *rows::read("contact", snapshot.contacts.get(contact))?;
        let key = (import.school, contact);
        commit = former::keep(store, commit, key, std::iter::once(address), import.at);
    }
    let commit = commit.work(move |tx| {
        let rows = Arc::clone(&rows);
        Box::pin(async move {
            if first {
                // Plainly: whoever made the school a moment ago must not be overwritten.
                schools::Entity::insert_many(rows.school.clone()).exec_without_returning(tx).await?;
            } else {
                put(tx, &rows.school, [schools::Column::Id]).await?;
            }
            put_rest(tx, &rows).await
        })
    });
    Ok(decided.into_iter().fold(commit, Decision::keep))
}

static GUARD: Together = Together::new(
    "UPDATE schools SET version = schools.version + 1 FROM {{rows}} \
     WHERE schools.id = j.id AND schools.version = j.version",
    &[("id", Kind::Text), ("version", Kind::Number)],
);

/// Makes a commit a conflict when anything of the school has changed since `version`.
pub fn guard(commit: Commit, school: SchoolId, version: i64) -> Commit {
    commit.alone_on(&school).row(&GUARD, [school.to_string().into(), version.into()])
}

fn rows_of(snapshot: &mut Snapshot, plan: &Plan, import: &Import) -> Result<Rows, Error> {
    let key = import.school.to_string();
    let mut rows = Rows::default();
    if let Some(school) = &plan.school {
        let version = snapshot.version + 1;
        rows.school.push(school_row(key.clone(), school, version)?.into_active_model());
    }
    for write in &plan.terms {
        let row = terms::Model {
            school: key.clone(),
            source_id: write.key.clone(),
            title: write.stored.value.title.clone(),
            first_day: write.stored.value.first_day.to_string(),
            last_day: write.stored.value.last_day.to_string(),
            status: write.stored.status.word().to_owned(),
        };
        rows.terms.push(row.into_active_model());
    }
    for write in &plan.classes {
        let id = *snapshot.classes.entry(write.key.clone()).or_insert_with(ClassId::generate);
        let row = classes::Model {
            id: id.to_string(),
            school: key.clone(),
            source_id: write.key.clone(),
            title: write.stored.value.title.clone(),
            status: write.stored.status.word().to_owned(),
        };
        rows.classes.push(row.into_active_model());
    }
    people_rows(snapshot, plan, &key, &mut rows)?;
    Ok(rows)
}

fn people_rows(snapshot: &mut Snapshot, plan: &Plan, key: &str, rows: &mut Rows) -> Result<(), Error> {
    for write in &plan.pupils {
        let entry = snapshot.pupils.entry(write.key.clone()).or_insert_with(|| (PupilId::generate(), 0));
        entry.1 += 1;
        let value = &write.stored.value;
        let class = rows::read("class of a pupil", snapshot.classes.get(&value.class))?;
        let row = pupil_row((key, &write.key), *entry, value, (*class, write.stored.status));
        rows.pupils.push(row.into_active_model());
    }
    // A link's change is a change of its contact, whose revision a message is cleared by.
    let mut changed: BTreeSet<&SourceId> = plan.contacts.iter().map(|write| &write.key).collect();
    changed.extend(plan.links.iter().map(|write| &write.key.1));
    let written = plan.contacts.iter().map(|write| (&write.key, &write.stored));
    let written: std::collections::HashMap<_, _> = written.collect();
    for source_id in changed {
        let standing = snapshot.present.contacts.get(source_id);
        let stored = rows::read("contact of a link", written.get(source_id).copied().or(standing))?;
        let entry = snapshot.contacts.entry(source_id.clone()).or_insert_with(|| (ContactId::generate(), 0));
        entry.1 += 1;
        let row = contact_row((key, source_id), *entry, &stored.value, stored.status);
        rows.contacts.push(row.into_active_model());
    }
    for write in &plan.links {
        let (pupil, contact) = (snapshot.pupils.get(&write.key.0), snapshot.contacts.get(&write.key.1));
        let (pupil, _) = *rows::read("pupil of a link", pupil)?;
        let (contact, _) = *rows::read("contact of a link", contact)?;
        let row = link_row(key, (pupil, contact), &write.stored.value, write.stored.status);
        rows.links.push(row.into_active_model());
    }
    Ok(())
}

fn school_row(id: String, school: &School, version: i64) -> Result<schools::Model, Error> {
    let numbers: Vec<&str> = school.duty_numbers.iter().map(crate::domain::phone::Phone::e164).collect();
    Ok(schools::Model {
        id,
        source_id: school.source_id.clone(),
        name: school.name.clone(),
        phone: school.phone.clone(),
        time_zone: TIME_ZONE.to_owned(),
        morning: rows::times_text(school.morning),
        afternoon: rows::times_text(school.afternoon),
        duty_numbers: rows::read("duty numbers", serde_json::to_string(&numbers).ok())?,
        version,
    })
}

fn pupil_row(
    (school, source_id): (&str, &str),
    (id, revision): (PupilId, i64),
    pupil: &Pupil,
    (class, status): (ClassId, Status),
) -> pupils::Model {
    pupils::Model {
        id: id.to_string(),
        school: school.to_owned(),
        source_id: source_id.to_owned(),
        first_name: pupil.first_name.clone(),
        family_name: pupil.family_name.clone(),
        year_group: pupil.year_group.clone(),
        class_id: class.to_string(),
        person_only: pupil.person_only.clone(),
        status: status.word().to_owned(),
        revision,
    }
}

/// A contact as it is stored.
pub fn contact_row(
    (school, source_id): (&str, &str),
    (id, revision): (ContactId, i64),
    contact: &Contact,
    status: Status,
) -> contacts::Model {
    let reach = &contact.reach;
    let number = |phone: &Option<crate::domain::phone::Phone>| {
        phone.as_ref().map(|phone| (phone.e164().to_owned(), phone.kind().word().to_owned())).unzip()
    };
    let (first_phone, first_phone_kind) = number(&reach.first_phone);
    let (second_phone, second_phone_kind) = number(&reach.second_phone);
    contacts::Model {
        id: id.to_string(),
        school: school.to_owned(),
        source_id: source_id.to_owned(),
        given_name: contact.given_name.clone(),
        family_name: contact.family_name.clone(),
        first_phone,
        first_phone_kind,
        second_phone,
        second_phone_kind,
        email: reach.email.as_ref().map(|email| email.as_str().to_owned()),
        language: reach.language.clone(),
        no_voice: reach.no_voice,
        prefers: reach.prefers.word().to_owned(),
        status: status.word().to_owned(),
        revision,
    }
}

fn link_row(
    school: &str,
    (pupil, contact): (PupilId, ContactId),
    link: &Link,
    status: Status,
) -> links::Model {
    let restriction = link.restriction.as_ref();
    links::Model {
        pupil_id: pupil.to_string(),
        contact_id: contact.to_string(),
        school: school.to_owned(),
        role: link.role.word().to_owned(),
        priority: i32::from(link.priority),
        responsibility: link.responsibility.word().to_owned(),
        lives_with: link.lives_with,
        emergency_only: link.emergency_only,
        bar: restriction.map(|restriction| restriction.bar.word().to_owned()),
        evidence: restriction.map(|restriction| restriction.evidence.clone()),
        bar_from: restriction.map(|restriction| restriction.from.to_string()),
        bar_until: restriction.and_then(|restriction| restriction.until).map(|until| until.to_string()),
        status: status.word().to_owned(),
    }
}

async fn put_rest(tx: &DatabaseTransaction, rows: &Rows) -> Result<(), Error> {
    put(tx, &rows.terms, [terms::Column::School, terms::Column::SourceId]).await?;
    put(tx, &rows.classes, [classes::Column::Id]).await?;
    put(tx, &rows.pupils, [pupils::Column::Id]).await?;
    put(tx, &rows.contacts, [contacts::Column::Id]).await?;
    put(tx, &rows.links, [links::Column::PupilId, links::Column::ContactId]).await?;
    Ok(())
}

/// Inserts rows, or brings the rows of the same key up to date.
async fn put<A, const KEYS: usize>(
    tx: &impl ConnectionTrait,
    rows: &[A],
    key: [<A::Entity as EntityTrait>::Column; KEYS],
) -> Result<(), Error>
where
    A: ActiveModelTrait + Clone,
{
    let names = key.map(|column| column.as_str());
    let others: Vec<_> = <A::Entity as EntityTrait>::Column::iter()
        .filter(|column| !names.contains(&column.as_str()))
        .map(IntoIden::into_iden)
        .collect();
    for rows in rows.chunks(ROWS) {
        let known = OnConflict::columns(key).update_columns(others.clone()).to_owned();
        <A::Entity as EntityTrait>::insert_many(rows.to_vec())
            .on_conflict(known)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}
