//! What a change of addresses brings when the contact is under a restriction.
//!
//! Called by the import's plan and by `UpdateContact` alike, so that neither can do what the other
//! may not. A school rarely knows whether a mailbox that left its records was left by its reader,
//! too; a parent under an order may go on reading the family's mailbox.
//!
//! Invariant: an address that a contact had while a restriction stood bars others until a person
//! has ended the contact's last restriction. See
//! `no_sequence_of_imports_and_updates_frees_an_address_of_a_restricted_contact`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::link::{Bar, Restriction};
use super::roster::Reach;

/// Addresses in the form in which two people's are compared: E.164 numbers and mailboxes.
pub type Addresses = BTreeSet<String>;

/// What a change of a contact's addresses brings with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequences<P> {
    /// Addresses that the contact has no longer and that stay barred, with the column each stood in.
    pub given_up: BTreeMap<String, &'static str>,
    /// The contact has come to an address, which bars it for others from now: about these pupils.
    pub barred: Vec<(P, Bar)>,
}

/// What follows when a contact under these restrictions, in force or still to come, is reached in
/// another way. Without a restriction nothing follows.
pub fn consequences<P: Clone>(
    before: &Reach,
    after: &Reach,
    restrictions: &[(P, Restriction)],
    today: Date,
) -> Consequences<P> {
    let (old, new) = (columns_of(before), columns_of(after));
    let given_up = old.iter().filter(|(address, _)| !new.contains_key(*address));
    let gained = new.keys().any(|address| !old.contains_key(address));
    let in_force = restrictions.iter().filter(|(_, restriction)| gained && restriction.in_force(today));
    Consequences {
        given_up: given_up
            .filter(|_| !restrictions.is_empty())
            .map(|(address, column)| (address.clone(), *column))
            .collect(),
        barred: in_force.map(|(pupil, restriction)| (pupil.clone(), restriction.bar)).collect(),
    }
}

/// The addresses at which a contact can be reached.
pub fn addresses_of(reach: &Reach) -> Addresses {
    columns_of(reach).into_keys().collect()
}

/// The columns, in the file's order, of the addresses given up that others use, too.
pub fn shared(given_up: &BTreeMap<String, &'static str>, others: &Addresses) -> Vec<&'static str> {
    let used = given_up.iter().filter(|(address, _)| others.contains(*address));
    let used: BTreeSet<&str> = used.map(|(_, column)| *column).collect();
    COLUMNS.into_iter().filter(|column| used.contains(column)).collect()
}

const COLUMNS: [&str; 3] = ["sms", "phone", "email"];

fn columns_of(reach: &Reach) -> BTreeMap<String, &'static str> {
    let phone = |phone: &Option<super::phone::Phone>| phone.as_ref().map(|phone| phone.e164().to_owned());
    let email = reach.email.as_ref().map(|email| email.as_str().to_owned());
    let addresses = [phone(&reach.first_phone), phone(&reach.second_phone), email];
    addresses
        .into_iter()
        .zip(COLUMNS)
        .filter_map(|(address, column)| address.map(|address| (address, column)))
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::{email, phone};

    const TODAY: Date = date(2026, 11, 24);

    fn reach(first: &str, second: &str, mailbox: &str) -> Reach {
        let number = |entered: &str| {
            let read = |entered| phone::normalise(entered, phone::TestNumbers::Accepted).unwrap().phone;
            (!entered.is_empty()).then(|| read(entered))
        };
        Reach {
            first_phone: number(first),
            second_phone: number(second),
            email: (!mailbox.is_empty()).then(|| email::normalise(mailbox).unwrap()),
            ..Reach::default()
        }
    }

    fn restricted(from: Date) -> Vec<(u8, Restriction)> {
        let evidence = "court order".to_owned();
        vec![(1, Restriction { bar: Bar::ChildInformation, evidence, from, until: None })]
    }

    #[test]
    fn what_is_blanked_or_changed_is_given_up_and_what_only_moves_is_not() {
        let before = reach("07700 900101", "01632 960101", "family@example.com");
        for (after, columns) in [
            (reach("07700 900101", "01632 960101", ""), vec!["email"]),
            (reach("", "01632 960101", "other@example.com"), vec!["sms", "email"]),
            (reach("01632 960101", "07700 900101", "Family@Example.com"), vec![]),
            (reach("07700 900101", "07700 900109", "family@example.com"), vec!["phone"]),
        ] {
            let follows = consequences(&before, &after, &restricted(TODAY), TODAY);
            let all = addresses_of(&before);
            assert_eq!(shared(&follows.given_up, &all), columns);
            assert_eq!(shared(&follows.given_up, &Addresses::new()), [""; 0]);
            assert!(consequences::<u8>(&before, &after, &[], TODAY).given_up.is_empty());
        }
    }

    #[test]
    fn who_comes_to_an_address_bars_it_from_the_day_of_the_restriction() {
        let (before, after) =
            (reach("07700 900101", "", ""), reach("07700 900101", "", "family@example.com"));
        let barred = |after, from| consequences(&before, after, &restricted(from), TODAY).barred;
        assert_eq!(barred(&after, TODAY), [(1, Bar::ChildInformation)]);
        assert_eq!(barred(&after, date(2026, 11, 25)), []);
        assert_eq!(barred(&reach("", "07700 900101", ""), TODAY), [], "it had that number before");
    }
}
