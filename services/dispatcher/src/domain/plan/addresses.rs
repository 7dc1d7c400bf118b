//! Which of a contact's addresses carry a message now, in which order, and what stands against the
//! others.

use proto::ids::PupilId;

use super::{Media, Plan, Wanted};
use crate::domain::person::PersonTask;
use crate::domain::{Address, AddressKind, Link, Reason, Suppression, Texts, Ways};

/// The addresses to use now: of those that have not been tried and can carry this, the first, or
/// the first of each medium. Texts go to mobiles, never to landlines; what somebody reads who may
/// not know carries nothing.
pub(super) fn choose<'a>(
    wanted: &Wanted<'_>,
    link: &'a Link,
    pupil: PupilId,
    plan: &mut Plan,
) -> Vec<&'a Address> {
    let ways = wanted.matter.kind.ways_for(link.prefers);
    let mut chosen: Vec<&Address> = Vec::new();
    let emailed = wanted.was_emailed((link.contact, pupil));
    for address in in_turn(wanted, link, pupil) {
        if wanted.was_tried(link.contact, address) {
            continue;
        }
        if chosen.iter().any(|other| ways != Ways::Both || other.kind == address.kind) {
            if wanted.is_dead(address) && wanted.matter.kind.must_be_known() {
                plan.decide(Some(link.contact), pupil, Reason::LastResort);
            }
            continue;
        }
        if address.is_closed_to(wanted.matter) {
            plan.decide(Some(link.contact), pupil, Reason::AddressShared);
            if !emailed {
                plan.tasks.push(PersonTask::AddressShared(link.contact, pupil));
            }
            continue;
        }
        match wanted.obstacle(address) {
            Some(reason) => plan.decide(Some(link.contact), pupil, reason),
            None => chosen.push(address),
        }
    }
    chosen
}

/// A contact's addresses in the order in which they are tried: the directory's, but for what the
/// kind, the contact's wish and experience change. What was said not to exist comes last.
fn in_turn<'a>(wanted: &Wanted<'_>, link: &'a Link, pupil: PupilId) -> Vec<&'a Address> {
    let mut addresses: Vec<&Address> = link.addresses.iter().collect();
    match wanted.matter.kind.ways_for(link.prefers) {
        Ways::EmailFirst => addresses.sort_by_key(|address| address.kind != AddressKind::Email),
        Ways::TextFirst => addresses.sort_by_key(|address| address.kind != AddressKind::Mobile),
        Ways::InTurn | Ways::Both => {}
    }
    if wanted.was_emailed((link.contact, pupil)) {
        addresses.retain(|address| address.kind == AddressKind::Mobile);
    }
    addresses.sort_by_key(|address| wanted.is_dead(address));
    addresses
}

/// When none of a contact's addresses works: the records of it, by which a person is asked once.
pub(super) fn none_works(wanted: &Wanted<'_>, link: &Link) -> Option<String> {
    let mut asked = Vec::new();
    for address in link.addresses.iter().filter(|address| address.kind != AddressKind::Landline) {
        asked.push(wanted.suppressed.id(address)?);
    }
    asked.sort_unstable();
    (!asked.is_empty()).then(|| asked.join(","))
}

impl Wanted<'_> {
    fn is_dead(&self, address: &Address) -> bool {
        self.suppressed.why(address) == Some(Suppression::Dead)
    }

    /// Why an address cannot be used.
    pub(super) fn obstacle(&self, address: &Address) -> Option<Reason> {
        match (address.kind, self.media) {
            (AddressKind::Mobile, Media { text: true, .. })
            | (AddressKind::Email, Media { email: true, .. }) => {}
            (AddressKind::Landline, _) => return Some(Reason::Landline),
            (AddressKind::Mobile | AddressKind::Email, _) => return Some(Reason::NoChannel),
        }
        match self.suppressed.why(address) {
            Some(Suppression::OptedOut) => return Some(Reason::AskedForNoMore),
            // An address may have come to life, and trying costs little; silence may cost a child.
            Some(Suppression::Dead) if !self.matter.kind.must_be_known() => return Some(Reason::AddressDead),
            Some(Suppression::Dead) | None => {}
        }
        let too_late = address.kind == AddressKind::Mobile && self.texts == Texts::ComeTooLate;
        too_late.then_some(Reason::TooLateAfterQuietHours)
    }
}
