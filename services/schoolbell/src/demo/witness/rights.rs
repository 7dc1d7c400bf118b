//! Who should know of an unexplained absence, and who must not.
//!
//! Written from the school's rule, as a parent would read it: everybody with parental responsibility
//! and everybody with whom the child lives is told at once; where it is not recorded, somebody in a
//! parent's or guardian's place counts as having it. People for emergencies are not told at once. An
//! order of a court comes before all of that.

use jiff::civil::Date;

use super::roster::{Link, Roster};

/// What an order says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// Nothing at all to this contact.
    Everything,
    /// Nothing about this child.
    ThisChild,
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

/// Whether the contact of this link is to be told at once that its pupil is missing.
pub fn should_know(roster: &Roster, link: &Link, day: Date) -> bool {
    if bar(roster, link, day).is_some() || link.emergency_only {
        return false;
    }
    let responsible = match link.parental_responsibility.as_str() {
        "yes" => true,
        "unknown" => in_a_parents_place(&link.role),
        _ => false,
    };
    responsible || link.lives_with
}

/// A restriction starts on its day and ends only when a person ends it, whatever day of review it has.
fn in_force(link: &Link, day: Date) -> bool {
    link.restriction != "none" && link.restricted_from.is_none_or(|from| from <= day)
}

fn in_a_parents_place(role: &str) -> bool {
    ["mother", "father", "parent", "guardian"].contains(&role)
}
