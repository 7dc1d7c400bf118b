//! The witness's own reading of the school's files: who there is, who belongs to whom, and what the
//! school wrote down about it.
//!
//! It reads `users.csv`, `pupils.csv`, `contacts.csv` and `school.csv` as they lie there, and takes
//! nothing from the directory. It is no importer: a file that it cannot understand is an error.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why the files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not there.
    #[error("the roster has no {0}")]
    Missing(&'static str),
    /// A line is not what it should be. (The parser's own words could repeat it.)
    #[error("{file} cannot be read as the witness reads it, near line {line}")]
    Line {
        /// Which file.
        file: &'static str,
        /// Counted from 1.
        line: u64,
    },
    /// Somebody is mentioned whom `users.csv` does not hold.
    #[error("{file} mentions {id}, who is not in users.csv")]
    Stranger {
        /// Where.
        file: &'static str,
        /// The `sourcedId`.
        id: String,
    },
}

/// The school as its files have it.
#[derive(Debug, Clone)]
pub struct Roster {
    /// As it stands before each text.
    pub school: String,
    /// As parents are asked to ring it.
    pub phone: String,
    /// By `sourcedId`.
    pub pupils: BTreeMap<String, Pupil>,
    /// By `sourcedId`.
    pub contacts: BTreeMap<String, Contact>,
    /// One for each pupil and contact.
    pub links: Vec<Link>,
    by_address: BTreeMap<String, BTreeSet<String>>,
    by_pupil: BTreeMap<String, Vec<usize>>,
    by_contact: BTreeMap<String, Vec<usize>>,
}

/// A child.
#[derive(Debug, Clone)]
pub struct Pupil {
    /// The name that the child is called by.
    pub first_name: String,
    /// Never in a text.
    pub family_name: String,
    /// The class's `sourcedId`.
    pub class: String,
    /// No automation runs about this child.
    pub person_only: bool,
}

/// A person at home.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Given and family name.
    pub name: String,
    /// Never in a text.
    pub family_name: String,
    /// As the school typed them.
    pub written: Vec<String>,
    /// As the log writes them: E.164, lower case.
    pub addresses: Vec<String>,
}

/// What stands between a pupil and a contact.
#[derive(Debug, Clone)]
pub struct Link {
    /// The pupil's `sourcedId`.
    pub pupil: String,
    /// The contact's `sourcedId`.
    pub contact: String,
    /// mother, father, grandparent …
    pub role: String,
    /// The school's order.
    pub priority: u32,
    /// yes, no, unknown.
    pub parental_responsibility: String,
    /// The child lives there.
    pub lives_with: bool,
    /// For emergencies.
    pub emergency_only: bool,
    /// none, no_child_information, no_contact.
    pub restriction: String,
    /// Since when; from the beginning when it is not said.
    pub restricted_from: Option<Date>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    sourced_id: String,
    given_name: String,
    family_name: String,
    email: String,
    sms: String,
    phone: String,
    preferred_given_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PupilLine {
    sourced_id: String,
    person_only: bool,
    class: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContactLine {
    pupil_sourced_id: String,
    contact_sourced_id: String,
    role: String,
    priority: u32,
    parental_responsibility: String,
    lives_with: bool,
    emergency_only: bool,
    restriction: String,
    restriction_from: Option<Date>,
}

#[derive(Deserialize)]
struct SchoolLine {
    name: String,
    phone: String,
}

impl Roster {
    /// Reads the files, given as names and texts.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, Error> {
        let school: SchoolLine =
            lines(files, "school.csv")?.into_iter().next().ok_or(Error::Missing("school.csv"))?;
        let users: Vec<User> = lines(files, "users.csv")?;
        let users: BTreeMap<String, User> =
            users.into_iter().map(|user| (user.sourced_id.clone(), user)).collect();
        let find = |file, id: &str| users.get(id).ok_or_else(|| Error::Stranger { file, id: id.to_owned() });
        let mut roster = Self {
            school: school.name,
            phone: school.phone,
            pupils: BTreeMap::new(),
            contacts: BTreeMap::new(),
            links: Vec::new(),
            by_address: BTreeMap::new(),
            by_pupil: BTreeMap::new(),
            by_contact: BTreeMap::new(),
        };
        for line in lines::<PupilLine>(files, "pupils.csv")? {
            let user = find("pupils.csv", &line.sourced_id)?;
            roster.pupils.insert(line.sourced_id.clone(), pupil(user, line));
        }
        for line in lines::<ContactLine>(files, "contacts.csv")? {
            let user = find("contacts.csv", &line.contact_sourced_id)?;
            roster.contacts.entry(line.contact_sourced_id.clone()).or_insert_with(|| contact(user));
            let place = roster.links.len();
            roster.by_pupil.entry(line.pupil_sourced_id.clone()).or_default().push(place);
            roster.by_contact.entry(line.contact_sourced_id.clone()).or_default().push(place);
            roster.links.push(link(line));
        }
        for (id, contact) in &roster.contacts {
            for address in &contact.addresses {
                roster.by_address.entry(address.clone()).or_default().insert(id.clone());
            }
        }
        Ok(roster)
    }

    /// Everybody who reads what is sent to this address.
    pub fn readers<'a>(&'a self, address: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.by_address.get(address).into_iter().flatten().map(String::as_str)
    }

