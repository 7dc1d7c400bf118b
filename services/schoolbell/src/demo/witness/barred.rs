//! `barred_told`: any acceptance against a restriction of the roster, also by way of an address that
//! somebody barred shares with somebody who is not.
//!
//! It does not depend on the wording: a child's first name anywhere in a message is enough.

use super::Evidence;
use super::heard::Message;
use super::rights::{self, Bar};
use super::wording;

/// Every message that somebody barred could read.
pub fn find(evidence: &Evidence<'_>, messages: &[Message<'_>]) -> Vec<String> {
    let roster = evidence.roster;
    let mut found = Vec::new();
    for message in messages {
        for contact in roster.readers(message.to()) {
            if rights::barred_from_everything(roster, contact, evidence.day) {
                found.push(format!("{contact} may be sent nothing and was sent log line {}", message.seq));
                continue;
            }
            for link in roster.links_of_contact(contact) {
                let barred = rights::bar(roster, link, evidence.day) == Some(Bar::ThisChild);
                let name = roster.pupils.get(&link.pupil).map(|pupil| pupil.first_name.as_str());
                if barred && wording::says(message.accepted, &roster.school, name.into_iter()) {
                    found.push(format!(
                        "{contact} may not learn of {} and was sent log line {}",
                        link.pupil, message.seq
                    ));
                }
            }
        }
    }
    found
}
