//! The school's words in the fields of a request: sessions, codes, notes. What every service reads
//! alike is [`kit::fields`]'s.

use kit::fields::{Fault, Fields, Lines};
use proto::absences::v1 as pb;
use proto::events::absences::Session;

use crate::domain::Code;

/// How long a note may be, in characters.
const MOST_NOTE: usize = 500;

/// A session that must be named.
pub fn session(fields: &mut Fields, number: i32) -> Option<Session> {
    let sessions = sessions(fields, number)?;
    if let [session] = sessions.as_slice() {
        return Some(*session);
    }
    fields.add(Fault::new("session", "REQUIRED", "must be the morning or the afternoon"));
    None
}

/// The sessions that are meant; unspecified is the whole day.
pub fn sessions(fields: &mut Fields, number: i32) -> Option<Vec<Session>> {
    match pb::Session::try_from(number) {
        Ok(pb::Session::Unspecified) => Some(vec![Session::Morning, Session::Afternoon]),
        Ok(pb::Session::Morning) => Some(vec![Session::Morning]),
        Ok(pb::Session::Afternoon) => Some(vec![Session::Afternoon]),
        Err(_) => {
            fields.add(Fault::new("session", "UNKNOWN_SESSION", "must be the morning or the afternoon"));
            None
        }
    }
}

/// The code of a reason: an absence, or not a possible attendance.
pub fn reason(fields: &mut Fields, text: &str) -> Option<Code> {
    match Code::read(text) {
        Ok(code) if code.explains() => Some(code),
        Ok(_) => {
            let expected = "must be the code of an absence whose reason is known";
            fields.add(Fault::new("code", "NOT_A_REASON", expected));
            None
        }
        Err(error) => {
            fields.add(error.fault("code"));
            None
        }
    }
}

/// A note that may be empty.
pub fn note(fields: &mut Fields, text: &str) -> Option<String> {
    fields.text("note", text, 0..=MOST_NOTE, Lines::Many)
}
