//! Pupils and contacts against a roster.

use std::collections::BTreeSet;

use super::succession::{Succession, standing};
use super::{Action, Barred, Kept, Plan, What, Write, differs};
use crate::domain::present::{Present, Pupil, Stored};
use crate::domain::roster::{PersonOnlyWord, Pupil as Incoming, Roster, SourceId};

/// Pupils: "person only" starts by a file or is inherited, and ends by a person.
pub fn pupils(plan: &mut Plan, (present, roster): (&Present, &Roster), succession: &Succession<'_>) {
    for (key, incoming) in &roster.pupils {
        let before = present.pupils.get(key);
        let standing = before.and_then(|stored| stored.value.person_only.as_deref());
        let inherited = succession.person_only(key);
        let person_only = match (standing, &incoming.person_only) {
            (_, PersonOnlyWord::Yes(reason)) => Some(reason.clone()),
            (Some(standing), PersonOnlyWord::Silent | PersonOnlyWord::No) => Some(standing.to_owned()),
            (None, PersonOnlyWord::Silent | PersonOnlyWord::No) => inherited.map(str::to_owned),
        };
        if standing.is_none() && person_only.is_some() && !says_so(incoming) {
            plan.report(What::Pupil, Action::Keep, key, vec!["personOnly"]);
        }
        if standing.is_some() && incoming.person_only == PersonOnlyWord::No {
            plan.report(What::Pupil, Action::Keep, key, vec!["personOnly"]);
            let asked = "personOnly=false".to_owned();
            plan.kept.push(Kept { pupil: key.clone(), contact: None, asked });
        }
        if standing.is_none() && person_only.is_some() {
            plan.barred.push(Barred::Pupil(key.clone()));
        }
        let after = merged(incoming, person_only);
        if differs(plan, (What::Pupil, key), before, &after) {
            plan.pupils.push(Write { key: key.clone(), stored: Stored::active(after) });
        }
    }
    for (key, stored) in &present.pupils {
        if stored.is_active() && !roster.pupils.contains_key(key) {
            plan.removals.pupils += 1;
            plan.report(What::Pupil, Action::Remove, key, Vec::new());
            let standing = standing(present, key);
            if !standing.is_empty() {
                plan.report(What::Pupil, Action::Keep, key, standing);
            }
            plan.pupils.push(Write { key: key.clone(), stored: Stored::withdrawn(stored.value.clone()) });
        }
    }
}

fn says_so(incoming: &Incoming) -> bool {
    matches!(incoming.person_only, PersonOnlyWord::Yes(_))
}

fn merged(incoming: &Incoming, person_only: Option<String>) -> Pupil {
    Pupil {
        first_name: incoming.first_name.clone(),
        family_name: incoming.family_name.clone(),
        year_group: incoming.year_group.clone(),
        class: incoming.class.clone(),
        person_only,
    }
}

/// Contacts. `held` are those whose restricted link stays although the file has dropped it: their
/// addresses must stay known, because somebody else may be using them.
pub fn contacts(plan: &mut Plan, (present, roster): (&Present, &Roster), held: &BTreeSet<SourceId>) {
    for (key, incoming) in &roster.contacts {
        let before = present.contacts.get(key);
        let mut after = incoming.clone();
        // What people have said of their wishes is not forgotten because a file does not say it.
        let standing = before.map(|stored| stored.value.reach.prefers).unwrap_or_default();
        after.reach.prefers = after.reach.prefers.or(standing);
        if differs(plan, (What::Contact, key), before, &after) {
            plan.contacts.push(Write { key: key.clone(), stored: Stored::active(after) });
        }
    }
    for (key, stored) in &present.contacts {
        if !stored.is_active() || roster.contacts.contains_key(key) {
            continue;
        }
        if held.contains(key) {
            plan.report(What::Contact, Action::Keep, key, Vec::new());
        } else {
            plan.removals.contacts += 1;
            plan.report(What::Contact, Action::Remove, key, Vec::new());
            plan.contacts.push(Write { key: key.clone(), stored: Stored::withdrawn(stored.value.clone()) });
        }
    }
}
