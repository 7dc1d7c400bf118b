//! Addresses of restricted contacts: what one gives up stays barred, what one comes to is said.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proto::ids::{ContactId, PupilId};

use super::*;
use crate::domain::audience::{self, Bars, Restrained, of_pupil};
use crate::domain::former::{Addresses, addresses_of, consequences};
use crate::domain::{email, phone};

const FAMILY: &str = "family@example.com";

fn reach(number: Option<u8>, mailbox: Option<&str>) -> Reach {
    let number = number.map(|last| format!("07700 90010{last}"));
    let number = number.map(|number| phone::normalise(&number, phone::TestNumbers::Accepted).unwrap().phone);
    Reach {
        first_phone: number,
        email: mailbox.map(|mailbox| email::normalise(mailbox).unwrap()),
        language: "en".to_owned(),
        ..Reach::default()
    }
}

/// A pupil with a mother and a barred father.
fn family(father: Reach, mother: Reach) -> Roster {
    family_under(bars(Bar::ChildInformation, Some(TODAY)), father, mother)
}

fn family_under(restriction: RestrictionWord, father: Reach, mother: Reach) -> Roster {
    let mut roster = one(PersonOnlyWord::No, link(Responsibility::Yes, restriction));
    roster.contacts.insert("c1".to_owned(), Contact { reach: father, ..contact() });
    roster.contacts.insert("c2".to_owned(), Contact { reach: mother, ..contact() });
    let of_mother = link(Responsibility::Yes, RestrictionWord::Silent);
    roster.links.insert(("p1".to_owned(), "c2".to_owned()), of_mother);
    roster
}

/// What is handed out of each contact of each pupil: the value of an address and whether it is barred.
fn handed_out(present: &Present) -> BTreeMap<(SourceId, SourceId), Vec<(String, bool)>> {
    let pupils: BTreeMap<_, _> =
        present.pupils.keys().map(|key| (key.clone(), PupilId::generate())).collect();
    let contacts: BTreeMap<_, _> =
        present.contacts.keys().map(|key| (key.clone(), ContactId::generate())).collect();
    let mut restrained = Vec::new();
    for ((pupil, contact), stored) in &present.links {
        let Some(restriction) = stored.value.restriction.clone() else { continue };
        let mut addresses = addresses_of(&present.contacts[contact].value.reach);
        addresses.extend(present.former.get(contact).into_iter().flatten().cloned());
        let (pupil, contact) = (pupils[pupil], contacts[contact]);
        restrained.push(Restrained { pupil, contact, restriction, addresses });
    }
    let bars = Bars::on(TODAY, &restrained);
    let mut handed_out = BTreeMap::new();
    for (key, stored) in &present.links {
        let contact = audience::Contact {
            id: contacts[&key.1],
            source_id: key.1.clone(),
            reach: present.contacts[&key.1].value.reach.clone(),
            revision: 1,
        };
        let linked = of_pupil(pupils[&key.0], vec![(contact, stored.value.clone())], &bars, TODAY).remove(0);
        let addresses = linked.addresses.into_iter().map(|address| (address.value, address.bar.is_some()));
        handed_out.insert(key.clone(), addresses.collect());
    }
    handed_out
}

fn of_the_mother(present: &Present) -> Vec<(String, bool)> {
    handed_out(present)[&("p1".to_owned(), "c2".to_owned())].clone()
}

#[test]
fn a_shared_mailbox_stays_barred_when_the_file_blanks_or_changes_it_and_asks_once() {
    for father in [reach(Some(2), None), reach(Some(2), Some("dan@example.com")), reach(None, None)] {
        let mother = || reach(Some(1), Some("Family@Example.com"));
        let mut present = Present::default();
        load(&mut present, &family(reach(Some(2), Some(FAMILY)), mother()));
        let plan = load(&mut present, &family(father.clone(), mother()));

        assert_eq!(present.contacts["c1"].value.reach, father, "the contact's own address may change");
        assert_eq!(of_the_mother(&present)[1], (FAMILY.to_owned(), true));
        let keeps: Vec<&Change> =
            plan.changes.iter().filter(|change| change.action == Action::Keep).collect();
        assert_eq!(
            (keeps.len(), keeps[0].what, keeps[0].columns.as_slice()),
            (1, What::Contact, &["email"][..])
        );
        let asked =
            GivenUp { contact: "c1".to_owned(), pupils: vec!["p1".to_owned()], columns: vec!["email"] };
        assert_eq!(plan.given_up, [asked]);

        let back = load(&mut present, &family(reach(Some(2), Some(FAMILY)), mother()));
        let again = load(&mut present, &family(father.clone(), mother()));
        assert!(back.given_up.is_empty() && again.given_up.is_empty(), "the same address asks once");
        assert!(of_the_mother(&present)[1].1);
    }
}

#[test]
fn an_address_that_moves_to_another_column_or_that_nobody_shares_asks_nobody() {
    let mut present = Present::default();
    load(&mut present, &family(reach(Some(2), Some("dan@example.com")), reach(Some(2), None)));
    let mut moved = reach(None, None);
    moved.second_phone = reach(Some(2), None).first_phone;
    let plan = load(&mut present, &family(moved, reach(Some(2), None)));
    assert!(plan.given_up.is_empty());
    assert_eq!(plan.former, [("c1".to_owned(), "dan@example.com".to_owned())], "kept all the same");
    assert_eq!(of_the_mother(&present), [("+447700900102".to_owned(), true)]);
    load(&mut present, &family(reach(Some(3), None), reach(Some(2), Some("dan@example.com"))));
    assert!(of_the_mother(&present).iter().all(|(_, barred)| *barred), "also when she gets it later");
}

