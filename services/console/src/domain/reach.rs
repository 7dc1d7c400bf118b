//! Whom staff could ring about a child today, and for whom there is nobody.

use std::collections::HashSet;

use proto::directory::v1::{AddressKind, AudiencePupil, Link, Restriction};

/// How many contacts each child should have at least: "where reasonably possible hold more than one emergency
/// contact number for each pupil" (Working together to improve school attendance, 2026; Keeping children safe in
/// education says the same).
pub const ENOUGH: usize = 2;

/// Whether a contact can be rung about a child, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// A number works, as far as is known.
    Works,
    /// A restriction stands against it.
    MayNotBeTold,
    /// The contact cannot use a telephone, or does not want to.
    NoCalls,
    /// There is no number.
    NoNumber,
    /// Somebody who is barred answers it too.
    Shared,
    /// Messages to it failed for good.
    Dead,
}

impl Voice {
    /// In words, after a name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Works => "can be rung",
            Self::MayNotBeTold => "must not be told",
            Self::NoCalls => "takes no voice calls",
            Self::NoNumber => "has no number",
            Self::Shared => "has only a number that somebody uses who must not be told",
            Self::Dead => "has only numbers that do not work",
        }
    }
}

/// Whether anything about the child may be said to this contact at all.
pub fn may_be_told(link: &Link) -> bool {
    !link.no_contact && matches!(link.restriction(), Restriction::None | Restriction::Unspecified)
}

/// Whether this contact can be rung; `dead` are the numbers that nothing gets to.
pub fn voice(link: &Link, dead: &HashSet<String>) -> Voice {
    if !may_be_told(link) {
        return Voice::MayNotBeTold;
    }
    if link.no_voice {
        return Voice::NoCalls;
    }
    let phones = link
        .addresses
        .iter()
        .filter(|address| matches!(address.kind(), AddressKind::Mobile | AddressKind::Landline));
    let mut best = Voice::NoNumber;
    for phone in phones {
        if phone.barred || phone.no_contact {
            best = Voice::Shared;
        } else if dead.contains(&phone.value) {
            best = Voice::Dead;
        } else {
            return Voice::Works;
        }
    }
    best
}

/// What is weak about how a child's home is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// Nobody can be rung: each contact by its id, with why not.
    pub nobody_to_ring: Option<Vec<(String, Voice)>>,
    /// Fewer contacts than there should be may be told: how many.
    pub few: Option<usize>,
}

/// What is weak about it, if anything.
pub fn weakness(pupil: &AudiencePupil, dead: &HashSet<String>) -> Option<Weakness> {
    let voices: Vec<(String, Voice)> =
        pupil.links.iter().map(|link| (link.contact_id.clone(), voice(link, dead))).collect();
    let told = pupil.links.iter().filter(|link| may_be_told(link)).count();
    let works = voices.iter().any(|(_, voice)| *voice == Voice::Works);
    let found = Weakness { nobody_to_ring: (!works).then_some(voices), few: (told < ENOUGH).then_some(told) };
    (found.nobody_to_ring.is_some() || found.few.is_some()).then_some(found)
}

#[cfg(test)]
mod tests {
    use proto::directory::v1::Address;

    use super::*;

    fn link(id: &str, numbers: &[&str]) -> Link {
        let address = |value: &&str| Address {
            kind: AddressKind::Mobile.into(),
            value: (*value).to_owned(),
            ..Address::default()
        };
        Link {
            contact_id: id.to_owned(),
            addresses: numbers.iter().map(address).collect(),
            ..Link::default()
        }
    }

    #[test]
    fn a_number_works_unless_something_is_known_against_it() {
        let dead = HashSet::from(["+447700900209".to_owned()]);
        let barred =
            Link { restriction: Restriction::NoChildInformation.into(), ..link("b", &["+447700900201"]) };
        let nowhere = Link { no_contact: true, ..link("n", &["+447700900201"]) };
        let signing = Link { no_voice: true, ..link("d", &["+447700900201"]) };
        let mut shared = link("s", &["+447700900202"]);
        shared.addresses[0].barred = true;
        let mut mailbox = link("m", &["mum@example.org"]);
        mailbox.addresses[0].kind = AddressKind::Email.into();
        for (link, expected) in [
            (link("a", &["+447700900201"]), Voice::Works),
            (link("a", &["+447700900209", "+447700900201"]), Voice::Works),
            (link("a", &["+447700900209"]), Voice::Dead),
            (link("a", &[]), Voice::NoNumber),
            (mailbox, Voice::NoNumber),
            (barred, Voice::MayNotBeTold),
            (nowhere, Voice::MayNotBeTold),
            (signing, Voice::NoCalls),
            (shared, Voice::Shared),
        ] {
            assert_eq!(voice(&link, &dead), expected, "{}", link.contact_id);
        }
    }

    #[test]
    fn a_child_with_two_who_may_be_told_and_one_who_can_be_rung_has_enough() {
        let pupil = |links: Vec<Link>| AudiencePupil { links, ..AudiencePupil::default() };
        let none = HashSet::new();
        let (anna, bert) = (link("a", &["+447700900201"]), link("b", &[]));
        assert_eq!(weakness(&pupil(vec![anna.clone(), bert.clone()]), &none), None);
        let one = weakness(&pupil(vec![anna.clone()]), &none).unwrap();
        assert_eq!((one.few, one.nobody_to_ring), (Some(1), None));
        let barred = Link { no_contact: true, ..anna.clone() };
        let two = weakness(&pupil(vec![bert.clone(), barred]), &none).unwrap();
        let why = vec![("b".to_owned(), Voice::NoNumber), ("a".to_owned(), Voice::MayNotBeTold)];
        assert_eq!(
            (two.few, two.nobody_to_ring),
            (Some(1), Some(why)),
            "whoever is barred is no contact for this"
        );
        assert_eq!(weakness(&pupil(Vec::new()), &none).unwrap().few, Some(0));
    }
}
