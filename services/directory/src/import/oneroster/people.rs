//! Users and their roles: students of the school, and the people at home.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Student, StudentLine, ids_of, is_school, keyed, refers, refers_if_any};
use crate::domain::phone::TestNumbers;
use crate::domain::preference::Preference;
use crate::domain::roster::{Contact, Reach, SourceId};
use crate::import::archive::Files;
use crate::import::csv_file::Need::{Optional, Required};
use crate::import::csv_file::{CsvFile, Line};
use crate::import::fault::Faults;
use crate::import::values;

/// What users.csv and roles.csv say together.
#[derive(Default)]
pub struct People {
    /// Every user.
    pub users: Option<HashSet<SourceId>>,
    /// Students of the school.
    pub students: Option<BTreeMap<SourceId, StudentLine>>,
    /// Parents, guardians and relatives.
    pub contacts: Option<HashMap<SourceId, Option<Contact>>>,
}

/// What matters of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Student,
    AtHome,
    Staff,
}

/// The roles of OneRoster 1.2.
const ROLES: [(&str, Part); 12] = [
    ("student", Part::Student),
    ("parent", Part::AtHome),
    ("guardian", Part::AtHome),
    ("relative", Part::AtHome),
    ("teacher", Part::Staff),
    ("aide", Part::Staff),
    ("principal", Part::Staff),
    ("proctor", Part::Staff),
    ("counselor", Part::Staff),
    ("siteAdministrator", Part::Staff),
    ("districtAdministrator", Part::Staff),
    ("systemAdministrator", Part::Staff),
];

#[derive(Default)]
struct Roles {
    students: HashSet<SourceId>,
    at_home: HashSet<SourceId>,
}

/// Reads roles.csv and users.csv.
pub fn read(
    files: &Files,
    (school, orgs): (Option<&str>, Option<&HashSet<SourceId>>),
    test_numbers: TestNumbers,
    faults: &mut Faults,
) -> People {
    let columns = [
        ("sourcedId", Required),
        ("status", Required),
        ("givenName", Required),
        ("familyName", Required),
        ("preferredGivenName", Optional),
        ("email", Required),
        ("sms", Required),
        ("phone", Required),
        ("agentSourcedIds", Required),
        ("primaryOrgSourcedId", Optional),
    ];
    let Some(file) = CsvFile::read(files, "users.csv", &columns, faults) else {
        roles(files, (school, orgs, None), faults);
        return People::default();
    };
    let lines = keyed(&file, faults);
    let users: HashSet<SourceId> = lines.iter().map(|(id, _)| id.clone()).collect();
    let Some(roles) = roles(files, (school, orgs, Some(&users)), faults) else {
        return People { users: Some(users), ..People::default() };
    };
    let mut students = BTreeMap::new();
    let mut contacts = HashMap::new();
    for (id, line) in lines {
        refers_if_any(line.cell("primaryOrgSourcedId"), orgs, "an org of orgs.csv", faults);
        let agents = line.cell("agentSourcedIds");
        if !ids_of(agents).all(|agent| users.contains(agent)) {
            agents.fault("users of this file, separated by commas", faults);
        }
        if roles.students.contains(&id) {
            let agents = ids_of(agents).map(str::to_owned).collect();
            students.insert(
                id.clone(),
                StudentLine { place: line.place(), student: student(line, faults), agents },
            );
        }
        if roles.at_home.contains(&id) {
            contacts.insert(id, contact(line, test_numbers, faults));
        }
    }
    People { users: Some(users), students: Some(students), contacts: Some(contacts) }
}

fn roles(
    files: &Files,
    (school, orgs, users): (Option<&str>, Option<&HashSet<SourceId>>, Option<&HashSet<SourceId>>),
    faults: &mut Faults,
) -> Option<Roles> {
    let columns = [
        ("sourcedId", Required),
        ("status", Required),
        ("userSourcedId", Required),
        ("roleType", Required),
        ("role", Required),
        ("beginDate", Optional),
        ("endDate", Optional),
        ("orgSourcedId", Required),
    ];
    let file = CsvFile::read(files, "roles.csv", &columns, faults)?;
    let mut roles = Roles::default();
    for (_, line) in keyed(&file, faults) {
        let (user, org) = (line.cell("userSourcedId"), line.cell("orgSourcedId"));
        refers(user, users, "a user of users.csv", faults);
        let known = refers(org, orgs, "an org of orgs.csv", faults);
        values::word(line.cell("roleType"), &[("primary", ()), ("secondary", ())], faults);
        values::optional_date(line.cell("beginDate"), faults);
        values::optional_date(line.cell("endDate"), faults);
        match values::word(line.cell("role"), &ROLES, faults) {
            Some(Part::Student) if known && is_school(org, school, faults) => {
                roles.students.insert(user.text.to_owned());
            }
            Some(Part::AtHome) => {
                roles.at_home.insert(user.text.to_owned());
            }
            Some(Part::Student | Part::Staff) | None => {}
        }
    }
    Some(roles)
}

fn student(line: Line<'_>, faults: &mut Faults) -> Option<Student> {
    let given = values::name(line.cell("givenName"), faults);
    let family_name = values::name(line.cell("familyName"), faults);
    let called = values::text(line.cell("preferredGivenName"), Optional, values::LONGEST_NAME, faults)?;
    let first_name = if called.is_empty() { given? } else { called };
    Some(Student { first_name, family_name: family_name? })
}

fn contact(line: Line<'_>, test_numbers: TestNumbers, faults: &mut Faults) -> Option<Contact> {
    let given_name = values::name(line.cell("givenName"), faults);
    let family_name = values::name(line.cell("familyName"), faults);
    let reach = Reach {
        first_phone: values::phone(line.cell("sms"), test_numbers, faults),
        second_phone: values::phone(line.cell("phone"), test_numbers, faults),
        email: values::mailbox(line.cell("email"), faults),
        // These two stand in contacts.csv.
        language: String::new(),
        no_voice: false,
        prefers: Preference::None,
    };
    Some(Contact { given_name: given_name?, family_name: family_name?, reach })
}
