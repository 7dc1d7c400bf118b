//! `told_twice`: accepted twice for the same contact, pupil, kind and gathering on one address.
//!
//! A message to an address belongs to every contact who reads it and is linked to a child that it
//! names. The log knows no gatherings, and needs none: a child has one absence in a session, and a
//! fact gathers once.

use std::collections::BTreeMap;

use super::heard::Message;
use super::roster::Roster;

/// What was told more than once: one finding for each time too many.
pub fn find(roster: &Roster, messages: &[Message<'_>]) -> Vec<String> {
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for message in messages {
        let Ok(meant) = &message.said else { continue };
        for link in roster.links_at(message.to()) {
            if !meant.pupils.contains(&link.pupil.as_str()) {
                continue;
            }
            let (contact, pupil) = (link.contact.as_str(), link.pupil.as_str());
            if let Some(first) = seen.insert((contact, pupil, meant.kind, message.to()), message.seq) {
                found.push(format!(
                    "{contact} was told the same about {pupil} again at one address (log lines {first} and {})",
                    message.seq
                ));
            }
        }
    }
    found
}
