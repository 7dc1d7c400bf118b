//! What is wrong about being told of an accident.

use simulator::Medium;

use super::super::facts::Injury;
use super::super::heard::Message;
use super::super::wording;
use super::{Evidence, went_to_no_family};

pub fn told(
    evidence: &Evidence<'_>,
    message: &Message<'_>,
    (pupil, injury): (&str, Injury),
) -> Option<&'static str> {
    let mut accidents = evidence.facts.accidents.iter();
    let accident = accidents.find(|accident| accident.pupil == pupil && accident.injury == injury);
    let Some(accident) = accident else { return Some("had no such accident") };
    if evidence.roster.pupils.get(pupil).is_some_and(|pupil| pupil.person_only) {
        return Some("is a person's to speak about, and nothing should be sent");
    }
    if message.at < accident.asked_at {
        return Some("was told of before the accident was written down");
    }
    if went_to_no_family(evidence, message, pupil) {
        return Some("was told of to somebody who is not told at once");
    }
    let words = &message.words;
    let is_whole = wording::holds(words, &accident.what) && wording::holds(words, &accident.first_aid);
    // A text has no room for it: that it names the number to ring is the ear's business.
    (message.accepted.channel == Medium::Email && !is_whole)
        .then_some("was told of without what happened, or without the first aid that was given")
}

/// An accident's words belong to the home of its child and to no message about another.
pub fn of_another_child(evidence: &Evidence<'_>, message: &Message<'_>, pupils: &[&str]) -> Option<String> {
    let accidents = evidence.facts.accidents.iter();
    let mut others = accidents.filter(|accident| !pupils.contains(&accident.pupil.as_str()));
    let found = others.find(|accident| wording::holds(&message.words, &accident.what));
    found.map(|accident| format!("it tells what happened to {}, whom it is not about", accident.pupil))
}
