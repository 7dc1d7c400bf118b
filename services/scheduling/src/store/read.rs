//! What the store is asked. Whoever decides reads the school first: its version then guards all
//! that is read after it.

use jiff::civil::{Date, date};
use kit::Tenant;
use kit::page::Page;
use kit::store::{Error, Store};
use proto::ids::ClosureId;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::convert::{self, DECLARED, NOT_SET, version};
use super::rows::{closures, schools, set_asides};
use crate::domain::{Closure, Part, SetAsides};

/// How many closures a calendar carries.
const MOST_IN_A_CALENDAR: u64 = 500;

/// What is known of a school; all 0 when nothing is stored of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SchoolRecord {
    /// Rises with every decision about its days and closures.
    pub version: u64,
    /// The version of the calendar that was said last.
    pub calendar_version: u64,
    /// The version of the description that was heard last.
    pub described_version: u64,
}

/// Days, both inclusive; none is open on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// The first.
    pub first: Option<Date>,
    /// The last.
    pub last: Option<Date>,
}

/// A closure whose last day has passed, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Of which school.
    pub school: Tenant,
    /// The closure.
    pub closure: Closure,
}

/// The school as it stands.
pub async fn school(store: &Store, school: Tenant) -> Result<SchoolRecord, Error> {
    let row = schools::Entity::find_by_id(school.to_string()).one(store.read()).await?;
    Ok(row.map_or_else(SchoolRecord::default, |row| SchoolRecord {
        version: version(row.version),
        calendar_version: version(row.calendar_version),
        described_version: version(row.described_version),
    }))
}

/// Every day that a school has set aside: a few for each year.
pub async fn set_asides(store: &Store, school: Tenant) -> Result<SetAsides, Error> {
    let rows = set_asides::Entity::find()
        .filter(set_asides::Column::School.eq(school.to_string()))
        .filter(set_asides::Column::Kind.ne(NOT_SET))
        .all(store.read())
        .await?;
    rows.iter().map(|row| convert::set_aside(&row.date, &row.kind)).collect()
}

/// A closure of this school.
pub async fn closure(store: &Store, school: Tenant, id: ClosureId) -> Result<Option<Closure>, Error> {
    let row = of(school).filter(closures::Column::Id.eq(id.to_string())).one(store.read()).await?;
    row.as_ref().map(convert::closure).transpose()
}

/// The closures that nobody has ended.
pub async fn declared(store: &Store, school: Tenant) -> Result<Vec<Closure>, Error> {
    read(of(school).filter(closures::Column::State.eq(DECLARED)), store).await
}

/// The closures that close one of these days, whatever their state, in the order in which they
/// were declared.
pub async fn closing(store: &Store, school: Tenant, days: Days) -> Result<Vec<Closure>, Error> {
    let found = closing_one_of(of(school), days).order_by_asc(closures::Column::Id);
    read(found.limit(MOST_IN_A_CALENDAR), store).await
}

/// The closures of the whole school that close a day from this one on, whatever their state.
pub async fn closing_everybody(store: &Store, school: Tenant, from: Date) -> Result<Vec<Closure>, Error> {
    let days = Days { first: Some(from), last: None };
    let everybody = closures::Column::Scope.eq(convert::scope_text(&Part::WholeSchool)?);
    read(closing_one_of(of(school), days).filter(everybody), store).await
}

fn closing_one_of(found: Select<closures::Entity>, days: Days) -> Select<closures::Entity> {
    let open_from = Expr::col(closures::Column::NotClosedFrom);
    let mut not_yet_open = open_from.clone().gt(Expr::col(closures::Column::FirstDay));
    if let Some(first) = days.first {
        not_yet_open = not_yet_open.and(open_from.clone().gt(text(first)));
    }
    touching(found, days).filter(Condition::any().add(open_from.is_null()).add(not_yet_open))
}

/// A page of the closures that were said of these days, and one more, in the order in which they
/// were declared.
pub async fn closures(store: &Store, school: Tenant, days: Days, page: &Page) -> Result<Vec<Closure>, Error> {
    let mut found = touching(of(school), days);
    if let Some(after) = &page.after {
        found = found.filter(closures::Column::Id.gt(after.as_str()));
    }
    read(found.order_by_asc(closures::Column::Id).limit(page.size + 1), store).await
}

/// Closures of any school that nobody has ended, whose last day comes before one, and after which
/// nobody has been asked.
pub async fn passed(store: &Store, before: Date) -> Result<Vec<Passed>, Error> {
    let asked_for = Expr::col(closures::Column::AskedFor);
    let not_asked = asked_for.clone().is_null().or(asked_for.ne(Expr::col(closures::Column::LastDay)));
    let rows = closures::Entity::find()
        // Spelt out as in their index: a database does not use that for a bound value.
        .filter(Expr::cust(format!("state = '{DECLARED}'")))
        .filter(closures::Column::LastDay.lt(text(before)))
        .filter(not_asked)
        .order_by_asc(closures::Column::LastDay)
        .all(store.read())
        .await?;
    rows.iter()
        .map(|row| Ok(Passed { school: convert::school(row)?, closure: convert::closure(row)? }))
        .collect()
}

fn of(school: Tenant) -> Select<closures::Entity> {
    closures::Entity::find().filter(closures::Column::School.eq(school.to_string()))
}

fn touching(mut found: Select<closures::Entity>, days: Days) -> Select<closures::Entity> {
    if let Some(first) = days.first {
        found = found.filter(closures::Column::LastDay.gte(text(first)));
    }
    if let Some(last) = days.last {
        found = found.filter(closures::Column::FirstDay.lte(text(last)));
    }
    found
}

async fn read(found: Select<closures::Entity>, store: &Store) -> Result<Vec<Closure>, Error> {
    found.all(store.read()).await?.iter().map(convert::closure).collect()
}

/// A day as it is stored. Years before the first are written with a sign, and would sort as if they
/// came after; nothing is stored of them.
fn text(day: Date) -> String {
    day.max(date(1, 1, 1)).to_string()
}
