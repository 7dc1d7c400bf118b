//! Reading a roster: the bytes of a zip in, a [`Roster`] or every fault out.
//!
//! Called by the api, off the async threads. It reads a OneRoster 1.2 bulk export and three files of
//! ours, `school.csv`, `pupils.csv` and `contacts.csv`. It never asks the store, never guesses at a
//! value, and never repeats a cell in a fault: a fault says where, and what was expected.

mod archive;
mod csv_file;
mod fault;
mod oneroster;
mod ours;
#[cfg(test)]
pub(crate) mod sample;
mod values;

pub use fault::{Fault, Faults};

use crate::domain::phone::TestNumbers;
use crate::domain::roster::Roster;

/// What was read without a fault.
#[derive(Debug)]
pub struct Read {
    /// The roster.
    pub roster: Roster,
    /// What a person should look at, although it was understood.
    pub warnings: Vec<Fault>,
}

/// Reads a roster; a single fault anywhere means that nothing was read.
pub fn read(archive: &[u8], test_numbers: TestNumbers) -> Result<Read, Vec<Fault>> {
    let mut faults = Faults::default();
    let files = archive::open(archive, &mut faults);
    if !faults.is_empty() {
        return Err(faults.into_sorted());
    }
    let school = ours::school(&files, test_numbers, &mut faults);
    let export = oneroster::read(&files, school.source_id.as_deref(), test_numbers, &mut faults);
    let pupils = ours::pupils(&files, &export, &mut faults);
    let contacts = ours::contacts(&files, &export, &mut faults);
    let roster = match (school.school, pupils, contacts) {
        (Some(school), Some(pupils), Some((contacts, links))) => {
            Some(Roster { school, terms: export.terms, classes: export.classes, pupils, contacts, links })
        }
        _ => None,
    };
    let warnings = faults.take_warnings();
    match roster {
        Some(roster) if faults.is_empty() => Ok(Read { roster, warnings }),
        _ => Err(faults.into_sorted()),
    }
}

#[cfg(test)]
mod tests;
