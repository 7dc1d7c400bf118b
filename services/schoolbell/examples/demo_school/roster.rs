//! The whole school as a list: every person has an id, every bond is a link between two ids.
//!
//! Pupils are numbered class by class, contacts family by family (those of the cast first). Ids carry no meaning beyond that.

use std::collections::BTreeMap;

use crate::addresses::Reach;
use crate::households::Households;
use crate::later;
use crate::school::{Adult, Bond, CLASSES, Child, Family, Hearing, Responsibility, Role, Standing};

/// A pupil with the id that all files use.
pub struct Pupil {
    /// `sourcedId`.
    pub id: String,
    /// Who it is.
    pub child: Child,
}

/// A contact with the id that all files use.
pub struct Contact {
    /// `sourcedId`.
    pub id: String,
    /// Who it is.
    pub adult: Adult,
}

/// What an adult is to a pupil.
pub struct Link {
    /// `sourcedId` of the pupil.
    pub pupil: String,
    /// `sourcedId` of the contact.
    pub contact: String,
    /// What is said of the two.
    pub bond: Bond,
    /// From 1, for each pupil without gaps.
    pub priority: usize,
    /// As on every link of this contact.
    pub language: &'static str,
    /// As on every link of this contact.
    pub hearing: Hearing,
}

/// A line of cast.csv.
pub struct CastRow {
    /// The name by which the demo's script finds the line.
    pub part: &'static str,
    /// `sourcedId` of the pupil.
    pub pupil: String,
    /// `sourcedId` of a contact, or empty.
    pub contact: String,
    /// A number in E.164 or a mailbox, or empty.
    pub address: String,
    /// What should happen.
    pub note: &'static str,
}

/// Everybody.
#[derive(Default)]
pub struct Roster {
    /// Class by class.
    pub pupils: Vec<Pupil>,
    /// Family by family.
    pub contacts: Vec<Contact>,
    /// Pupil by pupil, by priority.
    pub links: Vec<Link>,
    /// One for each class, in the order of the classes.
    pub teachers: Vec<Contact>,
    /// In the order of the morning.
    pub cast: Vec<CastRow>,
}

/// How many childminders look after pupils of several families, and of how many.
const CHILDMINDERS: usize = 2;
const MINDED_EACH: usize = 3;

impl Roster {
    /// Numbers the families and gives each class a teacher.
    pub fn of(families: Vec<Family>, households: &mut Households) -> Self {
        let mut roster = Self::default();
        let ids = pupil_ids(&families);
        for (position, family) in families.into_iter().enumerate() {
            roster.add(family, position, &ids);
        }
        roster.add_childminders(households);
        roster.pupils.sort_by(|one, other| one.id.cmp(&other.id));
        roster.links.sort_by(|one, other| (&one.pupil, one.priority).cmp(&(&other.pupil, other.priority)));
        let later = later::rows(&roster);
        roster.cast.extend(later);
        roster.teachers = (1..=CLASSES.len())
            .map(|number| Contact { id: format!("staff-{number:02}"), adult: households.teacher() })
            .collect();
        roster
    }

    fn add(&mut self, family: Family, position: usize, ids: &BTreeMap<(usize, usize), String>) {
        let pupil_id = |child: usize| ids.get(&(position, child)).cloned().unwrap_or_default();
        let first = self.contacts.len() + 1;
        let contact_id = |adult: usize| format!("contact-{:04}", first + adult);
        for line in family.cast {
            self.cast.push(CastRow {
                part: line.part,
                pupil: pupil_id(line.child),
                contact: line.adult.map(contact_id).unwrap_or_default(),
                address: line.address.map(international).unwrap_or_default(),
                note: line.note,
            });
        }
        for child in 0..family.children.len() {
            let mut bonds: Vec<(usize, Bond)> = bonds_of(&family.adults, child).collect();
            // Whom the school may ring about the child comes before whom it may not.
            bonds.sort_by_key(|(_, bond)| {
                (bond.restriction.is_some(), bond.standing == Standing::EmergencyOnly)
            });
            for (rank, (adult, bond)) in bonds.into_iter().enumerate() {
                let Some(who) = family.adults.get(adult) else { continue };
                let (language, hearing) = (who.language, who.hearing);
                let (pupil, contact) = (pupil_id(child), contact_id(adult));
                self.links.push(Link { pupil, contact, bond, priority: rank + 1, language, hearing });
            }
        }
        let pupils = family.children.into_iter().enumerate();
        self.pupils.extend(pupils.map(|(child, who)| Pupil { id: pupil_id(child), child: who }));
        let contacts = family.adults.into_iter().enumerate();
        self.contacts.extend(contacts.map(|(adult, who)| Contact { id: contact_id(adult), adult: who }));
    }

    /// Childminders are the contacts who belong to several families.
    fn add_childminders(&mut self, households: &mut Households) {
        let mut minded: Vec<String> =
            self.pupils.iter().map(|pupil| pupil.id.clone()).filter(|id| self.is_plain(id)).collect();
        households.random.shuffle(&mut minded);
        for pupils in minded.chunks(MINDED_EACH).take(CHILDMINDERS) {
            let mut adult = households.childminder();
            households.addresses.give(&mut adult, Reach::MobileAndMail);
            let id = format!("contact-{:04}", self.contacts.len() + 1);
            for pupil in pupils {
                let bond = Bond {
                    child: 0,
                    role: Role::Childminder,
                    responsibility: Responsibility::No,
                    standing: Standing::EmergencyOnly,
                    restriction: None,
                };
                let priority = 1 + self.links.iter().filter(|link| link.pupil == *pupil).count();
                let (pupil, contact) = (pupil.clone(), id.clone());
                let (language, hearing) = (adult.language, adult.hearing);
                self.links.push(Link { pupil, contact, bond, priority, language, hearing });
            }
            self.contacts.push(Contact { id, adult });
        }
    }

    /// Neither in the cast nor in a case of its own, which a childminder would blur.
    fn is_plain(&self, pupil: &str) -> bool {
        let mut links = self.links.iter().filter(|link| link.pupil == pupil);
        self.cast.iter().all(|row| row.pupil != pupil)
            && links.all(|Link { bond, .. }| {
                bond.restriction.is_none()
                    && bond.standing == Standing::Home
                    && bond.role != Role::FosterCarer
            })
    }
}

fn bonds_of(adults: &[Adult], child: usize) -> impl Iterator<Item = (usize, Bond)> {
    let all =
        adults.iter().enumerate().flat_map(|(adult, who)| who.bonds.iter().map(move |&bond| (adult, bond)));
    all.filter(move |(_, bond)| bond.child == child)
}

/// The id of each child, found by the positions of its family and of itself therein.
fn pupil_ids(families: &[Family]) -> BTreeMap<(usize, usize), String> {
    let mut places: Vec<_> = families
        .iter()
        .enumerate()
        .flat_map(|(family, members)| {
            members
                .children
                .iter()
                .enumerate()
                .map(move |(child, who)| ((who.class, who.surname, who.given), (family, child)))
        })
        .collect();
    places.sort_unstable();
    places.into_iter().zip(1..).map(|((_, place), number)| (place, format!("pupil-{number:04}"))).collect()
}

/// A number of the national format as E.164; a mailbox stays as it is.
pub fn international(address: String) -> String {
    match address.strip_prefix('0') {
        Some(rest) => format!("+44{}", rest.replace(' ', "")),
        None => address,
    }
}
