//! Schools of any size: a OneRoster export in which every contact has one address and a number of its own.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::ops::Range;

use zip::write::SimpleFileOptions;

use crate::sink::number;

/// Contacts of a pupil.
const PARENTS: u64 = 2;
const CLASS: u64 = 30;

/// By what contacts can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A mobile only.
    Mobile,
    /// A mailbox only.
    Mailbox,
}

/// A school.
#[derive(Debug, Clone)]
pub struct Roster {
    /// In the school's own system.
    pub school: String,
    /// The contacts, by the numbers that they have at the sink.
    pub contacts: Range<u64>,
    /// How all of them are reached.
    pub reach: Reach,
}

impl Roster {
    /// Schools that have so many contacts together.
    pub fn many(contacts: u64, most: u64, reach: Reach) -> Vec<Self> {
        let schools = contacts.div_ceil(most);
        let school = |place| Self {
            school: format!("school-{place}"),
            contacts: place * most..contacts.min((place + 1) * most),
            reach,
        };
        (0..schools).map(school).collect()
    }

    /// The zip that is imported.
    pub fn archive(&self) -> anyhow::Result<Vec<u8>> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in self.files()? {
            zip.start_file(name, SimpleFileOptions::default())?;
            zip.write_all(text.as_bytes())?;
        }
        Ok(zip.finish()?.into_inner())
    }

    fn files(&self) -> Result<Vec<(&'static str, String)>, std::fmt::Error> {
        let school = &self.school;
        let mut manifest = String::from("propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n");
        for file in ["orgs", "academicSessions", "users", "roles", "classes", "enrollments"] {
            writeln!(manifest, "file.{file},bulk")?;
        }
        Ok(vec![
            ("manifest.csv", manifest),
            ("orgs.csv", format!("sourcedId,status,name,type\n{school},,Hillside School,school\n")),
            (
                "academicSessions.csv",
                "sourcedId,status,title,type,startDate,endDate\nterm,,Autumn,term,2026-09-01,2026-12-18\n"
                    .to_owned(),
            ),
            (
                "school.csv",
                format!(
                    "orgSourcedId,name,phone,amRegisterOpens,amRegisterCloses,amSessionEnds,pmRegisterOpens,\
                     pmRegisterCloses,pmSessionEnds,dutyNumbers\n\
                     {school},Hillside School,01632 960002,08:50,09:15,12:00,13:00,13:20,15:20,\n"
                ),
            ),
            ("classes.csv", self.classes()?),
            ("users.csv", self.users()?),
            ("roles.csv", self.roles()?),
            ("enrollments.csv", self.enrollments()?),
            ("pupils.csv", self.pupils()?),
            ("contacts.csv", self.links()?),
        ])
    }

    fn families(&self) -> impl Iterator<Item = (u64, Range<u64>)> {
        let Range { start, end } = self.contacts;
        let pupils = (end - start).div_ceil(PARENTS);
        (0..pupils).map(move |pupil| {
            let first = start + pupil * PARENTS;
            (pupil, first..end.min(first + PARENTS))
        })
    }

    fn classes(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::from("sourcedId,status,title,classType,schoolSourcedId,termSourcedIds\n");
        for class in 0..self.families().count().div_ceil(30) {
            writeln!(text, "class-{class},,Class {class},homeroom,{},term", self.school)?;
        }
        Ok(text)
    }

    fn users(&self) -> Result<String, std::fmt::Error> {
        let mut text =
            String::from("sourcedId,status,givenName,familyName,email,sms,phone,agentSourcedIds\n");
        for (pupil, parents) in self.families() {
            let agents: Vec<String> = parents.clone().map(|contact| format!("c{contact}")).collect();
            writeln!(text, "p{pupil},,Child{pupil},Family,,,,\"{}\"", agents.join(","))?;
            for contact in parents {
                let (email, sms) = match self.reach {
                    Reach::Mobile => (String::new(), number(contact)),
                    Reach::Mailbox => (format!("parent{contact}@example.org"), String::new()),
                };
                writeln!(text, "c{contact},,Parent{contact},Family,{email},{sms},,")?;
            }
        }
        Ok(text)
    }

    fn roles(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::from("sourcedId,status,userSourcedId,roleType,role,orgSourcedId\n");
        for (pupil, parents) in self.families() {
            writeln!(text, "r-p{pupil},,p{pupil},primary,student,{}", self.school)?;
            for contact in parents {
                writeln!(text, "r-c{contact},,c{contact},primary,parent,{}", self.school)?;
            }
        }
        Ok(text)
    }

    fn enrollments(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::from("sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role\n");
        for (pupil, _) in self.families() {
            writeln!(text, "e{pupil},,class-{},{},p{pupil},student", pupil / CLASS, self.school)?;
        }
        Ok(text)
    }

    fn pupils(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::from("sourcedId,personOnly,personOnlyReason,yearGroup,class\n");
        for (pupil, _) in self.families() {
            writeln!(text, "p{pupil},false,,{},class-{}", 1 + pupil / CLASS % 6, pupil / CLASS)?;
        }
        Ok(text)
    }

    fn links(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::from(
            "pupilSourcedId,contactSourcedId,role,priority,parentalResponsibility,livesWith,emergencyOnly,\
             restriction,restrictionEvidence,restrictionFrom,restrictionUntil,language,noVoice\n",
        );
        for (pupil, parents) in self.families() {
            for (place, contact) in (1..).zip(parents) {
                writeln!(text, "p{pupil},c{contact},parent,{place},yes,true,false,none,,,,en,false")?;
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schools_share_the_contacts_and_each_pupil_has_two() {
        let schools = Roster::many(25, 10, Reach::Mobile);
        let counts: Vec<(u64, usize)> = schools
            .iter()
            .map(|school| (school.contacts.end - school.contacts.start, school.families().count()))
            .collect();
        assert_eq!(counts, [(10, 5), (10, 5), (5, 3)]);
        let users = schools[2].users().unwrap();
        assert!(users.contains("p2,,Child2,Family,,,,\"c24\""), "{users}");
        assert!(users.contains("c24,,Parent24,Family,,+999000000000024,,"), "{users}");
    }
}
