//! What the store is asked. Whoever decides reads the session first: its version then guards all
//! that is read after it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::{from_micros, micros};
use kit::page::Page;
use kit::store::{Error, Store};
use proto::ids::{CaseId, ClassId, PupilId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde::{Deserialize, Serialize};

use super::convert::{self, is_open, session_text, version};
use super::rows::{cases, entries, registers, sessions};
use crate::domain::{Case, Line, Phase, Sitting};

/// Entries and cases are two reads; a commit between them tears a line, which is then read again.
const READS: usize = 8;

/// What a close had to say; kept to be said again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Closed {
    /// Pupils whose contacts were told.
    pub announced: i32,
    /// Pupils whose absence became a person's task.
    pub person_only: i32,
    /// Ids of the classes that had no register.
    pub classes_without_register: Vec<String>,
    /// Ids of the pupils of the other classes who had no mark.
    pub pupils_without_mark: Vec<String>,
}

/// How far a session is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionRecord {
    /// 0 when nothing is stored of it.
    pub version: u64,
    /// When and how it was closed.
    pub closed: Option<(Timestamp, Closed)>,
}

impl SessionRecord {
    /// Before or after the school-wide close.
    pub fn phase(&self) -> Phase {
        if self.closed.is_some() { Phase::Closed } else { Phase::Open }
    }
}

/// A session whose time to be closed has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub school: Tenant,
    /// Which.
    pub sitting: Sitting,
    /// When its register was to close.
    pub closes_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

impl Due {
    /// When the clock is to close it.
    pub fn at(&self, when: CloseAt) -> Timestamp {
        match when {
            CloseAt::RegisterTime => self.closes_at,
            CloseAt::SessionEnd => self.ends_at,
        }
    }
}

/// When a session is closed that nobody closed by command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseAt {
    /// At the time of the register.
    RegisterTime,
    /// At its end, when nobody can be told by message any more.
    SessionEnd,
}

/// The session as it stands.
pub async fn session(store: &Store, school: Tenant, sitting: Sitting) -> Result<SessionRecord, Error> {
    let key = (school.to_string(), sitting.date.to_string(), session_text(sitting.session).to_owned());
    let Some(row) = sessions::Entity::find_by_id(key).one(store.read()).await? else {
        return Ok(SessionRecord::default());
    };
    let closed = match row.closed_at {
        None => None,
        Some(at) => {
            let text = row.closing.unwrap_or_default();
            let closed =
                serde_json::from_str(&text).map_err(|_| Error::Corrupt { what: "closing of a session" })?;
            Some((from_micros(at), closed))
        }
    };
    Ok(SessionRecord { version: version(row.version), closed })
}

/// The classes whose register was posted, each with its version.
pub async fn registers(
    store: &Store,
    school: Tenant,
    sitting: Sitting,
) -> Result<BTreeMap<ClassId, u64>, Error> {
    let rows = registers::Entity::find()
        .filter(registers::Column::School.eq(school.to_string()))
        .filter(registers::Column::Date.eq(sitting.date.to_string()))
        .filter(registers::Column::Session.eq(session_text(sitting.session)))
        .all(store.read())
        .await?;
    rows.into_iter()
        .map(|row| {
            let class_id = row.class_id.parse().map_err(|_| Error::Corrupt { what: "register" })?;
            Ok((class_id, version(row.version)))
        })
        .collect()
}

/// Whose lines are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Of the whole school.
    Everybodys,
    /// Of these pupils.
    Pupils(&'a BTreeSet<PupilId>),
}

/// The lines of a session that something stands in.
pub async fn lines(
    store: &Store,
    school: Tenant,
    sitting: Sitting,
    whose: Whose<'_>,
) -> Result<BTreeMap<PupilId, Line>, Error> {
    let (mut entries, mut cases) = in_session(school, sitting);
    if let Whose::Pupils(pupils) = whose {
        let pupils: Vec<String> = pupils.iter().map(ToString::to_string).collect();
        entries = entries.filter(entries::Column::PupilId.is_in(pupils.clone()));
        cases = cases.filter(cases::Column::PupilId.is_in(pupils));
    }
    for _ in 0..READS {
        let entries = entries.clone().all(store.read()).await?;
        let cases = cases.clone().all(store.read()).await?;
        let lines = assemble(sitting, &entries, &cases)?;
        if lines.values().all(Line::is_whole) {
            return Ok(lines);
        }
    }
    Err(Error::Conflict)
}

