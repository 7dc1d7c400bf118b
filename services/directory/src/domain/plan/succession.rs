//! Pupils who left with something that stands about them, and who comes after them.
//!
//! A child who leaves and comes back under another id of the school's own system would come back
//! without "person only" and without its restrictions. So a pupil whom no import has brought before
//! inherits them from one who left and has the same name or a contact in common, until a person
//! decides. A namesake who is known already inherits only on links that are new.
//!
//! It may be a younger brother or a namesake: then it bars too much for a while, and never too
//! little.

use std::collections::{BTreeMap, BTreeSet};

use super::Left;
use crate::domain::link::{Link, Restriction};
use crate::domain::present::{Present, Stored};
use crate::domain::roster::{Roster, SourceId};

/// Who left, now or before, and who inherits from whom.
pub struct Succession<'a> {
    present: &'a Present,
    leaving: Vec<&'a SourceId>,
    /// By a pupil of the roster, those who left before it.
    predecessors: BTreeMap<&'a SourceId, Vec<&'a SourceId>>,
}

impl<'a> Succession<'a> {
    /// Compares the pupils of a roster with those who are not, or no longer, in it.
    pub fn of(present: &'a Present, roster: &'a Roster) -> Self {
        let gone: Vec<&SourceId> = present
            .pupils
            .keys()
            .filter(|key| !roster.pupils.contains_key(*key) && !standing(present, key).is_empty())
            .collect();
        let (homes, left_homes) = (homes(roster.links.keys()), homes(present.links.keys()));
        let names: BTreeMap<&SourceId, String> = gone
            .iter()
            .filter_map(|key| present.pupils.get(*key).map(|stored| (*key, stored)))
            .map(|(key, stored)| (key, name(&stored.value.first_name, &stored.value.family_name)))
            .collect();
        let mut predecessors: BTreeMap<&SourceId, Vec<&SourceId>> = BTreeMap::new();
        for (pupil, incoming) in &roster.pupils {
            let own = name(&incoming.first_name, &incoming.family_name);
            let is_new = !present.pupils.contains_key(pupil);
            for before in &gone {
                let namesake = names.get(before) == Some(&own);
                let same_home = || match (homes.get(pupil), left_homes.get(*before)) {
                    (Some(one), Some(other)) => !one.is_disjoint(other),
                    (None, _) | (_, None) => false,
                };
                if namesake || is_new && same_home() {
                    predecessors.entry(pupil).or_default().push(before);
                }
            }
        }
        let is_active = |key: &&SourceId| present.pupils.get(*key).is_some_and(Stored::is_active);
        let leaving = gone.iter().copied().filter(is_active).collect();
        Self { present, leaving, predecessors }
    }

    /// Why no automation may run about a pupil whom no import has brought before.
    pub fn person_only(&self, pupil: &SourceId) -> Option<&'a str> {
        if self.present.pupils.contains_key(pupil) {
            return None;
        }
        let before = self.predecessors.get(pupil)?;
        before.iter().find_map(|key| self.present.pupils.get(*key)?.value.person_only.as_deref())
    }

    /// The restriction of a link that no import has brought before.
    pub fn restriction(&self, (pupil, contact): &(SourceId, SourceId)) -> Option<Restriction> {
        let before = self.predecessors.get(pupil)?.iter();
        let links = before.filter_map(|key| self.present.links.get(&((*key).clone(), contact.clone())));
        let restrictions = links.filter_map(|stored| stored.value.restriction.clone());
        restrictions.reduce(|one, other| one.strictest(&other))
    }

    /// Those who leave now, and those who left before a pupil who comes now.
    pub fn left(&self) -> Vec<Left> {
        let mut left: BTreeMap<&SourceId, Vec<SourceId>> =
            self.leaving.iter().map(|key| (*key, Vec::new())).collect();
        for (pupil, before) in &self.predecessors {
            let is_new = !self.present.pupils.contains_key(*pupil);
            for key in before.iter().filter(|key| is_new || self.leaving.contains(key)) {
                left.entry(key).or_default().push((*pupil).clone());
            }
        }
        left.into_iter().map(|(pupil, successors)| Left { pupil: pupil.clone(), successors }).collect()
    }
}

/// The columns that somebody must look at when this pupil leaves.
pub fn standing(present: &Present, pupil: &SourceId) -> Vec<&'static str> {
    let person_only = present.pupils.get(pupil).is_some_and(|stored| stored.value.person_only.is_some());
    let restricted = links_of(present, pupil).any(|link| link.restriction.is_some());
    [("personOnly", person_only), ("restriction", restricted)]
        .into_iter()
        .filter_map(|(column, stands)| stands.then_some(column))
        .collect()
}

fn links_of<'a>(present: &'a Present, pupil: &'a SourceId) -> impl Iterator<Item = &'a Link> {
    let from = (pupil.clone(), SourceId::new());
    let links = present.links.range(from..).take_while(move |((key, _), _)| key == pupil);
    links.map(|(_, stored)| &stored.value)
}

/// The contacts of each pupil.
fn homes<'a>(
    links: impl Iterator<Item = &'a (SourceId, SourceId)>,
) -> BTreeMap<&'a SourceId, BTreeSet<&'a SourceId>> {
    let mut homes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (pupil, contact) in links {
        homes.entry(pupil).or_default().insert(contact);
    }
    homes
}

/// Two systems write the same name with other capitals and spaces.
fn name(first: &str, family: &str) -> String {
    let words = first.split_whitespace().chain(family.split_whitespace());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}
