//! Rows into the domain's words and back. A row that does not read is corrupt, never guessed at.

use jiff::civil::Date;
use kit::Tenant;
use kit::clock::{from_micros, micros};
use kit::store::Error;
use proto::events::absences::Session;
use proto::events::scope::Scope;

use super::rows::closures;
use crate::domain::closure::{End, State};
use crate::domain::words::Words;
use crate::domain::{Closure, Part, SetAside};

const CORRUPT: Error = Error::Corrupt { what: "closure" };

/// The state of a closure that nobody has ended, as it is stored.
pub const DECLARED: &str = "declared";
const ENDED: &str = "ended";
/// A day that was set aside and is not any more.
pub const NOT_SET: &str = "none";

pub fn session_text(session: Session) -> &'static str {
    match session {
        Session::Morning => "morning",
        Session::Afternoon => "afternoon",
    }
}

fn session(text: &str) -> Option<Session> {
    match text {
        "morning" => Some(Session::Morning),
        "afternoon" => Some(Session::Afternoon),
        _ => None,
    }
}

pub fn set_aside_text(set_aside: Option<SetAside>) -> &'static str {
    match set_aside {
        Some(SetAside::Inset) => "inset",
        Some(SetAside::Occasional) => "occasional",
        None => NOT_SET,
    }
}

pub fn set_aside(date: &str, kind: &str) -> Result<(Date, SetAside), Error> {
    let corrupt = || Error::Corrupt { what: "day that was set aside" };
    let kind = match kind {
        "inset" => SetAside::Inset,
        "occasional" => SetAside::Occasional,
        _ => return Err(corrupt()),
    };
    Ok((date.parse().map_err(|_| corrupt())?, kind))
}

pub fn version(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

pub fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

pub fn state_text(state: &State) -> &'static str {
    match state {
        State::Declared => DECLARED,
        State::Ended(_) => ENDED,
    }
}

/// How a closure ended, if it has.
pub fn end(state: State) -> Option<End> {
    match state {
        State::Declared => None,
        State::Ended(end) => Some(end),
    }
}

pub fn scope_text(part: &Part) -> Result<String, Error> {
    serde_json::to_string(&part.scope()).map_err(|_| CORRUPT)
}

pub fn school(row: &closures::Model) -> Result<Tenant, Error> {
    row.school.parse().map_err(|_| CORRUPT)
}

pub fn closure(row: &closures::Model) -> Result<Closure, Error> {
    let date = |text: &str| text.parse::<Date>().map_err(|_| CORRUPT);
    let scope: Scope = serde_json::from_str(&row.scope).map_err(|_| CORRUPT)?;
    let state = match (row.state.as_str(), row.ended_at, &row.open_on, &row.not_closed_from) {
        (DECLARED, None, None, None) => State::Declared,
        (ENDED, Some(at), Some(open_on), Some(not_closed_from)) => State::Ended(End {
            at: from_micros(at),
            open_on: date(open_on)?,
            not_closed_from: date(not_closed_from)?,
        }),
        _ => return Err(CORRUPT),
    };
    Ok(Closure {
        id: row.id.parse().map_err(|_| CORRUPT)?,
        part: Part::of(scope).map_err(|_| CORRUPT)?,
        first_day: date(&row.first_day)?,
        from: session(&row.from_session).ok_or(CORRUPT)?,
        last_day: date(&row.last_day)?,
        words: Words { reason: row.reason.clone(), collection: row.collection.clone() },
        declared_at: from_micros(row.declared_at),
        version: version(row.version),
        state,
    })
}

/// An instant as it is stored.
pub fn ended_at(state: State) -> Option<i64> {
    end(state).map(|end| micros(end.at))
}
