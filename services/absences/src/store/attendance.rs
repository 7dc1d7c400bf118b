//! What stands of one pupil over weeks, and how the marks of a day came about.

use jiff::Timestamp;
use jiff::civil::Date;
use kit::Tenant;
use kit::clock::from_micros;
use kit::store::{Error, Store};
use proto::events::absences::Session;
use proto::ids::PupilId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::convert;
use super::rows::{entries, entry_changes};
use crate::domain::{Code, Sitting};

/// What stands of a pupil for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// Which.
    pub sitting: Sitting,
    /// What is known: a reason, an arrival or a closure before the mark that asked for one.
    pub code: Code,
}

/// One of the changes of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Of which session.
    pub session: Session,
    /// To what.
    pub code: Code,
}

/// A pupil's marks of these days, both inclusive, the newest first.
pub async fn marks(
    store: &Store,
    (school, pupil): (Tenant, PupilId),
    (since, until): (Date, Date),
) -> Result<Vec<Marked>, Error> {
    let rows = entries::Entity::find()
        .filter(entries::Column::PupilId.eq(pupil.to_string()))
        .filter(entries::Column::School.eq(school.to_string()))
        .filter(entries::Column::Date.between(since.to_string(), until.to_string()))
        .order_by_desc(entries::Column::Date)
        // The afternoon, which is the later one, before the morning.
        .order_by_asc(entries::Column::Session)
        .all(store.read())
        .await?;
    let mut marks = Vec::new();
    for row in rows {
        let sitting = convert::sitting(&row.date, &row.session)?;
        let code = convert::standing(&convert::entry(&row)?);
        marks.extend(code.map(|code| Marked { sitting, code }));
    }
    Ok(marks)
}

/// How a pupil's marks of a day came about, the oldest change first.
pub async fn changes_of(
    store: &Store,
    (school, pupil): (Tenant, PupilId),
    date: Date,
) -> Result<Vec<Change>, Error> {
    let rows = entry_changes::Entity::find()
        .filter(entry_changes::Column::School.eq(school.to_string()))
        .filter(entry_changes::Column::Date.eq(date.to_string()))
        .filter(entry_changes::Column::PupilId.eq(pupil.to_string()))
        .order_by_asc(entry_changes::Column::Id)
        .all(store.read())
        .await?;
    let mut changes = Vec::new();
    for row in rows {
        let Sitting { session, .. } = convert::sitting(&row.date, &row.session)?;
        let (mark, known) = (row.code_after.as_deref(), row.known_code_after.as_deref());
        let code = convert::counting(mark.and_then(convert::code), known.and_then(convert::code));
        changes.extend(code.map(|code| Change { at: from_micros(row.at), session, code }));
    }
    Ok(changes)
}