    /// The links of this pupil.
    pub fn links_of_pupil<'a>(&'a self, pupil: &str) -> impl Iterator<Item = &'a Link> + use<'a> {
        self.at(self.by_pupil.get(pupil))
    }

    /// The links of this contact.
    pub fn links_of_contact<'a>(&'a self, contact: &str) -> impl Iterator<Item = &'a Link> + use<'a> {
        self.at(self.by_contact.get(contact))
    }

    fn at<'a>(&'a self, places: Option<&'a Vec<usize>>) -> impl Iterator<Item = &'a Link> + use<'a> {
        places.into_iter().flatten().filter_map(|place| self.links.get(*place))
    }

    /// The links of everybody who reads what is sent to this address.
    pub fn links_at<'a>(&'a self, address: &str) -> impl Iterator<Item = &'a Link> + use<'a> {
        self.readers(address).flat_map(|contact| self.links_of_contact(contact))
    }
}

fn lines<T: DeserializeOwned>(files: &[(&str, &str)], name: &'static str) -> Result<Vec<T>, Error> {
    let (_, text) = files.iter().find(|(file, _)| *file == name).ok_or(Error::Missing(name))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let read = reader.deserialize().collect::<Result<Vec<T>, csv::Error>>();
    read.map_err(|error| Error::Line { file: name, line: error.position().map_or(0, csv::Position::line) })
}

fn pupil(user: &User, line: PupilLine) -> Pupil {
    let called = [&user.preferred_given_name, &user.given_name].into_iter().find(|name| !name.is_empty());
    Pupil {
        first_name: called.cloned().unwrap_or_default(),
        family_name: user.family_name.clone(),
        class: line.class,
        person_only: line.person_only,
    }
}

fn contact(user: &User) -> Contact {
    let written: Vec<String> = [&user.sms, &user.phone, &user.email]
        .into_iter()
        .filter(|address| !address.is_empty())
        .cloned()
        .collect();
    Contact {
        name: format!("{} {}", user.given_name, user.family_name),
        family_name: user.family_name.clone(),
        addresses: written.iter().map(|address| normal(address)).collect(),
        written,
    }
}

fn link(line: ContactLine) -> Link {
    Link {
        pupil: line.pupil_sourced_id,
        contact: line.contact_sourced_id,
        role: line.role,
        priority: line.priority,
        parental_responsibility: line.parental_responsibility,
        lives_with: line.lives_with,
        emergency_only: line.emergency_only,
        restriction: line.restriction,
        restricted_from: line.restriction_from,
    }
}

/// A British number or a mailbox, spelt as in the log.
pub fn normal(written: &str) -> String {
    if written.contains('@') {
        return written.trim().to_lowercase();
    }
    let digits: String = written.chars().filter(|letter| letter.is_ascii_digit() || *letter == '+').collect();
    match digits.strip_prefix("00").or_else(|| digits.strip_prefix('+')) {
        Some(international) => format!("+{international}"),
        None => format!("+44{}", digits.trim_start_matches('0')),
    }
}
