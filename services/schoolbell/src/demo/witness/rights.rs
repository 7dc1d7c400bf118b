//! Who should know of something, and who must not.
//!
//! Written from the school's rule, as a parent would read it. About a child everybody with parental
//! responsibility and everybody with whom the child lives is told at once; where it is not recorded,
//! somebody in a parent's or guardian's place counts as having it. That the school is closed or open
//! is for everybody at home but people for emergencies. An order of a court comes before all of that:
//! whoever may hear nothing of a child hears only what is said to everybody.

use jiff::civil::Date;

use super::facts::Scope;
use super::roster::{Link, Roster};

/// What an order says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// Nothing at all to this contact.
    Everything,
    /// Nothing about this child.
    ThisChild,
}

/// What is to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter<'a> {
    /// Something about this one child.
    Child,
    /// That a part of the school, or all of it, is closed or open.
    Closing(&'a Scope),
    /// What somebody in the school wrote.
    Letter(&'a Scope),
}

impl<'a> Matter<'a> {
    /// The part of the school that it concerns, when that is not one child.
    pub fn scope(self) -> Option<&'a Scope> {
        match self {
            Self::Child => None,
            Self::Closing(scope) | Self::Letter(scope) => Some(scope),
        }
    }
}

/// What bars the contact of this link from hearing about its pupil on this day.
pub fn bar(roster: &Roster, link: &Link, day: Date) -> Option<Bar> {
    if barred_from_everything(roster, &link.contact, day) {
        return Some(Bar::Everything);
    }
    (in_force(link, day) && link.restriction == "no_child_information").then_some(Bar::ThisChild)
}

/// Whether any link of this contact says that nothing at all may be sent.
pub fn barred_from_everything(roster: &Roster, contact: &str, day: Date) -> bool {
    roster.links_of_contact(contact).any(|link| in_force(link, day) && link.restriction == "no_contact")
}

/// Whether the contact of this link is to be told at once, because of its pupil.
pub fn should_know(roster: &Roster, link: &Link, day: Date, matter: Matter<'_>) -> bool {
    match (bar(roster, link, day), matter) {
        (Some(Bar::Everything), _) | (Some(Bar::ThisChild), Matter::Child) => return false,
        (Some(Bar::ThisChild), Matter::Closing(scope) | Matter::Letter(scope)) => {
            return *scope == Scope::WholeSchool;
        }
        (None, _) => {}
    }
    let of_family = !link.emergency_only && (is_responsible(link) || link.lives_with);
    match matter {
        Matter::Child => of_family,
        Matter::Letter(scope) => of_family && scope.holds(roster, &link.pupil),
        // Somebody without a say in the child's life may still wait at the gate.
        Matter::Closing(scope) => !link.emergency_only && scope.holds(roster, &link.pupil),
    }
}

fn is_responsible(link: &Link) -> bool {
    match link.parental_responsibility.as_str() {
        "yes" => true,
        "unknown" => in_a_parents_place(&link.role),
        _ => false,
    }
}

/// A restriction starts on its day and ends only when a person ends it, whatever day of review it has.
fn in_force(link: &Link, day: Date) -> bool {
    link.restriction != "none" && link.restricted_from.is_none_or(|from| from <= day)
}

fn in_a_parents_place(role: &str) -> bool {
    ["mother", "father", "parent", "guardian"].contains(&role)
}
