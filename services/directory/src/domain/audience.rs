//! Who belongs to a pupil, and by which addresses, as seen today.
//!
//! Called by the api with rows that were read in bulk. It says what stands; who of these people is
//! told of what is the dispatcher's rule.
//!
//! Invariant: an address that somebody under restriction uses, or has used since it was set, is
//! marked as barred for whoever else uses it. Withdrawn links count here: a restriction ends only by
//! a person.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use proto::ids::{ClassId, ContactId, PupilId};

use super::former::Addresses;
use super::link::{Bar, Link, Restriction};
use super::phone::{Kind, Phone};
use super::roster::Reach;

/// A child, as far as a message needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pupil {
    /// Its id.
    pub id: PupilId,
    /// The name that the child is called by.
    pub first_name: String,
    /// Its class.
    pub class_id: ClassId,
    /// The first step is a person's.
    pub person_only: bool,
}

/// A person at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Its id in the school's own system.
    pub source_id: String,
    /// How the contact can be reached.
    pub reach: Reach,
    /// Rises with every change of the contact or of one of its links.
    pub revision: i64,
}

/// A restriction that stands on some link, with the addresses of the contact who is under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restrained {
    /// About whom.
    pub pupil: PupilId,
    /// Who.
    pub contact: ContactId,
    /// What stands.
    pub restriction: Restriction,
    /// The addresses at which that contact would read it, or may: former ones are among them.
    pub addresses: Addresses,
}

/// What a value of an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// Takes a text.
    Mobile,
    /// Takes an e-mail.
    Email,
    /// Takes a call only.
    Landline,
}

/// One way to reach a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What it is.
    pub kind: AddressKind,
    /// E.164 or a mailbox.
    pub value: String,
    /// The strictest that stands against somebody else who uses it too and may not learn of this
    /// pupil.
    pub bar: Option<Bar>,
}

/// A contact of one pupil, as seen today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The contact.
    pub contact: Contact,
    /// The link; its restriction is left in only when it is in force.
    pub link: Link,
    /// A no-contact restriction is in force on some link of this contact.
    pub no_contact: bool,
    /// In the order in which they are tried.
    pub addresses: Vec<Address>,
}

/// Every restriction of a school that is in force on one day.
#[derive(Debug, Clone, Default)]
pub struct Bars {
    no_contact: HashSet<ContactId>,
    /// Who is barred from what, by the address they use: from one pupil, or (`None`) from all.
    addresses: HashMap<String, Vec<(ContactId, Option<PupilId>)>>,
}

impl Bars {
    /// The restrictions that are in force on this day.
    pub fn on(today: Date, restrained: &[Restrained]) -> Self {
        let mut bars = Self::default();
        for entry in restrained.iter().filter(|entry| entry.restriction.in_force(today)) {
            let about = match entry.restriction.bar {
                Bar::ChildInformation => Some(entry.pupil),
                Bar::Contact => {
                    bars.no_contact.insert(entry.contact);
                    None
                }
            };
            for address in &entry.addresses {
                bars.addresses.entry(address.clone()).or_default().push((entry.contact, about));
            }
        }
        bars
    }

    /// Whether nothing at all may go to this contact.
    pub fn no_contact(&self, contact: ContactId) -> bool {
        self.no_contact.contains(&contact)
    }

    /// What stands against somebody other than this contact who uses the address and may not learn
    /// of this pupil.
    fn on_address(&self, address: &str, (pupil, contact): (PupilId, ContactId)) -> Option<Bar> {
        let others = self.addresses.get(address)?.iter().filter(|(user, _)| *user != contact);
        others
            .filter_map(|(_, about)| match about {
                None => Some(Bar::Contact),
                Some(about) => (*about == pupil).then_some(Bar::ChildInformation),
            })
            .max()
    }
}

/// A pupil's contacts by priority, with their addresses.
pub fn of_pupil(pupil: PupilId, linked: Vec<(Contact, Link)>, bars: &Bars, today: Date) -> Vec<Linked> {
    let mut linked: Vec<Linked> = linked
        .into_iter()
        .map(|(contact, mut link)| {
            link.restriction = link.restriction.filter(|restriction| restriction.in_force(today));
            let no_contact = bars.no_contact(contact.id);
            let addresses = addresses_of(&contact, pupil, bars);
            Linked { contact, link, no_contact, addresses }
        })
        .collect();
    linked.sort_by_key(|linked| (linked.link.priority, linked.contact.id));
    linked
}

