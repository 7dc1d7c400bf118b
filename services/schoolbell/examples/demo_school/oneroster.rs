//! The files of a OneRoster 1.2 bulk export.
//!
//! `status` and `dateLastModified` are blank, as the standard wants it in bulk files. `grades` is blank too: the standard's list has no
//! English year groups, which stand in pupils.csv. The standard has no role for a childminder or a friend; they are exported as
//! relatives, the weakest of its three words for the people of a home.

use std::error::Error;

use crate::roster::{Contact, Link, Pupil, Roster};
use crate::school::{CLASSES, Role, Sex, year_of};
use crate::table::{Cells, cell, csv_text};

/// `sourcedId` of the school.
pub const SCHOOL: &str = "school-elm-park";
/// The school's name.
pub const SCHOOL_NAME: &str = "Elm Park Primary School";
const SCHOOL_YEAR: &str = "year-2026-27";

const MANIFEST: &str = "propertyName,value";
const ORGS: &str = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId";
const SESSIONS: &str =
    "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear";
const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,\
                     middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,\
                     userMasterIdentifier,resourceSourcedIds,preferredGivenName,preferredMiddleName,\
                     preferredFamilyName,primaryOrgSourcedId,pronouns";
const ROLES: &str = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,\
                     orgSourcedId,userProfileSourcedId";
const COURSES: &str = "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,\
                       orgSourcedId,subjects,subjectCodes";
const CLASSES_HEADER: &str = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,\
                       location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods";
const ENROLLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,\
                           role,primary,beginDate,endDate";
const DEMOGRAPHICS: &str = "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,\
                            asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,\
                            demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,countryOfBirthCode,\
                            stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus";

const BULK: [&str; 8] =
    ["academicSessions", "classes", "courses", "demographics", "enrollments", "orgs", "roles", "users"];
const ABSENT: [&str; 13] = [
    "categories",
    "classResources",
    "courseResources",
    "lineItemLearningObjectiveIds",
    "lineItemScoreScales",
    "lineItems",
    "resources",
    "resultLearningObjectiveIds",
    "resultScoreScales",
    "results",
    "scoreScales",
    "userProfiles",
    "userResources",
];

/// Six terms: first and last school day of each half of the three English ones.
const TERMS: [(&str, &str, &str, &str); 6] = [
    ("term-2026-autumn-1", "Autumn term, first half", "2026-09-02", "2026-10-23"),
    ("term-2026-autumn-2", "Autumn term, second half", "2026-11-02", "2026-12-18"),
    ("term-2027-spring-1", "Spring term, first half", "2027-01-04", "2027-02-12"),
    ("term-2027-spring-2", "Spring term, second half", "2027-02-22", "2027-03-25"),
    ("term-2027-summer-1", "Summer term, first half", "2027-04-12", "2027-05-28"),
    ("term-2027-summer-2", "Summer term, second half", "2027-06-07", "2027-07-21"),
];

/// A year group as English schools write it.
pub fn year_group(class: usize) -> String {
    match year_of(class) {
        0 => "R".to_owned(),
        year => year.to_string(),
    }
}

/// `sourcedId` of a class.
pub fn class_id(class: usize) -> String {
    let name = CLASSES.get(class).map(|(name, _)| name.to_lowercase()).unwrap_or_default();
    format!("class-{}-{name}", year_group(class).to_lowercase())
}

/// Name and text of every file of the export.
pub fn files(roster: &Roster) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    Ok(vec![
        ("manifest.csv", csv_text(MANIFEST, manifest())?),
        ("orgs.csv", csv_text(ORGS, [org()])?),
        ("academicSessions.csv", csv_text(SESSIONS, sessions())?),
        ("users.csv", csv_text(USERS, users(roster))?),
        ("roles.csv", csv_text(ROLES, roles(roster))?),
        ("courses.csv", csv_text(COURSES, courses())?),
        ("classes.csv", csv_text(CLASSES_HEADER, classes())?),
        ("enrollments.csv", csv_text(ENROLLMENTS, enrollments(roster))?),
        ("demographics.csv", csv_text(DEMOGRAPHICS, roster.pupils.iter().map(demographics))?),
    ])
}

fn manifest() -> Vec<Cells> {
    let property = |name: &str, value: &str| vec![cell("propertyName", name), cell("value", value)];
    let mut files: Vec<(&str, &str)> = BULK.map(|file| (file, "bulk")).into();
    files.extend(ABSENT.map(|file| (file, "absent")));
    files.sort_unstable();
    let mut rows = vec![property("manifest.version", "1.0"), property("oneroster.version", "1.2")];
    rows.extend(files.into_iter().map(|(file, mode)| property(&format!("file.{file}"), mode)));
    rows.push(property("source.systemName", "Schoolbell demo school"));
    rows.push(property("source.systemCode", "schoolbell-demo"));
    rows
}

fn org() -> Cells {
    vec![cell("sourcedId", SCHOOL), cell("name", SCHOOL_NAME), cell("type", "school")]
}

