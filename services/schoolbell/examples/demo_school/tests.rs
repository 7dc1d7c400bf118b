//! The folder is what the generator writes, and the school has the cases that the demo morning and the importer need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::roster::{Link, Roster};
use crate::school::{CLASSES, Hearing, Responsibility, Standing};
use crate::{files, roster};

#[test]
fn the_checked_in_school_is_what_the_generator_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo-school");
    let again = "; cargo run -p schoolbell --example demo_school -- services/schoolbell/demo-school";
    let written = files(&roster()).unwrap();
    for (name, text) in &written {
        let found = std::fs::read_to_string(folder.join(name)).unwrap();
        let same = found.lines().zip(text.lines()).take_while(|(one, other)| one == other).count();
        assert!(found == *text, "{name} differs in line {}{again}", same + 1);
    }
    let names: BTreeSet<&str> = written.iter().map(|(name, _)| *name).collect();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || names.contains(name.as_str()),
            "{name} is not of the demo school{again}"
        );
    }
}

#[test]
fn every_number_is_of_the_drama_ranges_and_belongs_to_one_contact() {
    let roster = roster();
    let mut taken = BTreeSet::new();
    for contact in &roster.contacts {
        let adult = &contact.adult;
        for number in adult.mobile.iter().chain(&adult.second) {
            let mobile =
                number.strip_prefix("07700 ").is_some_and(|rest| ("900100"..="900989").contains(&rest));
            let landline =
                number.strip_prefix("01632 ").is_some_and(|rest| ("960100"..="960999").contains(&rest));
            assert!(number.len() == 12 && (mobile || landline), "{number} is not a drama number");
            assert!(
                !["07700 900111", "07700 900222"].contains(&number.as_str()),
                "{number} is one of Notify's own"
            );
            assert!(taken.insert(number.clone()), "{number} belongs to two contacts");
        }
        let addresses = [&adult.mobile, &adult.second, &adult.email];
        assert!(addresses.iter().any(|address| address.is_some()), "{} has no address", contact.id);
    }
}

#[test]
fn a_shared_mailbox_is_shared_within_a_family() {
    let roster = roster();
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for contact in roster.contacts.iter().chain(&roster.teachers) {
        if let Some(mailbox) = &contact.adult.email {
            let (_, domain) = mailbox.split_once('@').unwrap();
            assert!(["example.com", "example.org", "example.test"].contains(&domain), "{mailbox}");
            assert!(mailbox.is_ascii(), "{mailbox}");
            owners.entry(mailbox).or_default().push(&contact.id);
        }
    }
    let pupils_of = |contact: &str| -> BTreeSet<&str> {
        roster.links.iter().filter(|link| link.contact == contact).map(|link| link.pupil.as_str()).collect()
    };
    let shared: Vec<_> = owners.values().filter(|owners| owners.len() > 1).collect();
    assert!(shared.len() >= 5, "only {} mailboxes are shared", shared.len());
    for owners in shared {
        assert_eq!(owners.len(), 2);
        assert_eq!(pupils_of(owners[0]), pupils_of(owners[1]));
    }
}

#[test]
fn every_seat_is_taken_once() {
    let roster = roster();
    for (class, (name, seats)) in CLASSES.iter().enumerate() {
        let seated = roster.pupils.iter().filter(|pupil| pupil.child.class == class).count();
        assert_eq!(seated, *seats, "{name}");
    }
    let ids: BTreeSet<_> = roster.pupils.iter().map(|pupil| &pupil.id).collect();
    assert_eq!(ids.len(), 420);
}

#[test]
fn the_nine_of_the_morning_are_nine_children_each_with_one_part() {
    let roster = roster();
    let morning = [
        "sibling_a",
        "sibling_b",
        "explained",
        "barred_father",
        "arrives_early",
        "arrives_late",
        "person_only",
        "dead_numbers",
        "apart",
    ];
    let pupils: BTreeSet<_> = morning.iter().map(|part| pupil_of(&roster, part)).collect();
    assert_eq!(pupils.len(), morning.len());

    let class =
        |part| &roster.pupils.iter().find(|pupil| pupil.id == pupil_of(&roster, part)).unwrap().child.class;
    assert_ne!(class("sibling_a"), class("sibling_b"));
    assert_eq!(contacts_of(&roster, "sibling_a"), contacts_of(&roster, "sibling_b"));

    let dead: Vec<_> = roster.cast.iter().filter(|row| row.part == "dead_number").collect();
    assert!(dead.len() == 2 && dead.iter().all(|row| row.address.starts_with("+447700900")));
    assert_eq!(links_of(&roster, "dead_numbers").len(), 1);

    let barred: Vec<_> = links_of(&roster, "barred_father");
    assert!(barred[0].bond.restriction.is_none() && barred[1].bond.restriction.is_some());
    let apart = links_of(&roster, "apart");
    assert!(apart[0].bond.standing == Standing::Home && apart[1].bond.standing == Standing::Away);
    assert!(apart[..2].iter().all(|link| link.bond.responsibility == Responsibility::Yes));
}

