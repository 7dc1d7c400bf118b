//! The OneRoster 1.2 side of an export: who there is, by the ids of the school's own system.
//!
//! OneRoster knows no priority, no parental responsibility and no restriction; those stand in our own
//! files. Staff and files that Schoolbell does not need are checked as references and not kept.
//!
//! References are checked only against files that could be read: one broken header does not become
//! a thousand faults.

mod manifest;
mod people;
mod structure;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::archive::Files;
use super::csv_file::{Cell, CsvFile, Line};
use super::fault::Faults;
use super::values;
use crate::domain::phone::TestNumbers;
use crate::domain::roster::{Class, Contact, SourceId, Term};

/// A child, as far as OneRoster knows it.
pub struct Student {
    /// The name that the child is called by.
    pub first_name: String,
    /// The surname.
    pub family_name: String,
}

/// A child's line in users.csv.
pub struct StudentLine {
    /// Where it stands.
    pub place: (&'static str, u64),
    /// None when the line has a fault, which was said.
    pub student: Option<Student>,
    /// The people at home whom it names.
    pub agents: Vec<SourceId>,
}

/// What the export says.
#[derive(Default)]
pub struct Export {
    /// Terms.
    pub terms: BTreeMap<SourceId, Term>,
    /// Classes of the school.
    pub classes: BTreeMap<SourceId, Class>,
    /// Students of the school; none when users.csv or roles.csv could not be read.
    pub students: Option<BTreeMap<SourceId, StudentLine>>,
    /// Parents, guardians and relatives; a contact is none when its line has a fault, which was said.
    pub contacts: Option<HashMap<SourceId, Option<Contact>>>,
    /// Which student is in which class; none when enrollments.csv could not be read.
    pub enrolled: Option<HashSet<(SourceId, SourceId)>>,
}

/// Reads the OneRoster files. `school` is the org of school.csv, when that could be read.
pub fn read(files: &Files, school: Option<&str>, test_numbers: TestNumbers, faults: &mut Faults) -> Export {
    manifest::check(files, faults);
    let orgs = structure::orgs(files, school, faults);
    let sessions = structure::sessions(files, faults);
    let terms = sessions.as_ref().map(|sessions| &sessions.ids);
    let classes = structure::classes(files, (school, orgs.as_ref(), terms), faults);
    let people = people::read(files, (school, orgs.as_ref()), test_numbers, faults);
    let class_ids = classes.as_ref().map(|classes| &classes.ids);
    let enrolled = structure::enrollments(files, (school, class_ids, people.users.as_ref()), faults);
    Export {
        terms: sessions.map(|sessions| sessions.terms).unwrap_or_default(),
        classes: classes.map(|classes| classes.classes).unwrap_or_default(),
        students: people.students,
        contacts: people.contacts,
        enrolled,
    }
}

/// The lines that count, by their id: not those that are to be deleted, and each id once.
fn keyed<'a>(file: &'a CsvFile, faults: &mut Faults) -> Vec<(SourceId, Line<'a>)> {
    let mut seen = HashSet::new();
    let mut lines = Vec::new();
    for line in file.lines() {
        let statuses = [("active", true), ("tobedeleted", false), ("", true)];
        let counts = values::word(line.cell("status"), &statuses, faults);
        let Some(id) = values::source_id(line.cell("sourcedId"), faults) else { continue };
        if counts == Some(false) {
            continue;
        }
        if seen.insert(id.clone()) {
            lines.push((id, line));
        } else {
            line.cell("sourcedId").fault("an id that no other line has", faults);
        }
    }
    lines
}

/// Ids in one cell, separated by commas.
fn ids_of(cell: Cell<'_>) -> impl Iterator<Item = &str> {
    cell.text.split(',').map(str::trim).filter(|id| !id.is_empty())
}

/// Says so when a cell names something that is not there. Unknown sets are not checked.
fn refers(cell: Cell<'_>, known: Option<&HashSet<SourceId>>, expected: &str, faults: &mut Faults) -> bool {
    let found = known.is_none_or(|known| known.contains(cell.text));
    if !found {
        cell.fault(expected, faults);
    }
    found
}

/// As [`refers`], for a cell that may be blank.
fn refers_if_any(cell: Cell<'_>, known: Option<&HashSet<SourceId>>, expected: &str, faults: &mut Faults) {
    if !cell.is_blank() {
        refers(cell, known, expected, faults);
    }
}

/// Whether a cell names the school of school.csv; a school that could not be read is not checked.
fn is_school(cell: Cell<'_>, school: Option<&str>, faults: &mut Faults) -> bool {
    let is = school.is_none_or(|school| school == cell.text);
    if !is {
        cell.fault("the school of school.csv", faults);
    }
    is
}
