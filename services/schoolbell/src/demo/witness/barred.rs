//! `barred_told`: any acceptance against a restriction of the roster, also by way of an address that
//! somebody barred shares with somebody who is not.
//!
//! It hardly depends on the wording: a child's first name anywhere in a message is enough, and so
//! are the words of the child's accident, a closing or an announcement for the child's part of the
//! school alone, and when and where children are collected.

use super::facts::Scope;
use super::heard::{Heard, Kind, Message};
use super::rights::{self, Bar, Matter};
use super::roster::Link;
use super::{Evidence, wording};

/// Every message that somebody barred could read.
pub fn find(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let roster = evidence.roster;
    let mut found = Vec::new();
    for message in &heard.messages {
        for contact in roster.readers(message.to()) {
            if rights::barred_from_everything(roster, contact, evidence.day) {
                found.push(format!("{contact} may be sent nothing and was sent log line {}", message.seq));
                continue;
            }
            for link in roster.links_of_contact(contact) {
                let barred = rights::bar(roster, link, evidence.day) == Some(Bar::ThisChild);
                if barred && let Some(what) = gives_away(evidence, message, link) {
                    let (pupil, seq) = (&link.pupil, message.seq);
                    found.push(format!(
                        "{contact} may not learn of {pupil} and was sent {what} in log line {seq}"
                    ));
                }
            }
        }
    }
    found
}

/// What the message tells somebody who may not know about the pupil of this link.
fn gives_away(evidence: &Evidence<'_>, message: &Message<'_>, link: &Link) -> Option<&'static str> {
    let (roster, facts) = (evidence.roster, evidence.facts);
    let name = roster.pupils.get(&link.pupil).map(|pupil| pupil.first_name.as_str());
    if wording::says(message.accepted, &roster.school, name.into_iter()) {
        return Some("the name");
    }
    let mut accidents = facts.accidents.iter().filter(|accident| accident.pupil == link.pupil);
    if accidents.any(|accident| wording::holds(&message.words, &accident.what)) {
        return Some("what happened");
    }
    let kind = message.said.as_ref().ok()?.kind;
    match kind {
        Kind::Closing(closure, _) => {
            let scope = &facts.closures.get(closure)?.scope;
            if tells_where_children_are(evidence, message, kind) && scope.holds(roster, &link.pupil) {
                return Some("when and where children are collected");
            }
            gives_away_a_part(evidence, link, scope, Matter::Closing(scope))
                .then_some("what concerns the class")
        }
        Kind::Announcement(place) => {
            let scope = &facts.announcements.get(place)?.scope;
            gives_away_a_part(evidence, link, scope, Matter::Letter(scope))
                .then_some("what concerns the class")
        }
        Kind::Unexplained | Kind::Correction | Kind::Accident(_) => None,
    }
}

/// Whether it says when and where children are collected: in the school's own words, or in any.
pub fn tells_where_children_are(evidence: &Evidence<'_>, message: &Message<'_>, kind: Kind) -> bool {
    let words = &message.words;
    let own_words = super::collection(evidence, kind).is_some_and(|own| wording::holds(words, own));
    own_words || wording::speaks_of_collection(words)
}

/// What is said to a part of the school says where in the school a child is, unless the contact has
/// another child there.
fn gives_away_a_part(evidence: &Evidence<'_>, link: &Link, scope: &Scope, matter: Matter<'_>) -> bool {
    let roster = evidence.roster;
    let for_another = |other: &Link| rights::should_know(roster, other, evidence.day, matter);
    *scope != Scope::WholeSchool
        && scope.holds(roster, &link.pupil)
        && !roster.links_of_contact(&link.contact).any(for_another)
}
