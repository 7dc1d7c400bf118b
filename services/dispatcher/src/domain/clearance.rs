//! Clearance: the last look, seconds before a message leaves, at what the directory says now.
//!
//! A member (a contact who learns about a pupil) stays in the message only when everything still
//! holds; each one who falls out has a reason. A message without members does not leave.

use std::collections::BTreeSet;

use proto::ids::ContactId;

use super::audience::key_of;
use super::entitlement::{Matter, Reach, Standing, entitled};
use super::plan::Member;
use super::{Pupil, Reason};

/// Who may still be told by this message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Whom it tells about whom.
    pub members: BTreeSet<Member>,
    /// Who fell out, and why.
    pub dropped: Vec<(Member, Reason)>,
    /// Who reads it.
    pub readers: Readers,
}

/// Who reads a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readers {
    /// Nobody who may not know where a child is.
    #[default]
    Entitled,
    /// Somebody who may not know where some child is, or possibly so: the message says nothing
    /// about when and where children are.
    Barred,
}

/// Looks at every member of a message to `address` again. `pupils` is the directory's answer,
/// which holds only the pupils and links that exist now.
#[must_use]
pub fn clear(matter: Matter, address: &str, members: &BTreeSet<Member>, pupils: &[Pupil]) -> Cleared {
    let mut cleared = Cleared::default();
    for member in members {
        match check(matter, address, *member, pupils) {
            Ok(readers) => {
                cleared.members.insert(*member);
                if readers == Readers::Barred {
                    cleared.readers = Readers::Barred;
                }
            }
            Err(reason) => cleared.dropped.push((*member, reason)),
        }
    }
    close_to_others(cleared)
}

/// Who was barred, as far as was heard without asking the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Barred {
    /// From everything.
    pub from_everything: BTreeSet<ContactId>,
    /// From what is about one child.
    pub from_child: BTreeSet<Member>,
}

/// What goes although nobody could be asked: in the words for the strictest reader, and to nobody
/// at an address of somebody who has been barred since. The others there have other addresses.
#[must_use]
pub fn as_planned(reach: Reach, members: BTreeSet<Member>, barred: &Barred) -> Cleared {
    let mut cleared = Cleared { readers: Readers::Barred, ..Cleared::default() };
    for member in members {
        if barred.from_everything.contains(&member.0) {
            cleared.dropped.push((member, Reason::NoContact));
        } else if reach == Reach::Particular && barred.from_child.contains(&member) {
            cleared.dropped.push((member, Reason::NoChildInformation));
        } else {
            cleared.members.insert(member);
        }
    }
    close_to_others(cleared)
}

/// Takes from a message what somebody who fell out of it would read all the same.
fn close_to_others(mut cleared: Cleared) -> Cleared {
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
    // Whoever may hear nothing at all from the school would read this whatever it is about.
    let closed = cleared.dropped.iter().any(|(_, reason)| *reason == Reason::NoContact);
    let (stays, falls): (BTreeSet<_>, BTreeSet<_>) =
        cleared.members.iter().partition(|(_, pupil)| !closed && !unsafe_pupils.contains(pupil));
    cleared.members = stays;
    cleared.dropped.extend(falls.into_iter().map(|member| (member, Reason::AddressShared)));
    cleared
}

fn check(matter: Matter, address: &str, member: Member, pupils: &[Pupil]) -> Result<Readers, Reason> {
    let (contact, pupil_id) = member;
    let pupil = pupils.iter().find(|pupil| pupil.id == pupil_id).ok_or(Reason::NotOnRoll)?;
    if pupil.person_only && matter.asks_a_person_first() {
        return Err(Reason::PersonOnly);
    }
    let link = pupil.links.iter().find(|link| link.contact == contact).ok_or(Reason::NotLinked)?;
    let standing = Standing::of(link);
    entitled(matter, standing)?;
    let address =
        link.addresses.iter().find(|own| own.key() == key_of(address)).ok_or(Reason::AddressGone)?;
    if address.is_closed_to(matter) {
        return Err(Reason::AddressShared);
    }
    let barred = address.barred || standing == Standing::NoChildInformation;
    Ok(if barred { Readers::Barred } else { Readers::Entitled })
}

#[cfg(test)]
mod tests {
    use proto::ids::PupilId;

    use super::super::NoticeKind;
    use super::super::entitlement::tests::{link, matter};
    use super::super::{Address, AddressKind, Link};
    use super::*;

    const NUMBER: &str = "+447700900123";

    fn parent() -> Link {
        let address =
            Address { kind: AddressKind::Mobile, value: NUMBER.into(), barred: false, no_contact: false };
        Link { addresses: vec![address], ..link() }
    }

    fn pupil(links: Vec<Link>) -> Pupil {
        Pupil { id: PupilId::generate(), first_name: "Ben".into(), person_only: false, links }
    }

