//! What a person's decision writes: one link, one pupil or one contact, guarded by the revision that
//! it was decided on.

use kit::store::{Commit, Error, Store};
use proto::ids::{ContactId, PupilId, SchoolId};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::decisions::Decision;
use super::former;
use super::rows::{contacts, decisions, links, pupils};
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

/// Why automation does not run about a pupil, and the pupil's revision.
pub async fn person_only_of(
    store: &Store,
    school: SchoolId,
    pupil: PupilId,
) -> Result<Option<(Option<String>, i64)>, Error> {
    let row = pupils::Entity::find_by_id(pupil.to_string()).one(store.read()).await?;
    let row = row.filter(|row| row.school == school.to_string());
    Ok(row.map(|row| (row.person_only, row.revision)))
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

/// Writes what a contact is to a pupil, and raises the contact's revision.
pub fn set_standing(
    store: &Store,
    commit: Commit,
    (pupil, contact): (PupilId, ContactId),
    after: &Link,
) -> Commit {
    let values = [
        after.role.word().into(),
        after.responsibility.word().into(),
        after.emergency_only.into(),
        pupil.to_string().into(),
        contact.to_string().into(),
    ];
    let sql = "UPDATE links SET role = $1, responsibility = $2, emergency_only = $3 \
               WHERE pupil_id = $4 AND contact_id = $5";
    raise_revision(store, commit.guarded(store.statement(sql, values)), contact)
}

fn raise_revision(store: &Store, commit: Commit, contact: ContactId) -> Commit {
    let sql = "UPDATE contacts SET revision = revision + 1 WHERE id = $1";
    commit.guarded(store.statement(sql, [contact.to_string().into()]))
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
    raise_revision(store, former::forget_when_free(store, commit, contact), contact)
}

/// Starts or ends "person only".
pub fn set_person_only(store: &Store, commit: Commit, pupil: PupilId, after: Option<&str>) -> Commit {
    let sql = "UPDATE pupils SET person_only = $1, revision = revision + 1 WHERE id = $2";
    let values = [after.map(str::to_owned).into(), pupil.to_string().into()];
    commit.guarded(store.statement(sql, values))
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

/// Keeps a decision with its evidence.
pub fn decided(commit: Commit, decision: Decision) -> Commit {
    let row = decision.row();
    commit.work(move |tx| {
        let row = row.clone();
        Box::pin(async move {
            decisions::Entity::insert(row).exec_without_returning(tx).await?;
            Ok(())
        })
    })
}