#[test]
fn an_address_that_is_given_up_before_the_restriction_begins_is_barred_on_its_day() {
    let later = || bars(Bar::Contact, Some(date(2026, 11, 25)));
    let mother = || reach(None, Some(FAMILY));
    let mut present = Present::default();
    load(&mut present, &family_under(later(), reach(None, Some(FAMILY)), mother()));
    load(&mut present, &family_under(later(), reach(None, None), mother()));
    assert!(present.former["c1"].contains(FAMILY));
    assert!(!of_the_mother(&present)[0].1);
}

#[test]
fn without_a_restriction_an_address_is_simply_given_up() {
    let mut present = Present::default();
    let none = || RestrictionWord::None;
    load(&mut present, &family_under(none(), reach(None, Some(FAMILY)), reach(None, Some(FAMILY))));
    let plan = load(&mut present, &family_under(none(), reach(None, None), reach(None, Some(FAMILY))));
    assert!(present.former.is_empty() && plan.given_up.is_empty());
    assert!(!of_the_mother(&present)[0].1);
}

#[test]
fn a_restricted_contact_who_comes_to_an_address_is_said() {
    let mut present = Present::default();
    load(&mut present, &family(reach(Some(2), None), reach(None, Some(FAMILY))));
    let plan = load(&mut present, &family(reach(Some(2), Some(FAMILY)), reach(None, Some(FAMILY))));
    let bar = Bar::ChildInformation;
    assert_eq!(plan.barred, [Barred::Link { pupil: "p1".to_owned(), contact: "c1".to_owned(), bar }]);
    assert!(of_the_mother(&present)[0].1);
    let again = load(&mut present, &family(reach(Some(2), Some(FAMILY)), reach(None, Some(FAMILY))));
    assert_eq!(again.barred, []);
}

/// What somebody does to the school.
#[derive(Debug, Clone)]
enum Step {
    Import(Roster),
    Update(SourceId, Reach),
}

fn any_reach() -> impl Strategy<Value = Reach> {
    let mailbox = proptest::option::of(proptest::sample::select(vec!["a@example.com", "B@example.com"]));
    let columns = (proptest::option::of(1_u8..3), proptest::option::of(1_u8..3), mailbox);
    columns.prop_map(|(first, second, mailbox)| Reach {
        second_phone: reach(second, None).first_phone,
        ..reach(first, mailbox)
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let reaches = || proptest::collection::vec(any_reach(), 4);
    prop_oneof![
        (any_roster(), reaches()).prop_map(|(mut roster, reaches)| {
            for (contact, reach) in roster.contacts.values_mut().zip(reaches) {
                contact.reach = reach;
            }
            Step::Import(roster)
        }),
        ("c[12]", any_reach()).prop_map(|(contact, reach)| Step::Update(contact, reach)),
    ]
}

fn restrictions(present: &Present, contact: &str) -> Vec<(SourceId, Restriction)> {
    let links = present.links.iter().filter(|((_, key), _)| key == contact);
    links
        .filter_map(|((pupil, _), stored)| Some((pupil.clone(), stored.value.restriction.clone()?)))
        .collect()
}

/// As the api does it, but for the store.
fn update(present: &mut Present, contact: &SourceId, reach: &Reach) {
    let restrictions = restrictions(present, contact);
    let Some(stored) = present.contacts.get_mut(contact) else { return };
    let follows = consequences(&stored.value.reach, reach, &restrictions, TODAY);
    stored.value.reach = reach.clone();
    if !follows.given_up.is_empty() {
        present.former.entry(contact.clone()).or_default().extend(follows.given_up.into_keys());
    }
}

/// The rule, said again: whoever has had an address under a restriction bars it for everybody else.
fn every_address_ever_held_bars(
    present: &Present,
    held: &BTreeMap<SourceId, Addresses>,
) -> Result<(), TestCaseError> {
    for ((pupil, user), addresses) in handed_out(present) {
        for (address, barred) in addresses {
            let by = |holder: &SourceId| {
                let of_pupil = |(about, restriction): &(SourceId, Restriction)| {
                    restriction.in_force(TODAY) && (restriction.bar == Bar::Contact || *about == pupil)
                };
                *holder != user && restrictions(present, holder).iter().any(of_pupil)
            };
            let holders: BTreeSet<&SourceId> =
                held.iter().filter(|(_, held)| held.contains(&address)).map(|(holder, _)| holder).collect();
            prop_assert!(barred || !holders.into_iter().any(by), "{address} of {user} is free again");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_sequence_of_imports_and_updates_frees_an_address_of_a_restricted_contact(
        steps in proptest::collection::vec(any_step(), 1..8),
    ) {
        let mut present = Present::default();
        let mut held: BTreeMap<SourceId, Addresses> = BTreeMap::new();
        for step in &steps {
            match step {
                Step::Import(roster) => {
                    load(&mut present, roster);
                }
                Step::Update(contact, reach) => update(&mut present, contact, reach),
            }
            for (contact, stored) in &present.contacts {
                if !restrictions(&present, contact).is_empty() {
                    held.entry(contact.clone()).or_default().extend(addresses_of(&stored.value.reach));
                }
            }
            every_address_ever_held_bars(&present, &held)?;
        }
    }
}
