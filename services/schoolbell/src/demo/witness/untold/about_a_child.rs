//! Who should know of an absence or an accident and does not.

use jiff::Timestamp;
use simulator::Medium;

use super::super::facts::{Accident, Injury, Missing};
use super::super::heard::{Heard, Kind};
use super::super::rights::{self, Matter};
use super::super::roster::Roster;
use super::{Evidence, is_asked};

/// Nobody has to be told of a pupil for whom a reason or an arrival was known before the absences
/// had left together.
pub fn absences(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let must_be_told = |missing: &&Missing| {
        let leaves_at = missing.closed_at.saturating_add(evidence.gathers_for).unwrap_or(missing.closed_at);
        missing.settled_at().is_none_or(|settled| settled > leaves_at)
    };
    let missing = evidence.facts.missing.iter().filter(must_be_told);
    let of =
        |missing: &Missing| about(evidence, heard, (Kind::Unexplained, &missing.pupil, missing.closed_at));
    missing.flat_map(of).collect()
}

/// An e-mail, or what there is instead, of what is minor; both a text and an e-mail of a head
/// injury, where there are both, and a person who rings.
pub fn accidents(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let of = |accident: &Accident| {
        let kind = Kind::Accident(accident.injury);
        let told = about(evidence, heard, (kind, &accident.pupil, accident.asked_at));
        let more = match accident.injury {
            Injury::Minor => Vec::new(),
            Injury::Head => by_every_medium(evidence, heard, accident),
        };
        told.into_iter().chain(more).collect::<Vec<_>>()
    };
    evidence.facts.accidents.iter().flat_map(of).collect()
}

fn about(
    evidence: &Evidence<'_>,
    heard: &Heard<'_>,
    (kind, pupil, since): (Kind, &str, Timestamp),
) -> Vec<String> {
    if evidence.roster.pupils.get(pupil).is_some_and(|pupil| pupil.person_only) {
        let silent = format!("nobody was asked to speak to the family of {pupil}");
        return if is_asked(evidence, since, &[pupil]) { Vec::new() } else { vec![silent] };
    }
    let entitled = entitled(evidence, pupil);
    if entitled.is_empty() && !is_asked(evidence, since, &[pupil]) {
        return vec![format!("{pupil} has nobody to tell, and nobody was asked to see to it")];
    }
    let untold = entitled.into_iter().filter(|contact| {
        let told = heard.by(contact, evidence).any(|message| message.tells(kind, pupil));
        !told && !is_asked(evidence, since, &[contact, pupil])
    });
    untold.map(|contact| format!("{contact} was not told of {pupil}, and nobody was asked to")).collect()
}

fn by_every_medium(evidence: &Evidence<'_>, heard: &Heard<'_>, accident: &Accident) -> Vec<String> {
    let (pupil, since) = (accident.pupil.as_str(), accident.asked_at);
    let kind = Kind::Accident(Injury::Head);
    let mut found = Vec::new();
    if evidence.roster.pupils.get(pupil).is_some_and(|pupil| pupil.person_only) {
        return found;
    }
    for contact in entitled(evidence, pupil) {
        // The task to ring names everybody, and so excuses no message.
        if !is_asked(evidence, since, &[contact, pupil]) {
            found.push(format!("nobody was asked to ring {contact} about the head of {pupil}"));
        }
        for (medium, what) in [(Medium::Sms, "text"), (Medium::Email, "e-mail")] {
            let mut heard = heard.by(contact, evidence);
            let told = heard.any(|message| message.tells(kind, pupil) && message.accepted.channel == medium);
            if !told && can_carry(evidence, (contact, pupil), medium) {
                found.push(format!("{contact} got no {what} about the head of {pupil}"));
            }
        }
    }
    found
}

/// Whether there is an address for it at which something arrives, and which nobody barred reads.
fn can_carry(evidence: &Evidence<'_>, (contact, pupil): (&str, &str), medium: Medium) -> bool {
    let roster = evidence.roster;
    let Some(contact) = roster.contacts.get(contact) else { return false };
    let mut live = contact.addresses.iter().filter(|address| !evidence.dead.contains(*address));
    live.any(|address| {
        takes(address, medium) && !is_read_by_somebody_barred(roster, evidence, (address, pupil))
    })
}

fn is_read_by_somebody_barred(
    roster: &Roster,
    evidence: &Evidence<'_>,
    (address, pupil): (&str, &str),
) -> bool {
    let mut links = roster.links_at(address);
    links.any(|link| {
        rights::barred_from_everything(roster, &link.contact, evidence.day)
            || (link.pupil == pupil && rights::bar(roster, link, evidence.day).is_some())
    })
}

/// A mobile takes texts, a mailbox e-mail, a landline neither.
fn takes(address: &str, medium: Medium) -> bool {
    match medium {
        Medium::Sms => address.starts_with("+447"),
        Medium::Email => address.contains('@'),
    }
}

fn entitled<'a>(evidence: &Evidence<'a>, pupil: &str) -> Vec<&'a str> {
    let roster = evidence.roster;
    roster
        .links_of_pupil(pupil)
        .filter(|link| rights::should_know(roster, link, evidence.day, Matter::Child))
        .map(|link| link.contact.as_str())
        .collect()
}
