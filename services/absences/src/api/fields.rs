//! Reading the fields of a request: every fault is collected, so that a caller hears of all of them
//! at once.

use std::str::FromStr;

use jiff::civil::Date;
use proto::absences::v1 as pb;
use proto::events::absences::Session;
use proto::ids::InvalidId;
use tonic::Status;

use super::refusal;
use crate::domain::{Code, Fault, Rejection};

/// How long a note may be, in characters.
const MOST_NOTE: usize = 500;

/// The faults that were found so far.
#[derive(Debug, Default)]
pub struct Fields {
    faults: Vec<Fault>,
}

impl Fields {
    /// An id.
    pub fn id<T: FromStr<Err = InvalidId>>(&mut self, field: &'static str, text: &str) -> Option<T> {
        let fault = |error: InvalidId| Fault::new(field, "INVALID_ID", error.to_string());
        text.parse().map_err(|error| self.faults.push(fault(error))).ok()
    }

    /// An ISO date.
    pub fn date(&mut self, field: &'static str, text: &str) -> Option<Date> {
        let fault = || Fault::new(field, "INVALID_DATE", "must be a date as in 2026-11-24");
        text.parse().map_err(|_| self.faults.push(fault())).ok()
    }

    /// A session that must be named.
    pub fn session(&mut self, field: &'static str, number: i32) -> Option<Session> {
        let sessions = self.sessions(field, number)?;
        if let [session] = sessions.as_slice() {
            return Some(*session);
        }
        self.faults.push(Fault::new(field, "REQUIRED", "must be the morning or the afternoon"));
        None
    }

    /// The sessions that are meant; unspecified is the whole day.
    pub fn sessions(&mut self, field: &'static str, number: i32) -> Option<Vec<Session>> {
        match pb::Session::try_from(number) {
            Ok(pb::Session::Unspecified) => Some(vec![Session::Morning, Session::Afternoon]),
            Ok(pb::Session::Morning) => Some(vec![Session::Morning]),
            Ok(pb::Session::Afternoon) => Some(vec![Session::Afternoon]),
            Err(_) => {
                self.faults.push(Fault::new(
                    field,
                    "UNKNOWN_SESSION",
                    "must be the morning or the afternoon",
                ));
                None
            }
        }
    }

    /// The code of a reason: an absence, or not a possible attendance.
    pub fn reason(&mut self, field: &'static str, text: &str) -> Option<Code> {
        match Code::read(text) {
            Ok(code) if code.explains() => Some(code),
            Ok(_) => {
                let expected = "must be the code of an absence whose reason is known";
                self.faults.push(Fault::new(field, "NOT_A_REASON", expected));
                None
            }
            Err(error) => {
                self.faults.push(Fault::code(field, error));
                None
            }
        }
    }

    /// A note that may be empty.
    pub fn note(&mut self, field: &'static str, text: &str) -> String {
        let text = text.trim();
        let characters = text.chars().count();
        if characters > MOST_NOTE {
            let expected = format!("has {characters} characters; at most {MOST_NOTE} are taken");
            self.faults.push(Fault::new(field, "TOO_LONG", expected));
        }
        text.to_owned()
    }

    /// Adds faults that were found elsewhere.
    pub fn add(&mut self, faults: Vec<Fault>) {
        self.faults.extend(faults);
    }

    /// What was read, unless a field was wrong.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Status> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            Some(_) | None => Err(refusal::status(Rejection::Faults(self.faults))),
        }
    }
}