/// One pupil's line, new when nothing stands in it.
pub async fn line(store: &Store, school: Tenant, sitting: Sitting, pupil_id: PupilId) -> Result<Line, Error> {
    let pupils = BTreeSet::from([pupil_id]);
    let mut lines = lines(store, school, sitting, Whose::Pupils(&pupils)).await?;
    Ok(lines.remove(&pupil_id).unwrap_or_else(|| Line::new(pupil_id, sitting)))
}

fn in_session(school: Tenant, sitting: Sitting) -> (Select<entries::Entity>, Select<cases::Entity>) {
    let (school, date, session) =
        (school.to_string(), sitting.date.to_string(), session_text(sitting.session));
    let entries = entries::Entity::find()
        .filter(entries::Column::School.eq(school.as_str()))
        .filter(entries::Column::Date.eq(date.as_str()))
        .filter(entries::Column::Session.eq(session));
    let cases = cases::Entity::find()
        .filter(cases::Column::School.eq(school))
        .filter(cases::Column::Date.eq(date))
        .filter(cases::Column::Session.eq(session));
    (entries, cases)
}

fn assemble(
    sitting: Sitting,
    entries: &[entries::Model],
    cases: &[cases::Model],
) -> Result<BTreeMap<PupilId, Line>, Error> {
    let mut lines = BTreeMap::new();
    for row in entries {
        let pupil_id = row.pupil_id.parse().map_err(|_| Error::Corrupt { what: "entry" })?;
        lines.insert(pupil_id, Line { entry: convert::entry(row)?, ..Line::new(pupil_id, sitting) });
    }
    for row in cases {
        let case = convert::case(row)?;
        let pupil_id = case.opening.pupil_id;
        lines.entry(pupil_id).or_insert_with(|| Line::new(pupil_id, sitting)).case = Some(case);
    }
    Ok(lines)
}

/// A case of this school.
pub async fn case(store: &Store, school: Tenant, id: CaseId) -> Result<Option<Case>, Error> {
    let row = cases::Entity::find()
        .filter(cases::Column::Id.eq(id.to_string()))
        .filter(cases::Column::School.eq(school.to_string()))
        .one(store.read())
        .await?;
    row.as_ref().map(convert::case).transpose()
}

/// A page of the open cases and one more, oldest first.
pub async fn open_cases(
    store: &Store,
    school: Tenant,
    date: Option<jiff::civil::Date>,
    page: &Page,
) -> Result<Vec<Case>, Error> {
    let mut found = cases::Entity::find()
        .filter(cases::Column::School.eq(school.to_string()))
        .filter(Expr::cust(is_open()));
    if let Some(date) = date {
        found = found.filter(cases::Column::Date.eq(date.to_string()));
    }
    if let Some(after) = &page.after {
        found = found.filter(cases::Column::Id.gt(after.as_str()));
    }
    let rows = found.order_by_asc(cases::Column::Id).limit(page.size + 1).all(store.read()).await?;
    rows.iter().map(convert::case).collect()
}

/// Sessions with a register whose time to be closed has come, oldest first.
pub async fn due(store: &Store, when: CloseAt, now: Timestamp) -> Result<Vec<Due>, Error> {
    let time = match when {
        CloseAt::RegisterTime => sessions::Column::ClosesAt,
        CloseAt::SessionEnd => sessions::Column::EndsAt,
    };
    let rows = sessions::Entity::find()
        .filter(sessions::Column::ClosedAt.is_null())
        .filter(sessions::Column::PostedAt.is_not_null())
        .filter(time.lte(micros(now)))
        .order_by_asc(sessions::Column::ClosesAt)
        .limit(100)
        .all(store.read())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Due {
                school: row.school.parse().map_err(|_| Error::Corrupt { what: "session" })?,
                sitting: convert::sitting(&row.date, &row.session)?,
                closes_at: from_micros(row.closes_at),
                ends_at: from_micros(row.ends_at),
            })
        })
        .collect()
}

/// Every school that has posted a register here.
pub async fn schools(store: &Store) -> Result<Vec<Tenant>, Error> {
    let schools: Vec<String> = sessions::Entity::find()
        .select_only()
        .column(sessions::Column::School)
        .filter(sessions::Column::PostedAt.is_not_null())
        .distinct()
        .into_tuple()
        .all(store.read())
        .await?;
    schools.iter().map(|school| school.parse().map_err(|_| Error::Corrupt { what: "session" })).collect()
}

/// The ids of classes with a register.
pub fn classes(registers: &BTreeMap<ClassId, u64>) -> BTreeSet<ClassId> {
    registers.keys().copied().collect()
}
