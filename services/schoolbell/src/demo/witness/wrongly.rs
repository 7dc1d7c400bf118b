//! `told_wrongly`: the wrong child or wording, told after a reason or an arrival was known, or told in
//! error and not corrected.
//!
//! A message to somebody barred is [`barred`](super::barred)'s and not counted here again.

use jiff::Timestamp;

use super::heard::{Meant, Message};
use super::roster::Link;
use super::wording::{self, Kind};
use super::{Evidence, IN_THE_AIR, Missing, rights};

/// Everything that should not have been said, or not then, and every error that was left standing.
pub fn find(evidence: &Evidence<'_>, messages: &[Message<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for message in messages {
        let faults = faults(evidence, messages, message);
        found.extend(faults.into_iter().map(|fault| format!("log line {}: {fault}", message.seq)));
    }
    found.extend(uncorrected(evidence, messages));
    found
}

fn faults(evidence: &Evidence<'_>, messages: &[Message<'_>], message: &Message<'_>) -> Vec<String> {
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
    for pupil in &meant.pupils {
        let fault = match meant.kind {
            Kind::Unexplained => unexplained(evidence, message, pupil),
            Kind::Correction => correction(evidence, messages, (message, pupil)),
        };
        faults.extend(fault.map(|fault| format!("{pupil} {fault}")));
    }
    faults
}

fn unexplained(evidence: &Evidence<'_>, message: &Message<'_>, pupil: &str) -> Option<&'static str> {
    let roster = evidence.roster;
    let Some(missing) = missing(evidence, pupil) else { return Some("is not missing") };
    if roster.pupils.get(pupil).is_some_and(|pupil| pupil.person_only) {
        return Some("is a person's to speak about, and nothing should be sent");
    }
    if message.at < missing.closed_at {
        return Some("was told of before the register closed");
    }
    if is_later(message.at, missing.reason_known_at) {
        return Some("was told of after the reason was known");
    }
    if is_later(message.at, missing.arrived_at) {
        return Some("was told of after the arrival was known");
    }
    let reads = |link: &&Link| link.pupil == pupil;
    let right = roster.links_at(message.to()).filter(reads).any(|link| {
        rights::should_know(roster, link, evidence.day) || rights::bar(roster, link, evidence.day).is_some()
    });
    (!right).then_some("was told of to somebody who is not told at once")
}

fn correction(
    evidence: &Evidence<'_>,
    messages: &[Message<'_>],
    (message, pupil): (&Message<'_>, &str),
) -> Option<&'static str> {
    let arrived = missing(evidence, pupil).and_then(|missing| missing.arrived_at);
    let Some(arrived) = arrived else { return Some("is said to be in school and has not arrived") };
    if is_later(arrived, Some(message.at)) {
        return Some("is said to be in school before the arrival was known");
    }
    let told = |earlier: &&Message<'_>| {
        earlier.seq < message.seq && earlier.to() == message.to() && earlier.tells(Kind::Unexplained, pupil)
    };
    messages.iter().find(told).is_none().then_some("is corrected where nobody was told")
}

/// Who was told of a child who then arrived must hear that at the same address, if anything arrives there.
fn uncorrected(evidence: &Evidence<'_>, messages: &[Message<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for missing in evidence.missing.iter().filter(|missing| missing.arrived_at.is_some()) {
        let told = messages.iter().filter(|message| {
            message.tells(Kind::Unexplained, &missing.pupil) && !evidence.dead.contains(message.to())
        });
        for told in told {
            let corrected = messages.iter().any(|later| {
                later.seq > told.seq
                    && later.to() == told.to()
                    && later.tells(Kind::Correction, &missing.pupil)
            });
            if !corrected {
                found.push(format!(
                    "log line {}: {} arrived and it was not corrected",
                    told.seq, missing.pupil
                ));
            }
        }
    }
    found
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

fn missing<'a>(evidence: &Evidence<'a>, pupil: &str) -> Option<&'a Missing> {
    evidence.missing.iter().find(|missing| missing.pupil == pupil)
}

/// Whether `at` is after `known`, by more than a request can be in the air.
fn is_later(at: Timestamp, known: Option<Timestamp>) -> bool {
    known.is_some_and(|known| at.duration_since(known) > IN_THE_AIR)
}