#[test]
fn three_children_of_the_town_play_the_later_morning() {
    let roster = roster();
    let accident = links_of(&roster, "accident");
    let reached: Vec<_> = accident.iter().map(|link| adult_of(&roster, link)).collect();
    assert!(reached[0].email.is_some() && reached[1].email.is_none() && reached[1].mobile.is_some());
    assert!(accident[2].bond.standing == Standing::EmergencyOnly && reached[2].mobile.is_some());

    let year = |part| {
        let pupil = pupil_of(&roster, part);
        crate::school::year_of(roster.pupils.iter().find(|other| other.id == pupil).unwrap().child.class)
    };
    assert_eq!(year("head_bump"), year("head_bump_partner"));
    assert_ne!(pupil_of(&roster, "head_bump"), pupil_of(&roster, "head_bump_partner"));
    for (part, shared) in [("head_bump", false), ("head_bump_partner", true)] {
        let links = links_of(&roster, part);
        let barred = links.iter().find(|link| link.bond.restriction.is_some()).unwrap();
        let mailbox = &adult_of(&roster, barred).email;
        let others = links.iter().filter(|link| link.contact != barred.contact);
        let shares = others.map(|link| &adult_of(&roster, link).email).any(|other| other == mailbox);
        assert!(mailbox.is_some() && shares == shared, "{part}");
    }
}

#[test]
fn every_kind_of_family_that_the_rules_tell_apart_lives_here() {
    let roster = roster();
    let links = |what: fn(&Link) -> bool| roster.links.iter().filter(|link| what(link)).count();
    for language in ["pl", "ur"] {
        assert!(roster.links.iter().filter(|link| link.language == language).count() >= 20, "{language}");
    }
    assert!(links(|link| link.hearing == Hearing::NoVoice) >= 4);
    assert!(links(|link| link.bond.standing == Standing::EmergencyOnly) >= 40);
    assert!(links(|link| link.bond.standing == Standing::Away) >= 40);
    assert!(links(|link| link.bond.responsibility == Responsibility::Unknown) >= 4);
    for kind in ["no_child_information", "no_contact"] {
        let barred = roster.links.iter().filter_map(|link| link.bond.restriction);
        assert!(barred.filter(|restriction| restriction.kind == kind).count() >= 2, "{kind}");
    }
    let contacts = |mobile: bool, second: bool, email: bool| {
        let has = |contact: &&crate::roster::Contact| {
            let adult = &contact.adult;
            (adult.mobile.is_some(), adult.second.is_some(), adult.email.is_some()) == (mobile, second, email)
        };
        roster.contacts.iter().filter(has).count()
    };
    assert!(contacts(false, false, true) >= 5, "only a mailbox");
    assert!(contacts(false, true, true) >= 5, "a landline and a mailbox");
    let alone = roster.pupils.iter().filter(|pupil| {
        let mut links = roster.links.iter().filter(|link| link.pupil == pupil.id);
        links.all(|link| link.bond.standing == Standing::EmergencyOnly)
    });
    assert_eq!(alone.count(), 1, "a pupil with an emergency-only contact alone");
}

fn pupil_of<'a>(roster: &'a Roster, part: &str) -> &'a str {
    let rows: Vec<_> = roster.cast.iter().filter(|row| row.part == part).collect();
    assert_eq!(rows.len(), 1, "{part}");
    &rows[0].pupil
}

fn links_of<'a>(roster: &'a Roster, part: &str) -> Vec<&'a Link> {
    let pupil = pupil_of(roster, part);
    roster.links.iter().filter(|link| link.pupil == pupil).collect()
}

fn adult_of<'a>(roster: &'a Roster, link: &Link) -> &'a crate::school::Adult {
    &roster.contacts.iter().find(|contact| contact.id == link.contact).unwrap().adult
}

fn contacts_of<'a>(roster: &'a Roster, part: &str) -> Vec<&'a str> {
    links_of(roster, part).into_iter().map(|link| link.contact.as_str()).collect()
}
