//! What is wrong about being told that a child is missing, or is in school after all.

use super::super::facts::Missing;
use super::super::heard::{Heard, Kind, Message};
use super::{Evidence, is_later, went_to_no_family};

pub fn unexplained(evidence: &Evidence<'_>, message: &Message<'_>, pupil: &str) -> Option<&'static str> {
    let Some(missing) = missing(evidence, pupil) else { return Some("is not missing") };
    if evidence.roster.pupils.get(pupil).is_some_and(|pupil| pupil.person_only) {
        return Some("is a person's to speak about, and nothing should be sent");
    }
    if message.at < missing.closed_at {
        return Some("was told of before the register closed");
    }
    if is_later(evidence, message.at, missing.reason_known_at) {
        return Some("was told of after the reason was known");
    }
    if is_later(evidence, message.at, missing.arrived_at) {
        return Some("was told of after the arrival was known");
    }
    went_to_no_family(evidence, message, pupil).then_some("was told of to somebody who is not told at once")
}

pub fn correction(
    evidence: &Evidence<'_>,
    heard: &Heard<'_>,
    (message, pupil): (&Message<'_>, &str),
) -> Option<&'static str> {
    let arrived = missing(evidence, pupil).and_then(|missing| missing.arrived_at);
    let Some(arrived) = arrived else { return Some("is said to be in school and has not arrived") };
    if is_later(evidence, arrived, Some(message.at)) {
        return Some("is said to be in school before the arrival was known");
    }
    let told = |earlier: &&Message<'_>| {
        earlier.seq < message.seq && earlier.to() == message.to() && earlier.tells(Kind::Unexplained, pupil)
    };
    heard.messages.iter().find(told).is_none().then_some("is corrected where nobody was told")
}

/// Who was told of a child who then arrived must hear that at the same address, if anything arrives there.
pub fn uncorrected(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let messages = &heard.messages;
    let mut found = Vec::new();
    for missing in evidence.facts.missing.iter().filter(|missing| missing.arrived_at.is_some()) {
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
                let pupil = &missing.pupil;
                found.push(format!("log line {}: {pupil} arrived and it was not corrected", told.seq));
            }
        }
    }
    found
}

fn missing<'a>(evidence: &Evidence<'a>, pupil: &str) -> Option<&'a Missing> {
    evidence.facts.missing.iter().find(|missing| missing.pupil == pupil)
}