fn sessions() -> Vec<Cells> {
    let year = vec![
        cell("sourcedId", SCHOOL_YEAR),
        cell("title", "School year 2026/27"),
        cell("type", "schoolYear"),
        cell("startDate", "2026-09-02"),
        cell("endDate", "2027-07-21"),
        cell("schoolYear", "2027"),
    ];
    let terms = TERMS.map(|(id, title, first, last)| {
        vec![
            cell("sourcedId", id),
            cell("title", title),
            cell("type", "term"),
            cell("startDate", first),
            cell("endDate", last),
            cell("parentSourcedId", SCHOOL_YEAR),
            cell("schoolYear", "2027"),
        ]
    });
    std::iter::once(year).chain(terms).collect()
}

fn user(id: &str, given: &str, family: &str) -> Cells {
    vec![
        cell("sourcedId", id),
        cell("enabledUser", "true"),
        cell("username", id),
        cell("givenName", given),
        cell("familyName", family),
        cell("primaryOrgSourcedId", SCHOOL),
    ]
}

fn users(roster: &Roster) -> Vec<Cells> {
    let adult = |Contact { id, adult }: &Contact| {
        let mut cells = user(id, adult.given, adult.surname);
        let addresses = [("email", &adult.email), ("sms", &adult.mobile), ("phone", &adult.second)];
        cells.extend(addresses.into_iter().filter_map(|(column, text)| Some(cell(column, text.as_ref()?))));
        cells
    };
    let pupil = |Pupil { id, child }: &Pupil| {
        let mut cells = user(id, child.given, child.surname);
        cells.extend(child.called.map(|called| cell("preferredGivenName", called)));
        let agents = roster.links.iter().filter(|link| link.pupil == *id).map(|link| link.contact.as_str());
        cells.push(cell("agentSourcedIds", agents.collect::<Vec<_>>().join(",")));
        cells
    };
    let pupils = roster.pupils.iter().map(pupil);
    pupils.chain(roster.contacts.iter().map(adult)).chain(roster.teachers.iter().map(adult)).collect()
}

fn roles(roster: &Roster) -> Vec<Cells> {
    let role = |id: &str, role: &str| {
        vec![
            cell("sourcedId", format!("role-{id}")),
            cell("userSourcedId", id),
            cell("roleType", "primary"),
            cell("role", role),
            cell("orgSourcedId", SCHOOL),
        ]
    };
    let pupils = roster.pupils.iter().map(|pupil| role(&pupil.id, "student"));
    let contacts =
        roster.contacts.iter().map(|contact| role(&contact.id, home_role(&contact.id, &roster.links)));
    let teachers = roster.teachers.iter().map(|teacher| role(&teacher.id, "teacher"));
    pupils.chain(contacts).chain(teachers).collect()
}

/// The standard's word for a contact; a user has one, though links may differ.
fn home_role(contact: &str, links: &[Link]) -> &'static str {
    match links.iter().find(|link| link.contact == contact).map(|link| link.bond.role) {
        Some(Role::Mother | Role::Father | Role::Parent | Role::StepParent) => "parent",
        Some(Role::Guardian | Role::FosterCarer) => "guardian",
        Some(Role::Grandparent | Role::Relative | Role::Childminder | Role::Friend | Role::Other) | None => {
            "relative"
        }
    }
}

fn course_id(class: usize) -> String {
    format!("course-{}", year_group(class).to_lowercase())
}

fn year_title(class: usize) -> String {
    match year_of(class) {
        0 => "Reception".to_owned(),
        year => format!("Year {year}"),
    }
}

fn courses() -> Vec<Cells> {
    let course = |class| {
        vec![
            cell("sourcedId", course_id(class)),
            cell("schoolYearSourcedId", SCHOOL_YEAR),
            cell("title", year_title(class)),
            cell("courseCode", year_group(class)),
            cell("orgSourcedId", SCHOOL),
        ]
    };
    (0..CLASSES.len()).step_by(2).map(course).collect()
}

fn classes() -> Vec<Cells> {
    let terms = TERMS.map(|(id, ..)| id).join(",");
    let class = |(class, (name, _)): (usize, &(&str, usize))| {
        vec![
            cell("sourcedId", class_id(class)),
            cell("title", format!("{} {name}", year_title(class))),
            cell("courseSourcedId", course_id(class)),
            cell("classCode", format!("{}{}", year_group(class), name.chars().take(1).collect::<String>())),
            cell("classType", "homeroom"),
            cell("schoolSourcedId", SCHOOL),
            cell("termSourcedIds", &terms),
        ]
    };
    CLASSES.iter().enumerate().map(class).collect()
}

fn enrollments(roster: &Roster) -> Vec<Cells> {
    let enrollment = |class: usize, user: &str, role: &str| {
        vec![
            cell("sourcedId", format!("enrollment-{user}")),
            cell("classSourcedId", class_id(class)),
            cell("schoolSourcedId", SCHOOL),
            cell("userSourcedId", user),
            cell("role", role),
            cell("primary", (role == "teacher").to_string()),
        ]
    };
    let teachers = roster.teachers.iter().enumerate();
    let teachers = teachers.map(|(class, teacher)| enrollment(class, &teacher.id, "teacher"));
    let pupils = roster.pupils.iter().map(|pupil| enrollment(pupil.child.class, &pupil.id, "student"));
    teachers.chain(pupils).collect()
}

fn demographics(Pupil { id, child }: &Pupil) -> Cells {
    let sex = match child.sex {
        Sex::Female => "female",
        Sex::Male => "male",
    };
    vec![cell("sourcedId", id), cell("birthDate", &child.born), cell("sex", sex)]
}
