//! Clearance: the last look, seconds before a message leaves, at what the directory says now.
//!
//! A member (a contact who learns about a pupil) stays in the message only when everything still
//! holds; each one who falls out has a reason. A message without members does not leave.

use std::collections::BTreeSet;

use super::audience::key_of;
use super::entitlement::{Standing, entitled};
use super::plan::Member;
use super::{NoticeKind, Pupil, Reason};

/// Who may still be told by this message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Whom it tells about whom.
    pub members: BTreeSet<Member>,
    /// Who fell out, and why.
    pub dropped: Vec<(Member, Reason)>,
}

/// Looks at every member of a message to `address` again. `pupils` is the directory's answer,
/// which holds only the pupils and links that exist now.
#[must_use]
pub fn clear(kind: NoticeKind, address: &str, members: &BTreeSet<Member>, pupils: &[Pupil]) -> Cleared {
    let mut cleared = Cleared::default();
    for member in members {
        match check(kind, address, *member, pupils) {
            Ok(()) => {
                cleared.members.insert(*member);
            }
            Err(reason) => cleared.dropped.push((*member, reason)),
        }
    }
    // One message says the same to everybody who reads it: a pupil whom one contact of the address
    // was cleared for is named to all of them, which is safe only while none of them is barred.
    let unsafe_pupils: BTreeSet<_> = cleared
        .dropped
        .iter()
        .filter(|(_, reason)| {
            matches!(reason, Reason::NoContact | Reason::NoChildInformation | Reason::AddressShared)
        })
        .map(|((_, pupil), _)| *pupil)
        .collect();
    let (stays, falls): (BTreeSet<_>, BTreeSet<_>) =
        cleared.members.iter().partition(|(_, pupil)| !unsafe_pupils.contains(pupil));
    cleared.members = stays;
    cleared.dropped.extend(falls.into_iter().map(|member| (member, Reason::AddressShared)));
    cleared
}

fn check(kind: NoticeKind, address: &str, member: Member, pupils: &[Pupil]) -> Result<(), Reason> {
    let (contact, pupil_id) = member;
    let pupil = pupils.iter().find(|pupil| pupil.id == pupil_id).ok_or(Reason::NotOnRoll)?;
    if pupil.person_only {
        return Err(Reason::PersonOnly);
    }
    let link = pupil.links.iter().find(|link| link.contact == contact).ok_or(Reason::NotLinked)?;
    entitled(kind, Standing::of(link))?;
    let address =
        link.addresses.iter().find(|own| own.key() == key_of(address)).ok_or(Reason::AddressGone)?;
    if address.barred { Err(Reason::AddressShared) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proto::ids::PupilId;

    use super::super::entitlement::tests::link;
    use super::super::{Address, AddressKind, Link};
    use super::*;

    const NUMBER: &str = "+447700900123";

    fn parent() -> Link {
        let address = Address { kind: AddressKind::Mobile, value: NUMBER.into(), barred: false };
        Link { addresses: vec![address], ..link() }
    }

    fn pupil(links: Vec<Link>) -> Pupil {
        Pupil { id: PupilId::generate(), first_name: "Ben".into(), person_only: false, links }
    }

    fn outcome(change: impl FnOnce(&mut Pupil)) -> Result<(), Reason> {
        let mut pupil = pupil(vec![parent()]);
        let member = (pupil.links[0].contact, pupil.id);
        change(&mut pupil);
        let cleared = clear(NoticeKind::AbsenceUnexplained, NUMBER, &BTreeSet::from([member]), &[pupil]);
        match cleared.dropped.first() {
            None => {
                assert_eq!(cleared.members, BTreeSet::from([member]));
                Ok(())
            }
            Some((_, reason)) => Err(*reason),
        }
    }

    #[test]
    fn whatever_changed_since_the_plan_is_seen() {
        assert_eq!(outcome(|_| {}), Ok(()));
        assert_eq!(outcome(|pupil| pupil.person_only = true), Err(Reason::PersonOnly));
        assert_eq!(outcome(|pupil| pupil.links.clear()), Err(Reason::NotLinked));
        assert_eq!(outcome(|pupil| pupil.id = PupilId::generate()), Err(Reason::NotOnRoll));
        assert_eq!(outcome(|pupil| pupil.links[0].no_contact = true), Err(Reason::NoContact));
        assert_eq!(
            outcome(|pupil| pupil.links[0].no_child_information = true),
            Err(Reason::NoChildInformation)
        );
        assert_eq!(outcome(|pupil| pupil.links[0].emergency_only = true), Err(Reason::EmergencyOnly));
        assert_eq!(outcome(|pupil| pupil.links[0].addresses[0].barred = true), Err(Reason::AddressShared));
        assert_eq!(outcome(|pupil| pupil.links[0].addresses.clear()), Err(Reason::AddressGone));
        let mailbox = |value: &str| Address { kind: AddressKind::Email, value: value.into(), barred: false };
        let mother = Link { addresses: vec![mailbox("Mum@example.org")], ..link() };
        let pupil = pupil(vec![mother.clone()]);
        let members = BTreeSet::from([(mother.contact, pupil.id)]);
        let cleared = clear(NoticeKind::AbsenceUnexplained, "mum@example.org", &members, &[pupil]);
        assert_eq!(cleared.members, members);
    }

    #[test]
    fn a_contact_who_is_barred_now_takes_the_child_out_for_everybody_at_that_address() {
        let (mother, father) = (parent(), Link { no_child_information: true, ..parent() });
        let pupil = pupil(vec![mother.clone(), father.clone()]);
        let members = BTreeSet::from([(mother.contact, pupil.id), (father.contact, pupil.id)]);
        let cleared = clear(NoticeKind::AbsenceUnexplained, NUMBER, &members, &[pupil]);
        assert!(cleared.members.is_empty());
        assert_eq!(cleared.dropped.len(), 2);
    }
}
