//! Who should know that the school is closed or open, or what somebody wrote, and does not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::barred;
use super::super::facts::Scope;
use super::super::heard::{Heard, Kind};
use super::super::rights::{self, Matter};
use super::super::{Evidence, OpenTask, collection};
use super::{is_asked, since};

/// Every stage is told to everybody: whoever plays a day waits for that before changing it.
pub fn closings(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (place, closure) in evidence.facts.closures.iter().enumerate() {
        let matter = Matter::Closing(&closure.scope);
        let homes = homes(evidence, &closure.scope, matter);
        for (stage, said) in closure.stages.iter().enumerate() {
            let kind = Kind::Closing(place, stage);
            found.extend(untold(evidence, heard, (kind, said.asked_at, &homes)));
            if collection(evidence, kind).is_some() {
                found.extend(left_waiting(evidence, heard, (kind, &homes)));
            }
        }
        let since = closure.stages.last().map(|stage| stage.asked_at).unwrap_or_default();
        for pupil in without_anybody(evidence, &closure.scope, matter) {
            if !is_asked(evidence, since, &[pupil]) {
                found.push(format!("{pupil} has nobody at home to tell of a closure, and nobody was asked"));
            }
        }
    }
    found
}

/// Who was written to and has an address at which something arrives got it, or a person is asked
/// whether it came: it is sent at most once, so a process that ends just then leaves that open.
pub fn announcements(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (place, announcement) in evidence.facts.announcements.iter().enumerate() {
        let homes = homes(evidence, &announcement.scope, Matter::Letter(&announcement.scope));
        for contact in homes.keys().filter(|contact| can_be_written_to(evidence, contact)) {
            let came = heard.by(contact, evidence).any(|message| message.is(Kind::Announcement(place)));
            let asks = |task: &OpenTask| task.kind == "message_may_have_left" && task.names_all(&[contact]);
            let is_asked_for = since(evidence, announcement.asked_at).any(asks);
            if !came && !is_asked_for {
                found.push(format!("{contact} did not get what was written to everybody there"));
            }
        }
    }
    found
}

/// Everybody to be told, with the pupils on whose account.
type Homes<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn homes<'a>(evidence: &Evidence<'a>, scope: &Scope, matter: Matter<'_>) -> Homes<'a> {
    let roster = evidence.roster;
    let a_persons = |pupil: &str| {
        let pupil = roster.pupils.get(pupil);
        matches!(matter, Matter::Letter(Scope::Classes(_))) && pupil.is_some_and(|pupil| pupil.person_only)
    };
    let mut homes: Homes<'a> = BTreeMap::new();
    for link in roster.links.iter().filter(|link| scope.holds(roster, &link.pupil)) {
        if !a_persons(&link.pupil) && rights::should_know(roster, link, evidence.day, matter) {
            homes.entry(&link.contact).or_default().insert(&link.pupil);
        }
    }
    homes
}

fn without_anybody<'a>(evidence: &Evidence<'a>, scope: &Scope, matter: Matter<'_>) -> Vec<&'a str> {
    let roster = evidence.roster;
    let pupils = roster.pupils.keys().filter(|pupil| scope.holds(roster, pupil));
    let alone = pupils.filter(|pupil| {
        !roster.links_of_pupil(pupil).any(|link| rights::should_know(roster, link, evidence.day, matter))
    });
    alone.map(String::as_str).collect()
}

fn untold(
    evidence: &Evidence<'_>,
    heard: &Heard<'_>,
    (kind, since, homes): (Kind, Timestamp, &Homes<'_>),
) -> Vec<String> {
    let untold = homes.iter().filter(|(contact, pupils)| {
        let told = heard.by(contact, evidence).any(|message| message.is(kind));
        !told && !pupils.iter().any(|pupil| is_asked(evidence, since, &[contact, pupil]))
    });
    untold
        .map(|(contact, _)| format!("{contact} was not told of {}, and nobody was asked to", said(kind)))
        .collect()
}

/// Who may know where a child is and was told of the closure, but not when and where children are
/// collected.
fn left_waiting(
    evidence: &Evidence<'_>,
    heard: &Heard<'_>,
    (kind, homes): (Kind, &Homes<'_>),
) -> Vec<String> {
    let roster = evidence.roster;
    let may_know = |contact: &str| {
        roster.links_of_contact(contact).all(|link| rights::bar(roster, link, evidence.day).is_none())
    };
    let waiting = homes.keys().filter(|contact| {
        let mut told = heard.by(contact, evidence).filter(|message| message.is(kind)).peekable();
        may_know(contact)
            && told.peek().is_some()
            && !told.any(|message| barred::tells_where_children_are(evidence, message, kind))
    });
    waiting.map(|contact| format!("{contact} was not told when and where children are collected")).collect()
}

fn can_be_written_to(evidence: &Evidence<'_>, contact: &str) -> bool {
    let roster = evidence.roster;
    let takes = |address: &str| address.starts_with("+447") || address.contains('@');
    let is_open = |address: &str| {
        roster.links_at(address).all(|link| rights::bar(roster, link, evidence.day).is_none())
            && !evidence.dead.contains(address)
    };
    let contact = roster.contacts.get(contact);
    contact.is_some_and(|contact| contact.addresses.iter().any(|address| takes(address) && is_open(address)))
}

fn said(kind: Kind) -> String {
    match kind {
        Kind::Closing(place, stage) => format!("closure {}, step {}", place + 1, stage + 1),
        _ => "something".to_owned(),
    }
}
