//! A small school, written as the files of a OneRoster export.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::ops::RangeInclusive;

use jiff::civil::{Date, date};
use zip::write::SimpleFileOptions;

/// A contact on a pupil's link, with the columns of `contacts.csv`.
#[derive(Debug, Clone)]
pub struct Contact {
    id: String,
    phones: [String; 2],
    email: String,
    role: &'static str,
    responsibility: &'static str,
    emergency_only: bool,
    restriction: &'static str,
}

impl Contact {
    /// A parent with parental responsibility, who lives with the child. The id is also the name.
    #[must_use]
    pub fn parent(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            phones: [String::new(), String::new()],
            email: String::new(),
            role: "parent",
            responsibility: "yes",
            emergency_only: false,
            restriction: "none",
        }
    }

    /// Adds a number: the first, then the second.
    #[must_use]
    pub fn phone(mut self, number: &str) -> Self {
        let place = usize::from(!self.phones[0].is_empty());
        number.clone_into(&mut self.phones[place]);
        self
    }

    /// Adds a mailbox.
    #[must_use]
    pub fn email(mut self, address: &str) -> Self {
        address.clone_into(&mut self.email);
        self
    }

    /// For emergencies only.
    #[must_use]
    pub fn for_emergencies(mut self) -> Self {
        (self.emergency_only, self.role, self.responsibility) = (true, "grandparent", "no");
        self
    }

    /// Under a restriction, with evidence.
    #[must_use]
    pub fn restricted(mut self, restriction: &'static str) -> Self {
        self.restriction = restriction;
        self
    }
}

#[derive(Debug, Clone)]
struct Pupil {
    id: String,
    class: String,
    person_only: bool,
    contacts: Vec<Contact>,
}

/// A school's files.
#[derive(Debug, Clone)]
pub struct Roster {
    id: &'static str,
    name: &'static str,
    pupils: Vec<Pupil>,
    year: RangeInclusive<Date>,
    term: RangeInclusive<Date>,
    phone: &'static str,
    duty_numbers: &'static str,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            id: "school",
            name: "Hillside School",
            pupils: Vec::new(),
            year: date(2026, 9, 1)..=date(2027, 7, 31),
            term: date(2026, 9, 1)..=date(2026, 12, 18),
            phone: "01632 960002",
            duty_numbers: "07700 900990",
        }
    }
}

impl Roster {
    /// A school without pupils.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of another school, with this id in its files and this name.
    #[must_use]
    pub fn of(id: &'static str, name: &'static str) -> Self {
        Self { id, name, ..Self::default() }
    }

    /// The school has its term on these days, which lie in one school year, and has numbers that
    /// production takes for real: of the range that North America keeps for fiction, and none on duty.
    #[must_use]
    pub fn as_production_wants_it(mut self, term: RangeInclusive<Date>) -> Self {
        (self.year, self.term) = (term.clone(), term);
        (self.phone, self.duty_numbers) = ("+1 201-555-0123", "");
        self
    }

    /// Adds a pupil. The id is also the child's first name.
    #[must_use]
    pub fn pupil(mut self, id: &str, class: &str, contacts: impl IntoIterator<Item = Contact>) -> Self {
        let contacts = contacts.into_iter().collect();
        self.pupils.push(Pupil { id: id.to_owned(), class: class.to_owned(), person_only: false, contacts });
        self
    }

    /// The pupil that was added last is person only.
    #[must_use]
    pub fn person_only(mut self) -> Self {
        if let Some(last) = self.pupils.last_mut() {
            last.person_only = true;
        }
        self
    }

    /// The ids of the pupils of each class.
    #[must_use]
    pub fn classes(&self) -> BTreeMap<String, Vec<String>> {
        let mut classes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pupil in &self.pupils {
            classes.entry(pupil.class.clone()).or_default().push(pupil.id.clone());
        }
        classes
    }

