//! The addresses of restricted contacts: what a file takes from them stays barred for others, and
//! what it gives them bars others from now.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Action, Barred, GivenUp, Plan, What, Write};
use crate::domain::former::{Addresses, addresses_of, consequences, shared};
use crate::domain::link::Restriction;
use crate::domain::present::{Present, Stored};
use crate::domain::roster::SourceId;

/// Plans what follows from the contacts and links that are planned already.
pub fn addresses(plan: &mut Plan, present: &Present, today: Date) {
    let restricted = restricted(plan, present);
    for (contact, restrictions) in &restricted {
        let Some(before) = present.contacts.get(contact) else { continue };
        let Some(after) = plan.contacts.iter().find(|write| write.key == *contact) else { continue };
        let follows = consequences(&before.value.reach, &after.stored.value.reach, restrictions, today);
        for (pupil, bar) in follows.barred {
            let barred = Barred::Link { pupil, contact: contact.clone(), bar };
            if !plan.barred.contains(&barred) {
                plan.barred.push(barred);
            }
        }
        let known = present.former.get(contact);
        let mut given_up = follows.given_up;
        given_up.retain(|address, _| known.is_none_or(|known| !known.contains(address)));
        plan.former.extend(given_up.keys().map(|address| (contact.clone(), address.clone())));
        if given_up.is_empty() {
            continue;
        }
        let columns = shared(&given_up, &others(plan, present, contact));
        if !columns.is_empty() {
            plan.report(What::Contact, Action::Keep, contact, columns.clone());
            let pupils = restrictions.iter().map(|(pupil, _)| pupil.clone()).collect();
            plan.given_up.push(GivenUp { contact: contact.clone(), pupils, columns });
        }
    }
}

/// Every restriction that will stand, also on a withdrawn link, by contact.
fn restricted(plan: &Plan, present: &Present) -> BTreeMap<SourceId, Vec<(SourceId, Restriction)>> {
    let mut restricted: BTreeMap<SourceId, Vec<(SourceId, Restriction)>> = BTreeMap::new();
    for ((pupil, contact), stored) in as_it_will_stand(&present.links, &plan.links) {
        if let Some(restriction) = &stored.value.restriction {
            restricted.entry(contact.clone()).or_default().push((pupil.clone(), restriction.clone()));
        }
    }
    restricted
}

/// The addresses of everybody at home but this contact.
fn others(plan: &Plan, present: &Present, contact: &SourceId) -> Addresses {
    let contacts = as_it_will_stand(&present.contacts, &plan.contacts);
    let others = contacts.into_iter().filter(|(key, stored)| *key != contact && stored.is_active());
    others.flat_map(|(_, stored)| addresses_of(&stored.value.reach)).collect()
}

fn as_it_will_stand<'a, K: Ord, T>(
    present: &'a BTreeMap<K, Stored<T>>,
    writes: &'a [Write<K, T>],
) -> BTreeMap<&'a K, &'a Stored<T>> {
    let mut stands: BTreeMap<_, _> = present.iter().collect();
    stands.extend(writes.iter().map(|write| (&write.key, &write.stored)));
    stands
}
