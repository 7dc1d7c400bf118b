//! Rows into the domain's words and back. A row that does not read is corrupt, never guessed at.

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::{from_micros, micros};
use kit::store::Error;
use proto::events::absences::Session;

use super::rows::{cases, entries};
use crate::domain::case::{Opening, State};
use crate::domain::codes::Class;
use crate::domain::route::Because;
use crate::domain::{Case, Code, Entry, Known, Sitting};

const CORRUPT_ENTRY: Error = Error::Corrupt { what: "entry" };
const CORRUPT_CASE: Error = Error::Corrupt { what: "case" };

/// The states in which a case is open, as they are stored.
pub const OPEN_STATES: [&str; 3] = ["waiting", "announced", "person"];

/// Spelt out as in the index of the open ones: a database does not use that for bound values.
pub fn is_open() -> String {
    format!("cases.state IN ({})", OPEN_STATES.map(|state| format!("'{state}'")).join(", "))
}

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

pub fn sitting(date: &str, session_text: &str) -> Result<Sitting, Error> {
    let corrupt = Error::Corrupt { what: "session" };
    match (date.parse(), session(session_text)) {
        (Ok(date), Some(session)) => Ok(Sitting { date, session }),
        (Err(_), _) | (_, None) => Err(corrupt),
    }
}

pub fn version(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

pub fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

pub fn code(text: &str) -> Option<Code> {
    Code::read(text).ok()
}

pub fn known_texts(known: Known) -> (&'static str, Option<&'static str>) {
    match known {
        Known::Nothing => ("nothing", None),
        Known::Reason(code) => ("reason", Some(code.text())),
        Known::Arrived(code) => ("arrived", Some(code.text())),
        Known::Closed(code) => ("closed", Some(code.text())),
    }
}

pub fn entry(row: &entries::Model) -> Result<Entry, Error> {
    let known_code = row.known_code.as_deref().and_then(code);
    let known = match (row.known.as_str(), known_code) {
        ("nothing", None) => Known::Nothing,
        ("reason", Some(code)) => Known::Reason(code),
        ("arrived", Some(code)) => Known::Arrived(code),
        ("closed", Some(code)) => Known::Closed(code),
        _ => return Err(CORRUPT_ENTRY),
    };
    let class_id = row.class_id.as_deref().map(str::parse).transpose().map_err(|_| CORRUPT_ENTRY)?;
    let mark = row.code.as_deref().map(|text| code(text).ok_or(CORRUPT_ENTRY)).transpose()?;
    Ok(Entry { class_id, code: mark, known, note: row.note.clone(), version: version(row.version) })
}

/// The code that counts: a child who is in school is present, whatever was known before; else a reason stands for the
/// mark that asked for one.
pub fn standing(entry: &Entry) -> Option<Code> {
    let known = match entry.known {
        Known::Nothing => None,
        Known::Reason(code) | Known::Arrived(code) | Known::Closed(code) => Some(code),
    };
    counting(entry.code, known)
}

/// The same of a mark and of what is known beside it.
pub fn counting(mark: Option<Code>, known: Option<Code>) -> Option<Code> {
    mark.filter(|code| code.class() == Class::Present).or(known).or(mark)
}

pub fn case(row: &cases::Model) -> Result<Case, Error> {
    let (at, told_at) = (from_micros(row.state_at), row.told_at.map(from_micros));
    let because = row.because.as_deref().and_then(because);
    let state = match (row.state.as_str(), row.code.as_deref().and_then(code), because) {
        ("waiting", None, None) => State::Waiting,
        ("announced", None, None) => State::Announced { at },
        ("person", None, Some(because)) => State::Person { because, at },
        ("explained", Some(code), None) => State::Explained { code, at, told_at },
        ("arrived", None, None) => State::Arrived { at, told_at },
        ("withdrawn", None, None) => State::Withdrawn { at },
        ("school_closed", None, None) => State::SchoolClosed { at, told_at },
        _ => return Err(CORRUPT_CASE),
    };
    let opening = Opening {
        id: row.id.parse().map_err(|_| CORRUPT_CASE)?,
        pupil_id: row.pupil_id.parse().map_err(|_| CORRUPT_CASE)?,
        sitting: sitting(&row.date, &row.session)?,
        ends_at: from_micros(row.ends_at),
    };
    Ok(Case { opening, opened_at: from_micros(row.opened_at), version: version(row.version), state })
}

pub fn case_row(school: Tenant, case: &Case) -> cases::Model {
    let row = |state: &str, at: Timestamp| cases::Model {
        school: school.to_string(),
        date: case.opening.sitting.date.to_string(),
        session: session_text(case.opening.sitting.session).to_owned(),
        pupil_id: case.opening.pupil_id.to_string(),
        id: case.opening.id.to_string(),
        ends_at: micros(case.opening.ends_at),
        opened_at: micros(case.opened_at),
        state: state.to_owned(),
        state_at: micros(at),
        told_at: case.told_at().map(micros),
        code: None,
        because: None,
        version: stored_version(case.version),
    };
    match case.state {
        State::Waiting => row("waiting", case.opened_at),
        State::Announced { at } => row("announced", at),
        State::Person { because, at } => {
            cases::Model { because: Some(because_text(because).to_owned()), ..row("person", at) }
        }
        State::Explained { code, at, .. } => {
            cases::Model { code: Some(code.text().to_owned()), ..row("explained", at) }
        }
        State::Arrived { at, .. } => row("arrived", at),
        State::Withdrawn { at } => row("withdrawn", at),
        State::SchoolClosed { at, .. } => row("school_closed", at),
    }
}

fn because_text(because: Because) -> &'static str {
    match because {
        Because::PersonOnly => "person_only",
        Because::NotOnRoll => "not_on_roll",
        Because::SessionOver => "session_over",
    }
}

fn because(text: &str) -> Option<Because> {
    match text {
        "person_only" => Some(Because::PersonOnly),
        "not_on_roll" => Some(Because::NotOnRoll),
        "session_over" => Some(Because::SessionOver),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proto::ids::{CaseId, PupilId};

    use super::*;

    #[test]
    fn a_case_reads_back_in_every_state() {
        let at: Timestamp = "2026-11-24T09:15:00.123456Z".parse().unwrap();
        let person = |because| State::Person { because, at };
        for state in [
            State::Waiting,
            State::Announced { at },
            person(Because::PersonOnly),
            person(Because::NotOnRoll),
            person(Because::SessionOver),
            State::Explained { code: Code::Illness, at, told_at: None },
            State::Explained { code: Code::Illness, at, told_at: Some(at) },
            State::Arrived { at, told_at: Some(at) },
            State::Withdrawn { at },
            State::SchoolClosed { at, told_at: None },
            State::SchoolClosed { at, told_at: Some(at) },
        ] {
            let opening = Opening {
                id: CaseId::generate(),
                pupil_id: PupilId::generate(),
                sitting: Sitting { date: date(2026, 11, 24), session: Session::Afternoon },
                ends_at: at,
            };
            let stored = Case { opening, opened_at: at, version: 7, state };
            let row = case_row(Tenant::generate(), &stored);
            assert_eq!(OPEN_STATES.contains(&row.state.as_str()), stored.is_open());
            assert_eq!(case(&row).unwrap(), stored);
        }
    }
}
