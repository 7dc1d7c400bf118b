//! `told_twice`: accepted twice for the same contact, pupil, kind and gathering on one address; of a
//! closing or an announcement, which name nobody, twice for the same contact on one address.
//!
//! A message to an address belongs to every contact who reads it and is linked to a child that it
//! names. The log knows no gatherings, and needs none: a child has one absence in a session and one
//! accident of a kind, and a fact gathers once.

use std::collections::BTreeMap;

use super::heard::{Heard, Kind, Message};
use super::roster::Roster;

/// What was told more than once: one finding for each time too many.
pub fn find(roster: &Roster, heard: &Heard<'_>) -> Vec<String> {
    let mut seen: BTreeMap<(&str, &str, Kind, &str), u64> = BTreeMap::new();
    let mut found = Vec::new();
    for message in &heard.messages {
        for (contact, pupil, kind) in told(roster, message) {
            if let Some(first) = seen.insert((contact, pupil, kind, message.to()), message.seq) {
                let about = if pupil.is_empty() { "the school" } else { pupil };
                found.push(format!(
                    "{contact} was told the same about {about} again at one address (log lines {first} and {})",
                    message.seq
                ));
            }
        }
    }
    found
}

/// Who is told about whom.
fn told<'a>(roster: &'a Roster, message: &'a Message<'_>) -> Vec<(&'a str, &'a str, Kind)> {
    let Ok(meant) = &message.said else { return Vec::new() };
    match meant.kind {
        Kind::Closing(..) | Kind::Announcement(_) => {
            roster.readers(message.to()).map(|contact| (contact, "", meant.kind)).collect()
        }
        Kind::Unexplained | Kind::Correction | Kind::Accident(_) => {
            let links = roster.links_at(message.to());
            let named = links.filter(|link| meant.pupils.contains(&link.pupil.as_str()));
            named.map(|link| (link.contact.as_str(), link.pupil.as_str(), meant.kind)).collect()
        }
    }
}
