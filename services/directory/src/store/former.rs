//! Addresses that contacts under a restriction have given up, and what it takes to know of them.
//!
//! Rows are added with the change that gives an address up, and go with the decision that ends the
//! contact's last restriction. Both are guarded by the school's version, so that neither is decided
//! on what the other has just changed.

use std::collections::HashMap;

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::ids::{ContactId, PupilId, SchoolId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::rows::{barred_addresses, contacts, id, links};
use crate::domain::former::{Addresses, addresses_of};
use crate::domain::link::Restriction;
use crate::domain::present::Status;

/// What each contact of a school has given up and still bars.
pub async fn of_school(store: &Store, school: SchoolId) -> Result<HashMap<ContactId, Addresses>, Error> {
    let rows = barred_addresses::Entity::find()
        .filter(barred_addresses::Column::School.eq(school.to_string()))
        .all(store.read())
        .await?;
    let mut former: HashMap<ContactId, Addresses> = HashMap::new();
    for row in rows {
        former.entry(id(&row.contact_id)?).or_default().insert(row.address);
    }
    Ok(former)
}

/// The restrictions that stand on the links of a contact, also on those that were withdrawn.
pub async fn restrictions_of(
    store: &Store,
    contact: ContactId,
) -> Result<Vec<(PupilId, Restriction)>, Error> {
    let rows = links::Entity::find()
        .filter(links::Column::ContactId.eq(contact.to_string()))
        .filter(links::Column::Bar.is_not_null())
        .all(store.read())
        .await?;
    let mut restrictions = Vec::new();
    for row in &rows {
        if let Some(restriction) = row.link()?.restriction {
            restrictions.push((id(&row.pupil_id)?, restriction));
        }
    }
    Ok(restrictions)
}

/// The addresses of everybody at home but this contact. It reads the whole school, for the rare
/// case that a restricted contact gives an address up.
pub async fn of_others(store: &Store, school: SchoolId, contact: ContactId) -> Result<Addresses, Error> {
    let rows = contacts::Entity::find()
        .filter(contacts::Column::School.eq(school.to_string()))
        .filter(contacts::Column::Status.eq(Status::Active.word()))
        .filter(contacts::Column::Id.ne(contact.to_string()))
        .all(store.read())
        .await?;
    let mut addresses = Addresses::new();
    for row in &rows {
        addresses.extend(addresses_of(&row.contact()?.reach));
    }
    Ok(addresses)
}

/// Keeps addresses barred although their contact gives them up.
pub fn keep<'a>(
    store: &Store,
    commit: Commit,
    (school, contact): (SchoolId, ContactId),
    addresses: impl Iterator<Item = &'a String>,
    at: Timestamp,
) -> Commit {
    let sql = "INSERT INTO barred_addresses (contact_id, address, school, given_up_at) \
               VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    addresses.fold(commit, |commit, address| {
        let values = [
            contact.to_string().into(),
            address.clone().into(),
            school.to_string().into(),
            micros(at).into(),
        ];
        commit.execute(store.statement(sql, values))
    })
}

/// Forgets what a contact has given up when no restriction stands on any of its links any more.
pub fn forget_when_free(store: &Store, commit: Commit, contact: ContactId) -> Commit {
    let sql = "DELETE FROM barred_addresses WHERE contact_id = $1 AND NOT EXISTS \
               (SELECT 1 FROM links WHERE contact_id = $2 AND bar IS NOT NULL)";
    let contact = contact.to_string();
    commit.execute(store.statement(sql, [contact.clone().into(), contact.into()]))
}
