//! What the words need of a school, as the directory said it last. Senders keep it, and read it when
//! the directory is away and this process has never asked.

use jiff::tz::TimeZone;
use kit::store::{Commit, Error, Store};
use proto::ids::SchoolId;
use sea_orm::ConnectionTrait;

use crate::directory::School;

/// Keeps what was said.
pub async fn keep(store: &Store, id: SchoolId, school: &School) -> Result<(), Error> {
    let Some(zone) = school.zone.iana_name() else { return Ok(()) };
    let sql = "INSERT INTO schools (school, name, phone, time_zone) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (school) DO UPDATE SET name = excluded.name, phone = excluded.phone, time_zone = excluded.time_zone";
    let values =
        [id.to_string().into(), school.name.clone().into(), school.phone.clone().into(), zone.into()];
    store.commit(Commit::new().execute(store.statement(sql, values))).await.map(|_| ())
}

/// What was said last; none when nothing ever was.
pub async fn known(store: &Store, id: SchoolId) -> Result<Option<School>, Error> {
    let sql = "SELECT name, phone, time_zone FROM schools WHERE school = $1";
    let row = store.read().query_one_raw(store.statement(sql, [id.to_string().into()])).await?;
    let Some(row) = row else { return Ok(None) };
    let zone: String = row.try_get("", "time_zone")?;
    let zone = TimeZone::get(&zone).map_err(|_| Error::Corrupt { what: "time zone of a school" })?;
    Ok(Some(School { name: row.try_get("", "name")?, phone: row.try_get("", "phone")?, zone }))
}
