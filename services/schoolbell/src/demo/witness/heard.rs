//! What was heard: each accepted message of the log, with what it says and whom it can mean.
//!
//! A first name means the child of that name who belongs to somebody who reads the address, and
//! nobody else. Days mean the closure of which they were said last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use simulator::{Accepted, Entry, Medium};

use super::Evidence;
use super::facts::{Injury, Is};
use super::roster::Roster;
use super::wording::{self, Days, Fault, Said, Speaker};

/// A message that a provider took.
pub struct Message<'a> {
    /// Its line in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// As the provider took it.
    pub accepted: &'a Accepted,
    /// Everything that can be read of it, on one line.
    pub words: String,
    /// What it says, or why it should not be said like that.
    pub said: Result<Meant<'a>, Fault>,
}

/// What is said. Two messages of one kind about one child say the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Missing, and nobody has said why.
    Unexplained,
    /// In school after all.
    Correction,
    /// Had an accident.
    Accident(Injury),
    /// One of the stages of one of the closures, by their places.
    Closing(usize, usize),
    /// One of the announcements, by its place.
    Announcement(usize),
}

/// What is said about whom.
pub struct Meant<'a> {
    /// What.
    pub kind: Kind,
    /// The children that can be meant; nobody in particular when it is about a part of the school.
    pub pupils: Vec<&'a str>,
    /// How many names mean no child of this address.
    pub strange_names: usize,
}

/// All messages, to be looked up by who reads them.
pub struct Heard<'a> {
    /// In the order of the log.
    pub messages: Vec<Message<'a>>,
    by_reader: BTreeMap<&'a str, Vec<usize>>,
}

impl Message<'_> {
    /// Whether it says this.
    pub fn is(&self, kind: Kind) -> bool {
        self.said.as_ref().is_ok_and(|meant| meant.kind == kind)
    }

    /// Whether it says this about that child.
    pub fn tells(&self, kind: Kind, pupil: &str) -> bool {
        self.said.as_ref().is_ok_and(|meant| meant.kind == kind && meant.pupils.contains(&pupil))
    }

    /// Where it went.
    pub fn to(&self) -> &str {
        &self.accepted.to
    }
}

impl<'a> Heard<'a> {
    /// What this contact could read at addresses that are not dead.
    pub fn by(&self, contact: &str, evidence: &Evidence<'_>) -> impl Iterator<Item = &Message<'a>> {
        let places = self.by_reader.get(contact).into_iter().flatten();
        let messages = places.filter_map(|place| self.messages.get(*place));
        messages.filter(|message| !evidence.dead.contains(message.to()))
    }
}

/// Reads every accepted message.
pub fn listen<'a>(evidence: &Evidence<'a>) -> Heard<'a> {
    let messages: Vec<Message<'a>> = evidence.log.iter().filter_map(|entry| hear(evidence, entry)).collect();
    let mut by_reader: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate() {
        for reader in evidence.roster.readers(&message.accepted.to) {
            by_reader.entry(reader).or_default().push(place);
        }
    }
    Heard { messages, by_reader }
}

fn hear<'a>(evidence: &Evidence<'a>, entry: &'a Entry) -> Option<Message<'a>> {
    let accepted = entry.accepted()?;
    let said = match announcement(evidence, accepted) {
        Some(place) => Ok(Meant::about_many(Kind::Announcement(place))),
        None => understand(evidence, entry.at, accepted),
    };
    let subject = accepted.subject.as_deref().unwrap_or_default();
    let words = wording::one_line(&format!("{subject}\n{}", accepted.body));
    Some(Message { seq: entry.seq, at: entry.at, accepted, words, said })
}

/// Which announcement it is, word for word.
fn announcement(evidence: &Evidence<'_>, accepted: &Accepted) -> Option<usize> {
    let school = &evidence.roster.school;
    evidence.facts.announcements.iter().position(|announcement| match accepted.channel {
        Medium::Sms => accepted.body == format!("{school}: {}", announcement.text),
        Medium::Email => {
            let rest = accepted.body.trim().strip_prefix(announcement.body.trim());
            rest.is_some_and(|rest| rest.trim_start().starts_with(school))
        }
    })
}

fn understand<'a>(
    evidence: &Evidence<'a>,
    at: Timestamp,
    accepted: &'a Accepted,
) -> Result<Meant<'a>, Fault> {
    let roster = evidence.roster;
    let (school, phone) = (&roster.school, &roster.phone);
    let speaker = Speaker { school, phone, day: evidence.day, session: evidence.session };
    let about = |kind, names: &[&str]| {
        let meant: Vec<Option<&str>> = names.iter().map(|name| child(evidence, &accepted.to, name)).collect();
        let strange_names = meant.iter().filter(|pupil| pupil.is_none()).count();
        Meant { kind, strange_names, pupils: meant.into_iter().flatten().collect() }
    };
    Ok(match wording::read(accepted, speaker)? {
        Said::Unexplained(names) => about(Kind::Unexplained, &names),
        Said::Correction(names) => about(Kind::Correction, &names),
        Said::FirstAid(name) => about(Kind::Accident(Injury::Minor), &[name]),
        Said::HeadInjury(name) => about(Kind::Accident(Injury::Head), &[name]),
        Said::Closed(days) => Meant::about_many(closing(evidence, at, |is| is_closed_for(is, days))?),
        Said::Open(day) => {
            Meant::about_many(closing(evidence, at, |is| matches!(is, Is::Open { on } if *on == day))?)
        }
    })
}

impl Meant<'_> {
    fn about_many(kind: Kind) -> Self {
        Self { kind, pupils: Vec::new(), strange_names: 0 }
    }
}

fn is_closed_for(is: &Is, days: Days) -> bool {
    match is {
        Is::Closed { first_day, from, last_day, .. } => {
            Days { first: *first_day, from: *from, last: *last_day } == days
        }
        Is::Open { .. } => false,
    }
}

/// The stage that is meant: the one that was asked for last before it, or any.
fn closing(evidence: &Evidence<'_>, at: Timestamp, is_meant: impl Fn(&Is) -> bool) -> Result<Kind, Fault> {
    let places = evidence.facts.closures.iter().enumerate().flat_map(|(closure, facts)| {
        facts.stages.iter().enumerate().map(move |(stage, said)| (Kind::Closing(closure, stage), said))
    });
    let meant = places.filter(|(_, stage)| is_meant(&stage.is));
    let latest = meant.max_by_key(|(_, stage)| (stage.asked_at <= at, stage.asked_at));
    latest.map(|(kind, _)| kind).ok_or(Fault::NoSuchClosing)
}

/// The child of this name who belongs to this address; of two of one name, one to whom something
/// has happened.
fn child<'a>(evidence: &Evidence<'a>, address: &str, name: &str) -> Option<&'a str> {
    let roster: &'a Roster = evidence.roster;
    let facts = evidence.facts;
    let mut of_that_name: Vec<&'a str> = roster
        .links_at(address)
        .filter(|link| roster.pupils.get(&link.pupil).is_some_and(|pupil| pupil.first_name == name))
        .map(|link| link.pupil.as_str())
        .collect();
    of_that_name.sort_by_key(|pupil| {
        !facts.missing.iter().any(|missing| missing.pupil == *pupil)
            && !facts.accidents.iter().any(|accident| accident.pupil == *pupil)
    });
    of_that_name.first().copied()
}
