//! The demo school, as it is compiled in: its files, and who plays which part in the morning.
//!
//! The files are what a school would hand over; [`Cast`] is the script's and is never imported.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::witness::roster::normal;

/// The files that are imported.
pub const FILES: [(&str, &str); 12] = [
    ("manifest.csv", include_str!("../../demo-school/manifest.csv")),
    ("orgs.csv", include_str!("../../demo-school/orgs.csv")),
    ("academicSessions.csv", include_str!("../../demo-school/academicSessions.csv")),
    ("users.csv", include_str!("../../demo-school/users.csv")),
    ("roles.csv", include_str!("../../demo-school/roles.csv")),
    ("courses.csv", include_str!("../../demo-school/courses.csv")),
    ("classes.csv", include_str!("../../demo-school/classes.csv")),
    ("enrollments.csv", include_str!("../../demo-school/enrollments.csv")),
    ("demographics.csv", include_str!("../../demo-school/demographics.csv")),
    ("school.csv", include_str!("../../demo-school/school.csv")),
    ("pupils.csv", include_str!("../../demo-school/pupils.csv")),
    ("contacts.csv", include_str!("../../demo-school/contacts.csv")),
];

/// Parts of the later morning: they are in class.
const IN_CLASS: [&str; 3] = ["accident", "head_bump", "head_bump_partner"];

const CAST: &str = include_str!("../../demo-school/cast.csv");

/// Writes the files into a folder, as a school's export lies in one.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).context("the folder of the roster cannot be made")?;
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text).context("the roster cannot be written")?;
    }
    Ok(())
}

/// Who plays which part.
#[derive(Debug, Clone)]
pub struct Cast {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(rename = "part")]
    name: String,
    pupil_sourced_id: String,
    contact_sourced_id: String,
    address: String,
}

impl Part {
    fn is_address(&self) -> bool {
        ["dead_number", "dead_mailbox"].contains(&self.name.as_str())
    }
}

impl Cast {
    /// Reads the cast.
    pub fn read() -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_reader(CAST.as_bytes());
        let parts = reader.deserialize().collect::<Result<_, _>>().context("cast.csv cannot be read")?;
        Ok(Self { parts })
    }

    /// The `sourcedId` of the pupil who plays this part.
    pub fn pupil(&self, part: &str) -> anyhow::Result<&str> {
        let found = self.parts.iter().find(|line| line.name == part);
        found.map(|line| line.pupil_sourced_id.as_str()).with_context(|| format!("nobody plays {part}"))
    }

    /// The `sourcedId` of the contact on whom this part turns.
    pub fn contact(&self, part: &str) -> anyhow::Result<&str> {
        let found = self.parts.iter().find(|line| line.name == part && !line.contact_sourced_id.is_empty());
        found
            .map(|line| line.contact_sourced_id.as_str())
            .with_context(|| format!("{part} turns on no contact"))
    }

    /// The `sourcedId`s of everybody who is missing when the register closes.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = |line: &&Part| !line.is_address() && !IN_CLASS.contains(&line.name.as_str());
        self.parts.iter().filter(missing).map(|line| line.pupil_sourced_id.as_str())
    }

    /// The `sourcedId`s of everybody who has a part.
    pub fn everybody(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|line| line.pupil_sourced_id.as_str()).collect::<BTreeSet<_>>().into_iter()
    }

    /// The addresses at which nothing arrives, as the log writes them.
    pub fn dead(&self) -> impl Iterator<Item = String> {
        self.parts.iter().filter(|line| line.is_address()).map(|line| normal(&line.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::witness::roster::Roster;

    #[test]
    fn every_file_of_the_folder_but_the_cast_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo-school");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "cast.csv" && name != "README.md")
            .collect();
        names.sort();
        let mut known = FILES.map(|(name, _)| name);
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn nine_pupils_of_the_roster_are_missing_and_three_addresses_are_dead() {
        let (cast, roster) = (Cast::read().unwrap(), Roster::read(&FILES).unwrap());
        let missing: Vec<&str> = cast.missing().collect();
        assert_eq!(missing.len(), 9);
        assert!(missing.iter().all(|pupil| roster.pupils.contains_key(*pupil)));
        assert_eq!(cast.dead().filter(|address| roster.readers(address).next().is_some()).count(), 3);
        for part in IN_CLASS {
            assert!(!missing.contains(&cast.pupil(part).unwrap()), "{part}");
        }
        assert!(cast.pupil("nobody").is_err());
        assert!(roster.contacts.contains_key(cast.contact("barred_father").unwrap()));
        assert!(cast.contact("sibling_a").is_err());
    }
}
