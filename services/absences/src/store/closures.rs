//! Closures of the school, as far as they were heard, and the sessions in which one of them may have
//! ended a case.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use kit::Tenant;
use kit::store::{Commit, Error, Store};
use sea_orm::FromQueryResult;

use super::convert::{self, is_open, stored_version};
use crate::domain::Sitting;

/// The days of a closure.
pub type Days = RangeInclusive<Date>;

/// Writes down what was heard of a closure: its days, or that it has ended. Older news than what
/// stands changes nothing.
pub fn hear(store: &Store, school: Tenant, (id, version): (&str, u64), days: Option<Days>) -> Commit {
    let (first_day, last_day) = days.map(|days| (days.start().to_string(), days.end().to_string())).unzip();
    Commit::new().execute(store.statement(
        "INSERT INTO closures (id, school, first_day, last_day, version) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET first_day = excluded.first_day, last_day = excluded.last_day, \
         version = excluded.version \
         WHERE closures.version < excluded.version AND closures.school = excluded.school",
        [
            id.into(),
            school.to_string().into(),
            first_day.into(),
            last_day.into(),
            stored_version(version).into(),
        ],
    ))
}

#[derive(Debug, FromQueryResult)]
struct Found {
    school: String,
    date: String,
    session: String,
}

/// The sessions with open cases on a day of a closure that had not ended by `since`, by school.
pub async fn sessions_with_cases(
    store: &Store,
    since: Date,
) -> Result<BTreeMap<Tenant, Vec<Sitting>>, Error> {
    let sql = format!(
        "SELECT DISTINCT cases.school, cases.date, cases.session FROM cases \
         JOIN closures ON closures.school = cases.school \
         AND cases.date >= closures.first_day AND cases.date <= closures.last_day \
         WHERE {} AND closures.last_day >= $1 ORDER BY 1, 2, 3",
        is_open()
    );
    let found = Found::find_by_statement(store.statement(&sql, [since.to_string().into()]));
    let mut sessions: BTreeMap<Tenant, Vec<Sitting>> = BTreeMap::new();
    for row in found.all(store.read()).await? {
        let school = row.school.parse().map_err(|_| Error::Corrupt { what: "case" })?;
        sessions.entry(school).or_default().push(convert::sitting(&row.date, &row.session)?);
    }
    Ok(sessions)
}
