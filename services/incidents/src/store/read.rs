//! What the store is asked: accidents with the account that stands. One statement reads both, so
//! that a commit in between cannot tear them.

use kit::Tenant;
use kit::page::Page;
use kit::store::{Error, Store};
use proto::ids::{AccidentId, PupilId};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select, SelectTwo};

use super::convert;
use super::rows::{accidents, accounts};
use crate::domain::Accident;

/// An accident of this school.
pub async fn accident(store: &Store, school: Tenant, id: AccidentId) -> Result<Option<Accident>, Error> {
    let found = of(school).filter(accidents::Column::Id.eq(id.to_string()));
    let row = with_standing_account(found).one(store.read()).await?;
    row.map(read).transpose()
}

/// A page of the accidents and one more, newest first.
pub async fn accidents(
    store: &Store,
    school: Tenant,
    pupil_id: Option<PupilId>,
    page: &Page,
) -> Result<Vec<Accident>, Error> {
    let mut found = of(school);
    if let Some(pupil_id) = pupil_id {
        found = found.filter(accidents::Column::PupilId.eq(pupil_id.to_string()));
    }
    if let Some(after) = &page.after {
        found = found.filter(accidents::Column::Id.lt(after.as_str()));
    }
    let found = found.order_by_desc(accidents::Column::Id).limit(page.size + 1);
    let rows = with_standing_account(found).all(store.read()).await?;
    rows.into_iter().map(read).collect()
}

fn of(school: Tenant) -> Select<accidents::Entity> {
    accidents::Entity::find().filter(accidents::Column::School.eq(school.to_string()))
}

fn with_standing_account(found: Select<accidents::Entity>) -> SelectTwo<accidents::Entity, accounts::Entity> {
    let standing = accidents::Entity::belongs_to(accounts::Entity)
        .from((accidents::Column::Id, accidents::Column::Version))
        .to((accounts::Column::AccidentId, accounts::Column::Version))
        .into();
    found.join(JoinType::InnerJoin, standing).select_also(accounts::Entity)
}

fn read((accident, account): (accidents::Model, Option<accounts::Model>)) -> Result<Accident, Error> {
    let account = account.ok_or(Error::Corrupt { what: "account of an accident" })?;
    convert::accident(&accident, &account)
}
