//! Pupils who leave with something standing about them, and seem to come back under another id.

use super::*;

fn named(first_name: &str, person_only: PersonOnlyWord) -> roster::Pupil {
    roster::Pupil { first_name: first_name.to_owned(), ..pupil(person_only) }
}

/// A person-only pupil `p1` called Amy Jones, whose contact `c1` is barred.
fn before() -> Present {
    let mut present = Present::default();
    let barred = link(Responsibility::Yes, bars(Bar::ChildInformation, Some(TODAY)));
    load(&mut present, &one(PersonOnlyWord::Yes("looked after".to_owned()), barred));
    present
}

/// Somebody under another id, with these contacts, about whom the file says nothing.
fn returning(first_name: &str, contacts: &[&str]) -> Roster {
    let mut roster = empty();
    roster.pupils.insert("p9".to_owned(), named(first_name, PersonOnlyWord::No));
    for key in contacts {
        roster.contacts.insert((*key).to_owned(), contact());
        let open = link(Responsibility::Yes, RestrictionWord::None);
        roster.links.insert(("p9".to_owned(), (*key).to_owned()), open);
    }
    roster
}

fn bar_of(present: &Present, contact: &str) -> Option<Bar> {
    let link = &present.links[&("p9".to_owned(), contact.to_owned())];
    link.value.restriction.as_ref().map(|restriction| restriction.bar)
}

fn both() -> Left {
    Left { pupil: "p1".to_owned(), successors: vec!["p9".to_owned()] }
}

#[test]
fn a_pupil_who_comes_back_under_another_id_inherits_what_stood_and_both_are_named() {
    for (first_name, contacts) in [("Amy", vec!["c1"]), (" AMY ", vec!["c1", "c2"]), ("Amelia", vec!["c1"])] {
        let mut present = before();
        let plan = load(&mut present, &returning(first_name, &contacts));
        assert_eq!(present.pupils["p9"].value.person_only.as_deref(), Some("looked after"));
        assert_eq!(bar_of(&present, "c1"), Some(Bar::ChildInformation));
        assert!(!contacts.contains(&"c2") || bar_of(&present, "c2").is_none());
        assert_eq!(plan.left, [both()]);
        let bar = Bar::ChildInformation;
        assert_eq!(
            plan.barred,
            [
                Barred::Pupil("p9".to_owned()),
                Barred::Link { pupil: "p9".to_owned(), contact: "c1".to_owned(), bar }
            ]
        );
        let kept = |what, source_id: &str, columns: &[&str]| {
            plan.changes.iter().any(|change| {
                (change.what, change.action) == (what, Action::Keep)
                    && change.source_id == source_id
                    && change.columns == columns
            })
        };
        assert!(kept(What::Pupil, "p1", &["personOnly", "restriction"]));
        assert!(kept(What::Pupil, "p9", &["personOnly"]));
        assert!(kept(What::Link, "p9/c1", &["restriction"]));
        assert_eq!(load(&mut present, &returning(first_name, &contacts)).left, [], "it is asked once");
    }
}

#[test]
fn a_namesake_without_the_contact_inherits_person_only_and_the_restriction_when_the_contact_follows() {
    let mut present = before();
    let plan = load(&mut present, &returning("Amy", &["c2"]));
    assert_eq!(plan.left, [both()]);
    assert!(present.pupils["p9"].value.person_only.is_some());
    assert_eq!(bar_of(&present, "c2"), None);
    load(&mut present, &returning("Amy", &["c1", "c2"]));
    assert_eq!(bar_of(&present, "c1"), Some(Bar::ChildInformation));
}

#[test]
fn who_comes_back_in_a_later_import_inherits_too() {
    let mut present = before();
    let plan = load(&mut present, &empty());
    assert_eq!(plan.left, [Left { pupil: "p1".to_owned(), successors: Vec::new() }]);
    assert_eq!(load(&mut present, &empty()).left, []);
    let plan = load(&mut present, &returning("Amy", &["c1"]));
    assert_eq!(plan.left, [both()]);
    assert_eq!(bar_of(&present, "c1"), Some(Bar::ChildInformation));
}

#[test]
fn what_a_person_has_ended_for_the_new_id_is_not_inherited_again() {
    let mut present = before();
    load(&mut present, &returning("Amy", &["c1"]));
    present.pupils.get_mut("p9").unwrap().value.person_only = None;
    let key = ("p9".to_owned(), "c1".to_owned());
    present.links.get_mut(&key).unwrap().value.restriction = None;
    let plan = load(&mut present, &returning("Amy", &["c1"]));
    assert_eq!((plan.changes, plan.left), (vec![], vec![]));
    assert_eq!(bar_of(&present, "c1"), None);
}

#[test]
fn a_stricter_restriction_of_the_file_stands_and_a_weaker_one_does_not() {
    let mut present = before();
    let mut roster = returning("Amy", &["c1"]);
    let key = ("p9".to_owned(), "c1".to_owned());
    roster.links.insert(key.clone(), link(Responsibility::Yes, bars(Bar::Contact, Some(date(2027, 1, 1)))));
    load(&mut present, &roster);
    let standing = present.links[&key].value.restriction.clone().unwrap();
    assert_eq!((standing.bar, standing.from), (Bar::Contact, TODAY));
}

#[test]
fn a_stranger_inherits_nothing_and_a_pupil_about_whom_nothing_stood_leaves_quietly() {
    let mut present = before();
    let plan = load(&mut present, &returning("Ben", &["c2"]));
    assert_eq!(plan.left, [Left { pupil: "p1".to_owned(), successors: Vec::new() }]);
    assert_eq!((present.pupils["p9"].value.person_only.clone(), bar_of(&present, "c2")), (None, None));
    assert_eq!(load(&mut present, &empty()).left, []);
}
