//! pupils.csv: a line for every student of the school.

use std::collections::BTreeMap;

use crate::domain::roster::{PersonOnlyWord, Pupil, SourceId};
use crate::import::archive::Files;
use crate::import::csv_file::Need::{Optional, Required};
use crate::import::csv_file::{Cell, CsvFile, Line};
use crate::import::fault::Faults;
use crate::import::oneroster::Export;
use crate::import::values;

/// National curriculum year codes of the school census: nursery, early years, reception, years, mixed.
const YEAR_GROUPS: [&str; 22] = [
    "N", "N1", "N2", "E1", "E2", "R", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13",
    "14", "M", "X",
];

/// Reads pupils.csv against the export.
pub fn pupils(files: &Files, export: &Export, faults: &mut Faults) -> Option<BTreeMap<SourceId, Pupil>> {
    let columns = ["sourcedId", "personOnly", "personOnlyReason", "yearGroup", "class"]
        .map(|column| (column, Required));
    let file = CsvFile::read(files, "pupils.csv", &columns, faults)?;
    let mut lines = BTreeMap::new();
    for line in file.lines() {
        let cell = line.cell("sourcedId");
        let Some(id) = values::source_id(cell, faults) else { continue };
        if export.students.as_ref().is_some_and(|students| !students.contains_key(&id)) {
            cell.fault("a student of this school in users.csv and roles.csv", faults);
        }
        if lines.insert(id, line).is_some() {
            cell.fault("a pupil who stands once", faults);
        }
    }
    for (id, student) in export.students.iter().flatten() {
        if !lines.contains_key(id) {
            faults.add(student.place, "sourcedId", "a line in pupils.csv for this student");
        }
    }
    let read = |(id, line): (SourceId, Line<'_>)| pupil(&id, line, export, faults).map(|pupil| (id, pupil));
    Some(lines.into_iter().filter_map(read).collect())
}

fn pupil(id: &str, line: Line<'_>, export: &Export, faults: &mut Faults) -> Option<Pupil> {
    let person_only = person_only(line, faults);
    let year_groups = YEAR_GROUPS.map(|word| (word, word));
    let year_group = values::word(line.cell("yearGroup"), &year_groups, faults);
    let class = class(id, line.cell("class"), export, faults);
    let student = export.students.as_ref()?.get(id)?.student.as_ref()?;
    Some(Pupil {
        first_name: student.first_name.clone(),
        family_name: student.family_name.clone(),
        year_group: year_group?.to_owned(),
        class: class?,
        person_only: person_only?,
    })
}

/// Blank says nothing; yes needs a reason; a reason without a yes is most likely a lost yes.
fn person_only(line: Line<'_>, faults: &mut Faults) -> Option<PersonOnlyWord> {
    let (cell, reason) = (line.cell("personOnly"), line.cell("personOnlyReason"));
    let said = values::word(cell, &[("true", Some(true)), ("false", Some(false)), ("", None)], faults)?;
    let text = values::text(reason, Optional, values::LONGEST_REASON, faults)?;
    match (said, text.is_empty()) {
        (Some(true), false) => Some(PersonOnlyWord::Yes(text)),
        (Some(true), true) => {
            reason.fault("the reason, because personOnly is true", faults);
            None
        }
        (Some(false), true) => Some(PersonOnlyWord::No),
        (None, true) => Some(PersonOnlyWord::Silent),
        (Some(false) | None, false) => {
            cell.fault("true, because a reason is given", faults);
            None
        }
    }
}

fn class(pupil: &str, cell: Cell<'_>, export: &Export, faults: &mut Faults) -> Option<SourceId> {
    let class = values::source_id(cell, faults)?;
    let key = (pupil.to_owned(), class.clone());
    if export.enrolled.as_ref().is_some_and(|enrolled| !enrolled.contains(&key)) {
        cell.fault("a class in which enrollments.csv has this pupil", faults);
        return None;
    }
    Some(class)
}
