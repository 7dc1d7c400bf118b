//! `told_wrongly`: the wrong child or wording, told after it was known to be otherwise, or told in
//! error and not corrected.
//!
//! A message to somebody barred is [`barred`](super::barred)'s and not counted here again, but for
//! the words about collecting children: those are wrong wording besides.

mod absence;
mod accident;
mod closing;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Evidence;
use super::heard::{Heard, Kind, Meant, Message};
use super::rights::{self, Matter};
use super::wording;

/// Everything that should not have been said, or not then, and every error that was left standing.
pub fn find(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let names = Names::of(evidence);
    let mut found = Vec::new();
    for message in &heard.messages {
        let faults = faults(evidence, (heard, &names), message);
        found.extend(faults.into_iter().map(|fault| format!("log line {}: {fault}", message.seq)));
    }
    found.extend(absence::uncorrected(evidence, heard));
    found.extend(closing::on_the_website(evidence, &names));
    found
}

fn faults(
    evidence: &Evidence<'_>,
    (heard, names): (&Heard<'_>, &Names<'_>),
    message: &Message<'_>,
) -> Vec<String> {
    let roster = evidence.roster;
    if roster.readers(message.to()).next().is_none() {
        return vec!["it went to an address that is nobody's in the roster".to_owned()];
    }
    let meant = match &message.said {
        Ok(meant) => meant,
        Err(fault) => return vec![fault.to_string()],
    };
    let mut faults = Vec::new();
    if meant.strange_names > 0 {
        faults.push("it names somebody who is no child of this address".to_owned());
    }
    if names_a_family(evidence, message, meant) {
        faults.push("it holds a family name".to_owned());
    }
    if !matches!(meant.kind, Kind::Announcement(_)) && names.another_than(&meant.pupils, evidence, message) {
        faults.push("it names another child".to_owned());
    }
    for pupil in &meant.pupils {
        let fault = match meant.kind {
            Kind::Unexplained => absence::unexplained(evidence, message, pupil),
            Kind::Correction => absence::correction(evidence, heard, (message, pupil)),
            Kind::Accident(injury) => accident::told(evidence, message, (pupil, injury)),
            Kind::Closing(..) | Kind::Announcement(_) => None,
        };
        faults.extend(fault.map(|fault| format!("{pupil} {fault}")));
    }
    faults.extend(accident::of_another_child(evidence, message, &meant.pupils));
    match meant.kind {
        Kind::Closing(closure, stage) => faults.extend(closing::told(evidence, message, (closure, stage))),
        Kind::Announcement(place) => faults.extend(closing::announced(evidence, message, place)),
        Kind::Unexplained | Kind::Correction | Kind::Accident(_) => {}
    }
    faults
}

/// The first names of everybody on roll, to be found as words.
struct Names<'a>(BTreeSet<&'a str>);

impl<'a> Names<'a> {
    fn of(evidence: &Evidence<'a>) -> Self {
        let roster = evidence.roster;
        Self(roster.pupils.values().flat_map(|pupil| wording::words(&pupil.first_name)).collect())
    }

    fn another_than(&self, pupils: &[&str], evidence: &Evidence<'_>, message: &Message<'_>) -> bool {
        let roster = evidence.roster;
        let own: Vec<&str> = pupils
            .iter()
            .filter_map(|pupil| roster.pupils.get(*pupil))
            .flat_map(|pupil| wording::words(&pupil.first_name))
            .chain(wording::words(&roster.school))
            .collect();
        // Whom a strange name means is another matter, and counted once.
        let strangers = message.said.as_ref().is_ok_and(|meant| meant.strange_names > 0);
        !strangers && wording::words(&message.words).any(|word| self.holds(word) && !own.contains(&word))
    }

    /// Names begin with a capital letter; few other words do.
    fn holds(&self, word: &str) -> bool {
        word.starts_with(char::is_uppercase) && self.0.contains(word)
    }

    fn stand_in(&self, text: &str) -> bool {
        wording::words(text).any(|word| self.holds(word))
    }
}

/// In a text, which anybody can read on a locked screen.
fn names_a_family(evidence: &Evidence<'_>, message: &Message<'_>, meant: &Meant<'_>) -> bool {
    if message.accepted.channel != simulator::Medium::Sms {
        return false;
    }
    let roster = evidence.roster;
    // A family may be called like somebody's first name: then the name is said as a first name.
    let first_names: Vec<&str> = meant
        .pupils
        .iter()
        .filter_map(|pupil| roster.pupils.get(*pupil))
        .map(|pupil| pupil.first_name.as_str())
        .collect();
    let of_pupil = |pupil: &&str| {
        let own = roster.pupils.get(*pupil).map(|pupil| pupil.family_name.as_str());
        let at_home = roster
            .links_of_pupil(pupil)
            .filter_map(|link| roster.contacts.get(&link.contact))
            .map(|contact| contact.family_name.as_str());
        own.into_iter().chain(at_home).collect::<Vec<_>>()
    };
    let families = meant.pupils.iter().flat_map(of_pupil).filter(|name| !first_names.contains(name));
    wording::says(message.accepted, &roster.school, families)
}

/// Whether nobody who reads it should know of this pupil, nor is barred, which counts elsewhere.
fn went_to_no_family(evidence: &Evidence<'_>, message: &Message<'_>, pupil: &str) -> bool {
    let roster = evidence.roster;
    let mut links = roster.links_at(message.to()).filter(|link| link.pupil == pupil);
    !links.any(|link| {
        rights::should_know(roster, link, evidence.day, Matter::Child)
            || rights::bar(roster, link, evidence.day).is_some()
    })
}

/// Whether `at` is after `known`, by more than a request can be in the air.
fn is_later(evidence: &Evidence<'_>, at: Timestamp, known: Option<Timestamp>) -> bool {
    known.is_some_and(|known| at.duration_since(known) > evidence.in_the_air)
}
