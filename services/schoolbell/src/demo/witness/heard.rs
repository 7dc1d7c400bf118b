//! What was heard: each accepted message of the log, with what it says and whom it can mean.
//!
//! A first name means the child of that name who belongs to somebody who reads the address, and
//! nobody else.

use jiff::Timestamp;
use simulator::{Accepted, Entry};

use super::Evidence;
use super::roster::Roster;
use super::wording::{self, Fault, Kind, Speaker};

/// A message that a provider took.
pub struct Message<'a> {
    /// Its line in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// As the provider took it.
    pub accepted: &'a Accepted,
    /// What it says, or why it should not be said like that.
    pub said: Result<Meant<'a>, Fault>,
}

/// What is said about whom.
pub struct Meant<'a> {
    /// What.
    pub kind: Kind,
    /// The children that can be meant.
    pub pupils: Vec<&'a str>,
    /// How many names mean no child of this address.
    pub strange_names: usize,
}

impl Message<'_> {
    /// Whether it says this about that child.
    pub fn tells(&self, kind: Kind, pupil: &str) -> bool {
        self.said.as_ref().is_ok_and(|meant| meant.kind == kind && meant.pupils.contains(&pupil))
    }

    /// Where it went.
    pub fn to(&self) -> &str {
        &self.accepted.to
    }
}

/// Reads every accepted message.
pub fn listen<'a>(evidence: &Evidence<'a>) -> Vec<Message<'a>> {
    let roster = evidence.roster;
    let speaker = Speaker { school: &roster.school, phone: &roster.phone, session: evidence.session };
    let listen = |entry: &'a Entry| {
        let accepted = entry.accepted()?;
        let said = wording::read(accepted, speaker).map(|said| {
            let meant: Vec<Option<&str>> =
                said.names.iter().map(|name| child(evidence, &accepted.to, name)).collect();
            Meant {
                kind: said.kind,
                strange_names: meant.iter().filter(|pupil| pupil.is_none()).count(),
                pupils: meant.into_iter().flatten().collect(),
            }
        });
        Some(Message { seq: entry.seq, at: entry.at, accepted, said })
    };
    evidence.log.iter().filter_map(listen).collect()
}

/// The child of this name who belongs to this address; of two of one name, the missing one.
fn child<'a>(evidence: &Evidence<'a>, address: &str, name: &str) -> Option<&'a str> {
    let roster: &'a Roster = evidence.roster;
    let mut of_that_name: Vec<&'a str> = roster
        .readers(address)
        .flat_map(|contact| roster.links.iter().filter(move |link| link.contact == contact))
        .filter(|link| roster.pupils.get(&link.pupil).is_some_and(|pupil| pupil.first_name == name))
        .map(|link| link.pupil.as_str())
        .collect();
    of_that_name.sort_by_key(|pupil| !evidence.missing.iter().any(|missing| missing.pupil == *pupil));
    of_that_name.first().copied()
}
