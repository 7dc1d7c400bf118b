//! Whose phones there are to look at, and how the story speaks of their owners: *mother of Maya and
//! Rohan*. Everything comes from the school's files.

use std::collections::BTreeMap;

use simulator::Person;

use super::witness::roster::{Link, Roster};

/// Everybody at home, in the order of their ids.
pub fn people(roster: &Roster) -> Vec<Person> {
    roster
        .contacts
        .iter()
        .map(|(id, contact)| Person {
            name: contact.name.clone(),
            about: about(roster, id),
            addresses: contact.written.clone(),
        })
        .collect()
}

/// What a contact is to whom.
pub fn about(roster: &Roster, contact: &str) -> String {
    let mut children: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for link in roster.links_of_contact(contact) {
        if let Some(pupil) = roster.pupils.get(&link.pupil) {
            children.entry(standing(link)).or_default().push(&pupil.first_name);
        }
    }
    let parts: Vec<String> =
        children.iter().map(|(standing, names)| standing.replace("{}", &listed(names))).collect();
    parts.join("; ")
}

fn standing(link: &Link) -> String {
    let role = match link.role.as_str() {
        "step_parent" => "step-parent",
        "foster_carer" => "foster carer",
        "other" => "contact",
        role => role,
    };
    let limit = match (link.restriction.as_str(), link.emergency_only) {
        ("no_contact", _) => " (a court order: nothing may be sent)",
        ("no_child_information", _) => " (a court order: may not be told)",
        (_, true) => " (for emergencies)",
        _ => "",
    };
    format!("{role} of {{}}{limit}")
}

/// `Maya`, `Maya and Rohan`, `Maya, Rohan and Zofia`.
fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::school::FILES;

    #[test]
    fn everybody_at_home_has_a_phone_that_says_whose_it_is() {
        let roster = Roster::read(&FILES).unwrap();
        let people = people(&roster);
        assert_eq!(people.len(), roster.contacts.len());
        assert_eq!(people[0].name, "Anjali Patel");
        assert_eq!(people[0].about, "mother of Maya and Rohan");
        assert_eq!(people[0].addresses, ["07700 900100", "anjali.patel@example.com"]);
        assert_eq!(about(&roster, "contact-0006"), "father of Chloe (a court order: may not be told)");
        assert_eq!(about(&roster, "contact-0016"), "grandparent of Leo (for emergencies)");
        assert!(people.iter().all(|person| person.about.contains(" of ") && !person.addresses.is_empty()));
    }
}
