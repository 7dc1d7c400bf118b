//! What a cell can hold: names, ids, dates, times, words, numbers. Each reader says what it expected
//! and gives nothing when that is not what stands there.

use jiff::civil::{Date, Time};

use super::csv_file::{Cell, Need};
use super::fault::Faults;
use crate::domain::email::{self, Email};
use crate::domain::phone::{self, Phone, TestNumbers};
use crate::domain::roster::SourceId;

/// The longest name of a person, class, term or school, in characters.
pub const LONGEST_NAME: usize = 100;
/// The longest evidence or reason, in characters.
pub const LONGEST_REASON: usize = 500;
const LONGEST_ID: usize = 255;

/// A text of at most `most` characters without control characters; blank when it may be.
pub fn text(cell: Cell<'_>, need: Need, most: usize, faults: &mut Faults) -> Option<String> {
    let expected = match need {
        Need::Required => format!("1 to {most} characters on one line"),
        Need::Optional => format!("at most {most} characters on one line"),
    };
    cell.read(&expected, faults, |text| {
        let fits = text.chars().count() <= most && !text.chars().any(char::is_control);
        (fits && (need == Need::Optional || !text.is_empty())).then(|| text.to_owned())
    })
}

/// A name.
pub fn name(cell: Cell<'_>, faults: &mut Faults) -> Option<String> {
    text(cell, Need::Required, LONGEST_NAME, faults)
}

/// An id of the school's own system.
pub fn source_id(cell: Cell<'_>, faults: &mut Faults) -> Option<SourceId> {
    cell.read("an id of 1 to 255 characters without spaces", faults, |text| {
        let sane = !text.is_empty()
            && text.len() <= LONGEST_ID
            && !text.chars().any(|character| character.is_whitespace() || character.is_control());
        sane.then(|| text.to_owned())
    })
}

/// A day.
pub fn date(cell: Cell<'_>, faults: &mut Faults) -> Option<Date> {
    cell.read("a date as in 2026-11-24", faults, strict_date)
}

/// A day, or nothing.
pub fn optional_date(cell: Cell<'_>, faults: &mut Faults) -> Option<Date> {
    if cell.is_blank() { None } else { date(cell, faults) }
}

/// jiff reads more forms than ISO's extended one; a file is held to that.
fn strict_date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| Date::strptime("%Y-%m-%d", text).ok()).flatten()
}

/// A time of day.
pub fn time(cell: Cell<'_>, faults: &mut Faults) -> Option<Time> {
    cell.read("a time as in 08:50", faults, |text| {
        (text.len() == 5).then(|| Time::strptime("%H:%M", text).ok()).flatten()
    })
}

/// One of a list of words.
pub fn word<T: Copy>(cell: Cell<'_>, words: &[(&str, T)], faults: &mut Faults) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == cell.text).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> =
            words.iter().map(|(word, _)| if word.is_empty() { "blank" } else { word }).collect();
        cell.fault(format!("one of {}", words.join(", ")), faults);
    }
    found
}

/// `true`, `false` or blank, which is `false`.
pub fn truth(cell: Cell<'_>, faults: &mut Faults) -> Option<bool> {
    word(cell, &[("true", true), ("false", false), ("", false)], faults)
}

/// A telephone number, or nothing.
pub fn phone(cell: Cell<'_>, test_numbers: TestNumbers, faults: &mut Faults) -> Option<Phone> {
    if cell.is_blank() {
        return None;
    }
    match phone::normalise(cell.text, test_numbers) {
        Ok(normalised) => {
            if let Some(warning) = normalised.warning {
                cell.warn(warning.to_string(), faults);
            }
            Some(normalised.phone)
        }
        Err(fault) => {
            cell.fault(fault.to_string(), faults);
            None
        }
    }
}

/// A mailbox, or nothing.
pub fn mailbox(cell: Cell<'_>, faults: &mut Faults) -> Option<Email> {
    if cell.is_blank() {
        return None;
    }
    match email::normalise(cell.text) {
        Ok(address) => Some(address),
        Err(fault) => {
            cell.fault(fault.to_string(), faults);
            None
        }
    }
}
