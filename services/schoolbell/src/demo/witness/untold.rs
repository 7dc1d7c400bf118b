//! `not_told`: an entitled contact and a missing pupil with neither a message accepted to a live
//! address nor an open task that names both.
//!
//! A pupil about whom only a person speaks, or whom nobody may be told about, counts when no open task
//! names the pupil. Nobody has to be told of a pupil for whom a reason or an arrival was known before
//! the absences had left together.

use super::heard::Message;
use super::wording::Kind;
use super::{Evidence, Missing, rights};

/// Everybody who should know and does not.
pub fn find(evidence: &Evidence<'_>, messages: &[Message<'_>]) -> Vec<String> {
    let must_be_told = |missing: &&Missing| {
        let leaves_at = missing.closed_at.saturating_add(evidence.gathers_for).unwrap_or(missing.closed_at);
        missing.settled_at().is_none_or(|settled| settled > leaves_at)
    };
    let missing = evidence.missing.iter().filter(must_be_told);
    missing.flat_map(|missing| about(evidence, messages, &missing.pupil)).collect()
}

fn about(evidence: &Evidence<'_>, messages: &[Message<'_>], pupil: &str) -> Vec<String> {
    let roster = evidence.roster;
    let is_asked = |people: &[&str]| evidence.tasks.iter().any(|task| task.names_all(people));
    if roster.pupils.get(pupil).is_some_and(|pupil| pupil.person_only) {
        let silent = format!("nobody was asked to speak to the family of {pupil}");
        return if is_asked(&[pupil]) { Vec::new() } else { vec![silent] };
    }
    let entitled: Vec<&str> = roster
        .links_of_pupil(pupil)
        .filter(|link| rights::should_know(roster, link, evidence.day))
        .map(|link| link.contact.as_str())
        .collect();
    if entitled.is_empty() && !is_asked(&[pupil]) {
        return vec![format!("{pupil} has nobody to tell, and nobody was asked to see to it")];
    }
    let untold = entitled.into_iter().filter(|contact| {
        let told = messages.iter().any(|message| {
            message.tells(Kind::Unexplained, pupil)
                && !evidence.dead.contains(message.to())
                && roster.readers(message.to()).any(|reader| reader == *contact)
        });
        !told && !is_asked(&[contact, pupil])
    });
    untold.map(|contact| format!("{contact} was not told of {pupil}, and nobody was asked to")).collect()
}
