//! The school itself, and which day it is there.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use proto::ids::SchoolId;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement};

use super::rows::{read, schools, terms};
use super::write::TIME_ZONE;
use crate::domain::present::Status;
use crate::domain::roster::{School, Term};

/// A school as it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Rises with every change of anything of the school.
    pub version: i64,
    /// What it says of itself.
    pub school: School,
    /// IANA name.
    pub time_zone: String,
    zone: TimeZone,
}

impl Standing {
    /// The school's day at this instant.
    pub fn day(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone.clone()).date()
    }
}

/// The school, once something has been imported.
pub async fn find(store: &Store, school: SchoolId) -> Result<Option<Standing>, Error> {
    let row = schools::Entity::find_by_id(school.to_string()).one(store.read()).await?;
    let Some(row) = row else { return Ok(None) };
    let (version, school) = (row.version, row.school()?);
    let zone = read("time zone", TimeZone::get(&row.time_zone).ok())?;
    Ok(Some(Standing { version, school, time_zone: row.time_zone, zone }))
}

/// The school's day at this instant, also before its first import.
pub async fn today(store: &Store, school: SchoolId, now: Timestamp) -> Result<Date, Error> {
    if let Some(standing) = find(store, school).await? {
        return Ok(standing.day(now));
    }
    let zone = read("time zone", TimeZone::get(TIME_ZONE).ok())?;
    Ok(now.to_zoned(zone).date())
}

/// A roster was loaded.
pub fn imported(store: &Store, school: SchoolId, at: Timestamp) -> Statement {
    let sql = "INSERT INTO imports (school, at) VALUES ($1, $2) ON CONFLICT (school) DO UPDATE SET at = excluded.at";
    store.statement(sql, [school.to_string().into(), micros(at).into()])
}

/// When one was loaded last.
pub async fn imported_at(store: &Store, school: SchoolId) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT at FROM imports WHERE school = $1";
    let row = store.read().query_one_raw(store.statement(sql, [school.to_string().into()])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.map(from_micros))
}

/// Its terms, the first one first.
pub async fn terms_of(store: &Store, school: SchoolId) -> Result<Vec<Term>, Error> {
    let rows = terms::Entity::find()
        .filter(terms::Column::School.eq(school.to_string()))
        .filter(terms::Column::Status.eq(Status::Active.word()))
        .order_by_asc(terms::Column::FirstDay)
        .all(store.read())
        .await?;
    rows.iter().map(terms::Model::term).collect()
}

/// Whether an org of the school's own system is another school already.
pub async fn is_taken(store: &Store, source_id: &str, school: SchoolId) -> Result<bool, Error> {
    let other = schools::Entity::find()
        .filter(schools::Column::SourceId.eq(source_id))
        .filter(schools::Column::Id.ne(school.to_string()))
        .one(store.read())
        .await?;
    Ok(other.is_some())
}