/// First and second mobile, then the mailbox, then what can only be rung.
fn addresses_of(contact: &Contact, pupil: PupilId, bars: &Bars) -> Vec<Address> {
    let phones = || [&contact.reach.first_phone, &contact.reach.second_phone].into_iter().flatten();
    let of_kind = |kind: Kind| phones().filter(move |phone| phone.kind() == kind);
    let address = |kind: AddressKind, value: &str| Address {
        kind,
        value: value.to_owned(),
        bar: bars.on_address(value, (pupil, contact.id)),
    };
    let phone = |kind: AddressKind| move |phone: &Phone| address(kind, phone.e164());
    let mailbox = contact.reach.email.iter();
    let mut addresses: Vec<Address> = of_kind(Kind::Mobile)
        .map(phone(AddressKind::Mobile))
        .chain(mailbox.map(|email| address(AddressKind::Email, email.as_str())))
        .chain(of_kind(Kind::Landline).map(phone(AddressKind::Landline)))
        .collect();
    addresses.dedup_by(|later, earlier| later.value == earlier.value);
    addresses
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::link::{Responsibility, Role};
    use crate::domain::phone::{self, TestNumbers};
    use crate::domain::{email, former};

    const TODAY: Date = date(2026, 11, 24);

    fn number(entered: &str) -> Option<Phone> {
        (!entered.is_empty()).then(|| phone::normalise(entered, TestNumbers::Accepted).unwrap().phone)
    }

    fn reach(first: &str, second: &str, mailbox: &str) -> Reach {
        Reach {
            first_phone: number(first),
            second_phone: number(second),
            email: (!mailbox.is_empty()).then(|| email::normalise(mailbox).unwrap()),
            language: "en".to_owned(),
            no_voice: false,
            prefers: crate::domain::preference::Preference::None,
        }
    }

    fn contact(reach: Reach) -> Contact {
        Contact { id: ContactId::generate(), source_id: "c".to_owned(), reach, revision: 1 }
    }

    fn link(priority: u16) -> Link {
        Link {
            role: Role::Mother,
            priority,
            responsibility: Responsibility::Yes,
            lives_with: true,
            emergency_only: false,
            restriction: None,
        }
    }

    fn restriction(bar: Bar, from: Date) -> Restriction {
        Restriction { bar, evidence: "court order".to_owned(), from, until: None }
    }

    fn restrained(pupil: PupilId, contact: &Contact, bar: Bar) -> Restrained {
        let restriction = restriction(bar, TODAY);
        Restrained {
            pupil,
            contact: contact.id,
            restriction,
            addresses: former::addresses_of(&contact.reach),
        }
    }

    fn one(pupil: PupilId, contact: &Contact, bars: &Bars) -> Linked {
        of_pupil(pupil, vec![(contact.clone(), link(1))], bars, TODAY).remove(0)
    }

    #[test]
    fn mobiles_come_first_then_the_mailbox_then_landlines() {
        use AddressKind::{Email, Landline, Mobile};
        let pupil = PupilId::generate();
        for (first, second, mailbox, kinds) in [
            ("07700 900101", "07700 900102", "a@example.com", vec![Mobile, Mobile, Email]),
            ("01632 960101", "07700 900102", "a@example.com", vec![Mobile, Email, Landline]),
            ("07700 900101", "01632 960101", "", vec![Mobile, Landline]),
            ("07700 900101", "07700 900101", "", vec![Mobile]),
            ("01632 960101", "01632 960101", "a@example.com", vec![Email, Landline]),
            ("", "", "", vec![]),
        ] {
            let linked = one(pupil, &contact(reach(first, second, mailbox)), &Bars::default());
            let found: Vec<AddressKind> = linked.addresses.iter().map(|address| address.kind).collect();
            assert_eq!(found, kinds, "{first} {second} {mailbox}");
        }
    }

    #[test]
    fn contacts_come_by_priority() {
        let (second, first) = (contact(reach("", "", "")), contact(reach("", "", "")));
        let linked = vec![(second.clone(), link(2)), (first.clone(), link(1))];
        let found = of_pupil(PupilId::generate(), linked, &Bars::default(), TODAY);
        assert_eq!([found[0].contact.id, found[1].contact.id], [first.id, second.id]);
    }

    #[test]
    fn an_address_that_a_barred_person_uses_too_is_barred_for_that_pupil_only() {
        let (pupil, sibling) = (PupilId::generate(), PupilId::generate());
        let father = contact(reach("07700 900102", "", "Family@example.com"));
        let mother = contact(reach("07700 900101", "", "family@example.com"));
        let bars = Bars::on(TODAY, &[restrained(pupil, &father, Bar::ChildInformation)]);
        let barred = |pupil, contact: &Contact| -> Vec<Option<Bar>> {
            one(pupil, contact, &bars).addresses.iter().map(|address| address.bar).collect()
        };
        let of_the_child = Some(Bar::ChildInformation);
        assert_eq!(barred(pupil, &mother), [None, of_the_child], "the mailbox is the father's, too");
        assert_eq!(barred(sibling, &mother), [None, None]);
        assert_eq!(barred(pupil, &father), [None, None], "his own restriction stands on his link");
        assert!(!one(pupil, &father, &bars).no_contact);
    }

    #[test]
    fn no_contact_on_any_link_bars_everything_and_every_pupil() {
        let (pupil, other) = (PupilId::generate(), PupilId::generate());
        let father = contact(reach("07700 900102", "", ""));
        let mother = contact(reach("07700 900102", "", ""));
        let bars = Bars::on(TODAY, &[restrained(pupil, &father, Bar::Contact)]);
        assert!(one(other, &father, &bars).no_contact);
        assert_eq!(one(other, &mother, &bars).addresses[0].bar, Some(Bar::Contact));
        assert!(!one(other, &mother, &bars).no_contact);
        assert_eq!(one(other, &father, &bars).addresses[0].bar, None, "his own");
    }

    #[test]
    fn the_strictest_of_those_who_share_an_address_stands_on_it() {
        let (pupil, sibling) = (PupilId::generate(), PupilId::generate());
        let [mother, father, uncle] = [(); 3].map(|()| contact(reach("07700 900102", "", "")));
        let about_the_child = restrained(pupil, &father, Bar::ChildInformation);
        let at_all = restrained(sibling, &uncle, Bar::Contact);
        let bars = Bars::on(TODAY, &[at_all, about_the_child.clone()]);
        assert_eq!(one(pupil, &mother, &bars).addresses[0].bar, Some(Bar::Contact));
        assert_eq!(one(pupil, &uncle, &bars).addresses[0].bar, Some(Bar::ChildInformation));
        let bars = Bars::on(TODAY, &[about_the_child]);
        assert_eq!(one(pupil, &mother, &bars).addresses[0].bar, Some(Bar::ChildInformation));
        assert_eq!(one(sibling, &mother, &bars).addresses[0].bar, None);
    }

    #[test]
    fn a_restriction_of_tomorrow_bars_nothing_today() {
        let pupil = PupilId::generate();
        let father = contact(reach("07700 900102", "", ""));
        let mut entry = restrained(pupil, &father, Bar::Contact);
        entry.restriction.from = date(2026, 11, 25);
        assert!(!Bars::on(TODAY, std::slice::from_ref(&entry)).no_contact(father.id));
        assert!(Bars::on(date(2026, 11, 25), &[entry]).no_contact(father.id));
        let mut tomorrow = link(1);
        tomorrow.restriction = Some(restriction(Bar::ChildInformation, date(2026, 11, 25)));
        let seen = |today| {
            let linked = vec![(father.clone(), tomorrow.clone())];
            of_pupil(pupil, linked, &Bars::default(), today).remove(0).link.restriction
        };
        assert_eq!(seen(TODAY), None);
        assert!(seen(date(2026, 11, 25)).is_some());
    }
}
