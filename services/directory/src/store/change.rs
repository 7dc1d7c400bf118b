//! What a person's decision writes: one link, one pupil or one contact, guarded by the revision that
//! it was decided on.

use kit::store::{Commit, Error, Kind, Store, Together};
use proto::ids::{ContactId, PupilId, SchoolId};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::former;
use super::rows::{contacts, links};
use super::write::contact_row;
use crate::domain::link::{Link, Restriction};
use crate::domain::present::{Status, Stored};
use crate::domain::roster::Contact;

/// A contact with its revision.
#[derive(Debug, Clone)]
pub struct StoredContact {
    /// Its id in the school's own system.
    pub source_id: String,
    /// What stands.
    pub stored: Stored<Contact>,
    /// Rises with every change of the contact or of one of its links.
    pub revision: i64,
}

/// A link, whether or not it is still on roll: a restriction can be ended for somebody who has left.
pub async fn link_of(
    store: &Store,
    school: SchoolId,
    (pupil, contact): (PupilId, ContactId),
) -> Result<Option<Link>, Error> {
    let key = (pupil.to_string(), contact.to_string());
    let row = links::Entity::find_by_id(key).one(store.read()).await?;
    let row = row.filter(|row| row.school == school.to_string());
    row.map(|row| row.link()).transpose()
}

static PERSON_ONLY: Together = Together::new(
    "SELECT j.place, schools.version, pupils.id, pupils.person_only, pupils.revision FROM {{rows}} \
     CROSS JOIN schools LEFT JOIN pupils ON pupils.id = j.pupil AND pupils.school = schools.id \
     WHERE schools.id = j.school",
    &[("school", Kind::Text), ("pupil", Kind::Text)],
);

/// What stands about automation for a pupil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automation {
    /// Why it does not run.
    pub person_only: Option<String>,
    /// The pupil's revision.
    pub revision: i64,
}

/// The version of the school, once something has been imported, and what stands about automation for
/// one of its pupils.
pub async fn automation_of(
    store: &Store,
    school: SchoolId,
    pupil: PupilId,
) -> Result<Option<(i64, Option<Automation>)>, Error> {
    let values = [school.to_string().into(), pupil.to_string().into()];
    let rows = store.ask(&PERSON_ONLY, values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (version, pupil) = (row.try_get_by_index(1)?, row.try_get_by_index::<Option<String>>(2)?);
    let automation = match pupil {
        None => None,
        Some(_) => {
            Some(Automation { person_only: row.try_get_by_index(3)?, revision: row.try_get_by_index(4)? })
        }
    };
    Ok(Some((version, automation)))
}

/// A contact of the school, also one who is no longer linked to anybody.
pub async fn contact_of(
    store: &Store,
    school: SchoolId,
    contact: ContactId,
) -> Result<Option<StoredContact>, Error> {
    let row = contacts::Entity::find_by_id(contact.to_string()).one(store.read()).await?;
    let Some(row) = row.filter(|row| row.school == school.to_string()) else { return Ok(None) };
    let status = super::rows::read("status", Status::of_word(&row.status))?;
    let stored = Stored { status, value: row.contact()? };
    Ok(Some(StoredContact { source_id: row.source_id, stored, revision: row.revision }))
}

static STANDING: Together = Together::new(
    "UPDATE links SET role = j.role, responsibility = j.responsibility, emergency_only = j.emergency_only \
     FROM {{rows}} WHERE links.pupil_id = j.pupil AND links.contact_id = j.contact",
    &[
        ("role", Kind::Text),
        ("responsibility", Kind::Text),
        ("emergency_only", Kind::Flag),
        ("pupil", Kind::Text),
        ("contact", Kind::Text),
    ],
);

/// Writes what a contact is to a pupil, and raises the contact's revision.
pub fn set_standing(commit: Commit, (pupil, contact): (PupilId, ContactId), after: &Link) -> Commit {
    let values = [
        after.role.word().into(),
        after.responsibility.word().into(),
        after.emergency_only.into(),
        pupil.to_string().into(),
        contact.to_string().into(),
    ];
    raise_revision(commit.row(&STANDING, values), contact)
}

static REVISION: Together = Together::new(
    "UPDATE contacts SET revision = contacts.revision + 1 FROM {{rows}} WHERE contacts.id = j.id",
    &[("id", Kind::Text)],
);

fn raise_revision(commit: Commit, contact: ContactId) -> Commit {
    commit.row(&REVISION, [contact.to_string().into()])
}

/// Puts a restriction on a link, or ends it, and raises its contact's revision. With the last one that
/// stood, what the contact has given up meanwhile bars nobody any more.
pub fn set_restriction(
    store: &Store,
    commit: Commit,
    (pupil, contact): (PupilId, ContactId),
    after: Option<&Restriction>,
) -> Commit {
    let text = |value: Option<String>| sea_orm::Value::from(value);
    let values = [
        text(after.map(|restriction| restriction.bar.word().to_owned())),
        text(after.map(|restriction| restriction.evidence.clone())),
        text(after.map(|restriction| restriction.from.to_string())),
        text(after.and_then(|restriction| restriction.until).map(|until| until.to_string())),
        pupil.to_string().into(),
        contact.to_string().into(),
    ];
    let sql = "UPDATE links SET bar = $1, evidence = $2, bar_from = $3, bar_until = $4 \
               WHERE pupil_id = $5 AND contact_id = $6";
    let commit = commit.guarded(store.statement(sql, values));
    raise_revision(former::forget_when_free(store, commit, contact), contact)
}

static SET_PERSON_ONLY: Together = Together::new(
    "UPDATE pupils SET person_only = j.reason, revision = pupils.revision + 1 FROM {{rows}} \
     WHERE pupils.id = j.id",
    &[("reason", Kind::Text), ("id", Kind::Text)],
);

/// Starts or ends "person only".
pub fn set_person_only(commit: Commit, pupil: PupilId, after: Option<&str>) -> Commit {
    commit.row(&SET_PERSON_ONLY, [after.into(), pupil.to_string().into()])
}

/// Writes a contact as it stands from now on.
pub fn put_contact(
    commit: Commit,
    (school, contact): (SchoolId, ContactId),
    before: &StoredContact,
    after: &Contact,
) -> Commit {
    let key = school.to_string();
    let row =
        contact_row((&key, &before.source_id), (contact, before.revision + 1), after, before.stored.status);
    commit.work(move |tx| {
        let row = row.clone().into_active_model().reset_all();
        Box::pin(async move {
            contacts::Entity::update(row).exec(tx).await?;
            Ok(())
        })
    })
}