    /// The zip that is imported.
    #[must_use]
    pub fn archive(&self) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in self.files() {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn files(&self) -> Vec<(&'static str, String)> {
        vec![
            ("manifest.csv", manifest()),
            ("orgs.csv", format!("{ORGS}\n{},,,{},school,,\n", self.id, self.name)),
            ("academicSessions.csv", self.session_lines()),
            ("courses.csv", format!("{COURSES}\ncourse,,,year,Year 1,1,,{},,\n", self.id)),
            ("classes.csv", self.class_lines()),
            ("users.csv", self.user_lines()),
            ("roles.csv", self.role_lines()),
            ("enrollments.csv", self.enrollment_lines()),
            (
                "school.csv",
                format!(
                    "{SCHOOL}\n{},{},{},08:50,09:15,12:00,13:00,13:20,15:20,{}\n",
                    self.id, self.name, self.phone, self.duty_numbers
                ),
            ),
            ("pupils.csv", self.pupil_lines()),
            ("contacts.csv", self.contact_lines()),
        ]
    }

    fn contacts(&self) -> BTreeMap<&str, &Contact> {
        self.pupils
            .iter()
            .flat_map(|pupil| &pupil.contacts)
            .map(|contact| (contact.id.as_str(), contact))
            .collect()
    }

    fn session_lines(&self) -> String {
        let lines = [("year", "schoolYear", &self.year, ""), ("term", "term", &self.term, "year")];
        let mut text = format!("{SESSIONS}\n");
        for (id, kind, days, parent) in lines {
            let (first, last, year) = (days.start(), days.end(), self.year.end().year());
            writeln!(text, "{id},,,{id},{kind},{first},{last},{parent},{year}").unwrap();
        }
        text
    }

    fn class_lines(&self) -> String {
        let mut text = format!("{CLASSES}\n");
        for class in self.classes().keys() {
            writeln!(text, "{class},,,{class},,course,{class},homeroom,,{},term,,,", self.id).unwrap();
        }
        text
    }

    fn user_lines(&self) -> String {
        let mut text = format!("{USERS}\n");
        for pupil in &self.pupils {
            let agents: Vec<&str> = pupil.contacts.iter().map(|contact| contact.id.as_str()).collect();
            writeln!(
                text,
                "{0},,,true,{0},,{0},Family,,,,,,\"{1}\",,,,,,,,{2},",
                pupil.id,
                agents.join(","),
                self.id
            )
            .unwrap();
        }
        for contact in self.contacts().values() {
            let (Contact { id, email, phones: [first, second], .. }, school) = (contact, self.id);
            writeln!(text, "{id},,,true,{id},,{id},Family,,,{email},{first},{second},,,,,,,,,{school},")
                .unwrap();
        }
        text
    }

    fn role_lines(&self) -> String {
        let mut text = format!("{ROLES}\n");
        for pupil in &self.pupils {
            writeln!(text, "role-{0},,,{0},primary,student,,,{1},", pupil.id, self.id).unwrap();
        }
        for id in self.contacts().keys() {
            writeln!(text, "role-{id},,,{id},primary,parent,,,{},", self.id).unwrap();
        }
        text
    }

    fn enrollment_lines(&self) -> String {
        let mut text = format!("{ENROLLMENTS}\n");
        for pupil in &self.pupils {
            writeln!(text, "in-{0},,,{1},{2},{0},student,true,,", pupil.id, pupil.class, self.id).unwrap();
        }
        text
    }

    fn pupil_lines(&self) -> String {
        let mut text = format!("{PUPILS}\n");
        for Pupil { id, class, person_only, .. } in &self.pupils {
            let reason = if *person_only { "social worker" } else { "" };
            writeln!(text, "{id},{person_only},{reason},1,{class}").unwrap();
        }
        text
    }

    fn contact_lines(&self) -> String {
        let mut text = format!("{LINKS}\n");
        for pupil in &self.pupils {
            for (index, contact) in pupil.contacts.iter().enumerate() {
                let Contact { id, role, responsibility, emergency_only, restriction, .. } = contact;
                let (evidence, from) =
                    if *restriction == "none" { ("", "") } else { ("court order of 2026", "2026-09-01") };
                let lives_with = !emergency_only;
                writeln!(
                    text,
                    "{},{id},{role},{},{responsibility},{lives_with},{emergency_only},{restriction},{evidence},{from},,en,false",
                    pupil.id,
                    index + 1
                )
                .unwrap();
            }
        }
        text
    }
}

/// What the demo school's export says of itself; this one has no demographics.
fn manifest() -> String {
    let manifest = include_str!("../../services/schoolbell/demo-school/manifest.csv");
    assert!(manifest.contains(DEMOGRAPHICS), "{manifest}");
    manifest.replace(DEMOGRAPHICS, "file.demographics,absent")
}

const DEMOGRAPHICS: &str = "file.demographics,bulk";

/// The first line of a file, which names its columns.
const fn header(file: &str) -> &str {
    let mut end = 0;
    while file.as_bytes()[end] != b'\n' {
        end += 1;
    }
    file.split_at(end).0
}

// The columns stand once, in the files of the demo school.
const ORGS: &str = header(include_str!("../../services/schoolbell/demo-school/orgs.csv"));
const SESSIONS: &str = header(include_str!("../../services/schoolbell/demo-school/academicSessions.csv"));
const COURSES: &str = header(include_str!("../../services/schoolbell/demo-school/courses.csv"));
const CLASSES: &str = header(include_str!("../../services/schoolbell/demo-school/classes.csv"));
const USERS: &str = header(include_str!("../../services/schoolbell/demo-school/users.csv"));
const ROLES: &str = header(include_str!("../../services/schoolbell/demo-school/roles.csv"));
const ENROLLMENTS: &str = header(include_str!("../../services/schoolbell/demo-school/enrollments.csv"));
const SCHOOL: &str = header(include_str!("../../services/schoolbell/demo-school/school.csv"));
const PUPILS: &str = header(include_str!("../../services/schoolbell/demo-school/pupils.csv"));
const LINKS: &str = header(include_str!("../../services/schoolbell/demo-school/contacts.csv"));