    fn outcome(change: impl FnOnce(&mut Pupil)) -> Result<(), Reason> {
        let mut pupil = pupil(vec![parent()]);
        let member = (pupil.links[0].contact, pupil.id);
        change(&mut pupil);
        let cleared =
            clear(matter(NoticeKind::AbsenceUnexplained), NUMBER, &BTreeSet::from([member]), &[pupil]);
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
        let mailbox = |value: &str| Address {
            kind: AddressKind::Email,
            value: value.into(),
            barred: false,
            no_contact: false,
        };
        let mother = Link { addresses: vec![mailbox("Mum@example.org")], ..link() };
        let pupil = pupil(vec![mother.clone()]);
        let members = BTreeSet::from([(mother.contact, pupil.id)]);
        let cleared = clear(matter(NoticeKind::AbsenceUnexplained), "mum@example.org", &members, &[pupil]);
        assert_eq!(cleared.members, members);
    }

    #[test]
    fn a_contact_who_is_barred_now_takes_the_child_out_for_everybody_at_that_address() {
        let (mother, father) = (parent(), Link { no_child_information: true, ..parent() });
        let pupil = pupil(vec![mother.clone(), father.clone()]);
        let members = BTreeSet::from([(mother.contact, pupil.id), (father.contact, pupil.id)]);
        let cleared = clear(matter(NoticeKind::AbsenceUnexplained), NUMBER, &members, &[pupil]);
        assert!(cleared.members.is_empty());
        assert_eq!(cleared.dropped.len(), 2);
    }

    #[test]
    fn without_the_directory_nobody_is_told_where_somebody_who_is_barred_reads() {
        let [mother, father] = [ContactId::generate(), ContactId::generate()];
        let [amy, ben] = [PupilId::generate(), PupilId::generate()];
        let members = BTreeSet::from([(mother, amy), (father, amy), (mother, ben)]);
        let general = |barred: &Barred| as_planned(Reach::General, members.clone(), barred);
        let open = general(&Barred::default());
        assert_eq!((open.members, open.readers), (members.clone(), Readers::Barred));
        let closed =
            general(&Barred { from_everything: BTreeSet::from([father]), from_child: BTreeSet::new() });
        assert!(closed.members.is_empty());
        assert_eq!(
            closed.dropped.iter().map(|(member, reason)| (*member, reason.code())).collect::<BTreeSet<_>>(),
            BTreeSet::from([
                ((father, amy), "NO_CONTACT"),
                ((mother, amy), "ADDRESS_SHARED"),
                ((mother, ben), "ADDRESS_SHARED")
            ])
        );
        // Who may not hear of a child may hear what is said to everybody, and not what is about it.
        let barred = Barred { from_everything: BTreeSet::new(), from_child: BTreeSet::from([(father, amy)]) };
        assert_eq!(general(&barred).members, members);
        let particular = as_planned(Reach::Particular, members, &barred);
        assert_eq!(particular.members, BTreeSet::from([(mother, ben)]));
        assert!(particular.dropped.contains(&((father, amy), Reason::NoChildInformation)));
    }

    /// What a message that says that the school is closed may say to `links`, all at one number.
    fn closing(reach: Reach, links: &[Link]) -> (usize, Readers) {
        let pupil = pupil(links.to_vec());
        let members = links.iter().map(|link| (link.contact, pupil.id)).collect();
        let matter = Matter { reach, ..matter(NoticeKind::ClosureDeclared) };
        let cleared = clear(matter, NUMBER, &members, &[pupil]);
        (cleared.members.len(), cleared.readers)
    }

    #[test]
    fn one_reader_who_may_not_know_where_a_child_is_takes_the_words_about_it_from_all() {
        let barred = Link { no_child_information: true, ..parent() };
        let mut shared = parent();
        shared.addresses[0].barred = true;
        let general = |links: &[Link]| closing(Reach::General, links);
        assert_eq!(general(&[parent(), parent()]), (2, Readers::Entitled));
        assert_eq!(general(&[parent(), barred.clone()]), (2, Readers::Barred));
        assert_eq!(general(&[parent(), shared.clone()]), (2, Readers::Barred));
        // What is said to some says something about a child.
        assert_eq!(closing(Reach::Particular, &[parent(), barred]).0, 0);
        assert_eq!(closing(Reach::Particular, &[shared]).0, 0);
    }

    #[test]
    fn one_reader_who_may_hear_nothing_at_all_stops_the_whole_message_whatever_it_is_about() {
        let (mother, father) = (parent(), Link { no_contact: true, ..parent() });
        let (amy, ben) = (pupil(vec![mother.clone(), father.clone()]), pupil(vec![mother.clone()]));
        let members =
            BTreeSet::from([(mother.contact, amy.id), (father.contact, amy.id), (mother.contact, ben.id)]);
        for kind in NoticeKind::ALL {
            for reach in [Reach::General, Reach::Particular] {
                let pupils = [amy.clone(), ben.clone()];
                let cleared = clear(Matter { reach, ..matter(kind) }, NUMBER, &members, &pupils);
                assert!(cleared.members.is_empty(), "{kind:?}");
                let why = |reason| cleared.dropped.iter().filter(|(_, own)| *own == reason).count();
                assert_eq!((why(Reason::NoContact), why(Reason::AddressShared)), (1, 2), "{kind:?}");
            }
        }
    }
}
