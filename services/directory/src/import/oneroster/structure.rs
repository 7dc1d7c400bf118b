//! Orgs, terms, classes and enrolments.

use std::collections::{BTreeMap, HashSet};

use super::{ids_of, is_school, keyed, refers, refers_if_any};
use crate::domain::roster::{Class, SourceId, Term};
use crate::import::archive::Files;
use crate::import::csv_file::Need::{Optional, Required};
use crate::import::csv_file::{CsvFile, Line};
use crate::import::fault::Faults;
use crate::import::values;

/// academicSessions.csv.
pub struct Sessions {
    /// Every session, of whatever type.
    pub ids: HashSet<SourceId>,
    /// Those of type term.
    pub terms: BTreeMap<SourceId, Term>,
}

/// classes.csv.
pub struct Classes {
    /// Every class.
    pub ids: HashSet<SourceId>,
    /// Those of the school that have no fault.
    pub classes: BTreeMap<SourceId, Class>,
}

fn ids(lines: &[(SourceId, Line<'_>)]) -> HashSet<SourceId> {
    lines.iter().map(|(id, _)| id.clone()).collect()
}

/// orgs.csv: every org's id. The school must be among them, as a school.
pub fn orgs(files: &Files, school: Option<&str>, faults: &mut Faults) -> Option<HashSet<SourceId>> {
    let columns = [
        ("sourcedId", Required),
        ("status", Required),
        ("name", Required),
        ("type", Required),
        ("parentSourcedId", Optional),
    ];
    let file = CsvFile::read(files, "orgs.csv", &columns, faults)?;
    let lines = keyed(&file, faults);
    let known = ids(&lines);
    for (id, line) in &lines {
        values::name(line.cell("name"), faults);
        let types =
            ["school", "district", "local", "state", "national", "department"].map(|word| (word, word));
        let kind = values::word(line.cell("type"), &types, faults);
        if school == Some(id.as_str()) && kind.is_some_and(|kind| kind != "school") {
            line.cell("type").fault("school, because school.csv names this org", faults);
        }
        refers_if_any(line.cell("parentSourcedId"), Some(&known), "an org of this file", faults);
    }
    if school.is_some_and(|school| !known.contains(school)) {
        faults.add(("school.csv", 2), "orgSourcedId", "an org of orgs.csv");
    }
    Some(known)
}

/// academicSessions.csv: the terms, of which there is at least one.
pub fn sessions(files: &Files, faults: &mut Faults) -> Option<Sessions> {
    let columns = [
        ("sourcedId", Required),
        ("status", Required),
        ("title", Required),
        ("type", Required),
        ("startDate", Required),
        ("endDate", Required),
        ("parentSourcedId", Optional),
    ];
    let file = CsvFile::read(files, "academicSessions.csv", &columns, faults)?;
    let lines = keyed(&file, faults);
    let known = ids(&lines);
    let mut terms = BTreeMap::new();
    let mut names_a_term = false;
    for (id, line) in lines {
        let types = ["gradingPeriod", "semester", "schoolYear", "term"].map(|word| (word, word));
        let kind = values::word(line.cell("type"), &types, faults);
        names_a_term |= kind == Some("term");
        let title = values::name(line.cell("title"), faults);
        let first_day = values::date(line.cell("startDate"), faults);
        let last_day = values::date(line.cell("endDate"), faults);
        refers_if_any(line.cell("parentSourcedId"), Some(&known), "a session of this file", faults);
        let (Some(title), Some(first_day), Some(last_day)) = (title, first_day, last_day) else { continue };
        if last_day < first_day {
            line.cell("endDate").fault("a date that is not before startDate", faults);
        } else if kind == Some("term") {
            terms.insert(id, Term { title, first_day, last_day });
        }
    }
    if !names_a_term {
        faults.add(file.place(), "type", "at least one session of type term");
    }
    Some(Sessions { ids: known, terms })
}

/// classes.csv: the classes of the school, with the sessions that they name.
pub fn classes(
    files: &Files,
    (school, orgs, sessions): (Option<&str>, Option<&HashSet<SourceId>>, Option<&HashSet<SourceId>>),
    faults: &mut Faults,
) -> Option<Classes> {
    let columns = [
        ("sourcedId", Required),
        ("status", Required),
        ("title", Required),
        ("classType", Required),
        ("schoolSourcedId", Required),
        ("termSourcedIds", Required),
    ];
    let file = CsvFile::read(files, "classes.csv", &columns, faults)?;
    let lines = keyed(&file, faults);
    let known = ids(&lines);
    let mut classes = BTreeMap::new();
    for (id, line) in lines {
        let title = values::name(line.cell("title"), faults);
        values::word(line.cell("classType"), &[("homeroom", ()), ("scheduled", ())], faults);
        let owner = line.cell("schoolSourcedId");
        let ours = refers(owner, orgs, "an org of orgs.csv", faults) && is_school(owner, school, faults);
        let terms = line.cell("termSourcedIds");
        if sessions.is_some_and(|sessions| !ids_of(terms).all(|term| sessions.contains(term))) {
            terms.fault("sessions of academicSessions.csv, separated by commas", faults);
        }
        if let (Some(title), true) = (title, ours) {
            classes.insert(id, Class { title });
        }
    }
    Some(Classes { ids: known, classes })
}

/// enrollments.csv: which student is in which class.
pub fn enrollments(
    files: &Files,
    (school, classes, users): (Option<&str>, Option<&HashSet<SourceId>>, Option<&HashSet<SourceId>>),
    faults: &mut Faults,
) -> Option<HashSet<(SourceId, SourceId)>> {
    let columns = [
        ("sourcedId", Required),
        ("status", Required),
        ("classSourcedId", Required),
        ("schoolSourcedId", Required),
        ("userSourcedId", Required),
        ("role", Required),
        ("beginDate", Optional),
        ("endDate", Optional),
    ];
    let file = CsvFile::read(files, "enrollments.csv", &columns, faults)?;
    let mut enrolled = HashSet::new();
    for (_, line) in keyed(&file, faults) {
        let (class, user) = (line.cell("classSourcedId"), line.cell("userSourcedId"));
        let roles = ["administrator", "proctor", "student", "teacher"].map(|word| (word, word));
        let role = values::word(line.cell("role"), &roles, faults);
        is_school(line.cell("schoolSourcedId"), school, faults);
        refers(class, classes, "a class of classes.csv", faults);
        refers(user, users, "a user of users.csv", faults);
        values::optional_date(line.cell("beginDate"), faults);
        values::optional_date(line.cell("endDate"), faults);
        if role == Some("student") && !enrolled.insert((user.text.to_owned(), class.text.to_owned())) {
            user.fault("a student who is enrolled once in this class", faults);
        }
    }
    Some(enrolled)
}
