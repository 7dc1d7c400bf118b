mod addresses;
mod returning;

use jiff::civil::{Date, date, time};
use proptest::prelude::*;

use super::*;
use crate::domain::link::{Responsibility, Restriction, Role};
use crate::domain::present::Status;
use crate::domain::roster::{self, PersonOnlyWord, Reach, RegisterTimes, RestrictionWord};

const TODAY: Date = date(2026, 11, 24);

fn school_of_the_roster() -> School {
    let times = |hour| RegisterTimes {
        opens: time(hour, 0, 0, 0),
        closes: time(hour, 25, 0, 0),
        session_ends: time(hour + 3, 0, 0, 0),
    };
    School {
        source_id: "org".to_owned(),
        name: "Elm Park Primary School".to_owned(),
        phone: "01632 960001".to_owned(),
        morning: times(9),
        afternoon: times(13),
        duty_numbers: Vec::new(),
    }
}

fn empty() -> Roster {
    Roster {
        school: school_of_the_roster(),
        terms: BTreeMap::new(),
        classes: BTreeMap::new(),
        pupils: BTreeMap::new(),
        contacts: BTreeMap::new(),
        links: BTreeMap::new(),
    }
}

fn pupil(person_only: PersonOnlyWord) -> roster::Pupil {
    roster::Pupil {
        first_name: "Amy".to_owned(),
        family_name: "Jones".to_owned(),
        year_group: "3".to_owned(),
        class: "c1".to_owned(),
        person_only,
    }
}

fn contact() -> Contact {
    Contact {
        given_name: "Bo".to_owned(),
        family_name: "Jones".to_owned(),
        reach: Reach { language: "en".to_owned(), ..Reach::default() },
    }
}

fn link(responsibility: Responsibility, restriction: RestrictionWord) -> roster::Link {
    roster::Link {
        role: Role::Father,
        priority: 1,
        responsibility,
        lives_with: true,
        emergency_only: false,
        restriction,
    }
}

fn bars(bar: Bar, from: Option<Date>) -> RestrictionWord {
    RestrictionWord::Stands { bar, evidence: "court order of 1 September 2026".to_owned(), from, until: None }
}

/// One pupil, one contact, one link.
fn one(person_only: PersonOnlyWord, link: roster::Link) -> Roster {
    let mut roster = empty();
    roster.pupils.insert("p1".to_owned(), pupil(person_only));
    roster.contacts.insert("c1".to_owned(), contact());
    roster.links.insert(("p1".to_owned(), "c1".to_owned()), link);
    roster
}

fn write<K: Ord + Clone, T: Clone>(rows: &mut BTreeMap<K, Stored<T>>, writes: &[Write<K, T>]) {
    rows.extend(writes.iter().map(|write| (write.key.clone(), write.stored.clone())));
}

fn load(present: &mut Present, roster: &Roster) -> Plan {
    let plan = plan(present, roster, TODAY);
    if let Some(school) = &plan.school {
        present.school = Some(school.clone());
    }
    write(&mut present.terms, &plan.terms);
    write(&mut present.classes, &plan.classes);
    write(&mut present.pupils, &plan.pupils);
    write(&mut present.contacts, &plan.contacts);
    write(&mut present.links, &plan.links);
    for (contact, address) in &plan.former {
        present.former.entry(contact.clone()).or_default().insert(address.clone());
    }
    plan
}

fn the_link(present: &Present) -> &Stored<Link> {
    &present.links[&("p1".to_owned(), "c1".to_owned())]
}

#[test]
fn a_first_import_adds_everything_and_says_who_is_barred() {
    let roster = one(
        PersonOnlyWord::Yes("child protection plan".to_owned()),
        link(Responsibility::Yes, bars(Bar::ChildInformation, Some(TODAY))),
    );
    let plan = load(&mut Present::default(), &roster);
    let said: Vec<_> = plan.changes.iter().map(|change| (change.what, change.action)).collect();
    let add = |what| (what, Action::Add);
    assert_eq!(said, [add(What::School), add(What::Pupil), add(What::Link), add(What::Contact)]);
    assert_eq!(
        plan.barred,
        [
            Barred::Pupil("p1".to_owned()),
            Barred::Link { pupil: "p1".to_owned(), contact: "c1".to_owned(), bar: Bar::ChildInformation }
        ]
    );
    assert!(plan.kept.is_empty());
}

#[test]
fn a_restriction_that_starts_later_is_not_said_today() {
    let later = Some(date(2026, 11, 25));
    let roster = one(PersonOnlyWord::No, link(Responsibility::Yes, bars(Bar::Contact, later)));
    assert_eq!(load(&mut Present::default(), &roster).barred, []);
}

#[test]
fn an_import_that_would_widen_keeps_what_stands_and_asks_a_person_for_each_wish() {
    let mut present = Present::default();
    let narrow =
        roster::Link { emergency_only: true, ..link(Responsibility::No, bars(Bar::Contact, Some(TODAY))) };
    load(&mut present, &one(PersonOnlyWord::Yes("protection plan".to_owned()), narrow));
    let before = present.clone();

    let plan = load(&mut present, &one(PersonOnlyWord::No, link(Responsibility::Yes, RestrictionWord::None)));

    assert_eq!(present, before);
    assert_eq!(
        plan.kept,
        [
            Kept { pupil: "p1".to_owned(), contact: None, asked: "personOnly=false".to_owned() },
            Kept {
                pupil: "p1".to_owned(),
                contact: Some("c1".to_owned()),
                asked: "restriction=none parentalResponsibility=yes emergencyOnly=false".to_owned(),
            },
        ]
    );
    assert!(plan.changes.iter().all(|change| change.action == Action::Keep));
}

#[test]
fn a_blank_cell_keeps_what_stands_and_asks_nobody() {
    let mut present = Present::default();
    let barred = link(Responsibility::Yes, bars(Bar::ChildInformation, None));
    load(&mut present, &one(PersonOnlyWord::Yes("protection plan".to_owned()), barred));
    let before = present.clone();
    let silent = one(PersonOnlyWord::Silent, link(Responsibility::Yes, RestrictionWord::Silent));
    let plan = load(&mut present, &silent);
    assert_eq!((present, plan), (before, Plan::default()));
}

#[test]
fn a_stricter_restriction_is_taken_from_a_file_and_said() {
    let mut present = Present::default();
    let weak = bars(Bar::ChildInformation, Some(TODAY));
    load(&mut present, &one(PersonOnlyWord::No, link(Responsibility::Yes, weak)));
    let strict = bars(Bar::Contact, Some(TODAY));
    let plan = load(&mut present, &one(PersonOnlyWord::No, link(Responsibility::Yes, strict)));
    assert_eq!(
        the_link(&present).value.restriction.as_ref().map(|standing| standing.bar),
        Some(Bar::Contact)
    );
    assert_eq!(plan.barred.len(), 1);
    assert!(plan.kept.is_empty());
}

#[test]
fn a_restricted_link_that_the_file_drops_is_kept_with_its_contact() {
    let mut present = Present::default();
    let barred = link(Responsibility::Yes, bars(Bar::ChildInformation, None));
    load(&mut present, &one(PersonOnlyWord::No, barred));
    let mut without = one(PersonOnlyWord::No, link(Responsibility::Yes, RestrictionWord::None));
    without.links.clear();
    without.contacts.clear();
    let plan = load(&mut present, &without);
    assert!(the_link(&present).is_active() && present.contacts["c1"].is_active());
    assert_eq!(plan.kept[0].asked, "removed");
    assert_eq!(plan.removals, Removals::default());
}

#[test]
fn a_pupil_who_leaves_and_comes_back_meets_the_restriction_again() {
    let mut present = Present::default();
    let barred = link(Responsibility::No, bars(Bar::ChildInformation, None));
    load(&mut present, &one(PersonOnlyWord::Yes("looked after".to_owned()), barred));
    let plan = load(&mut present, &empty());
    assert_eq!(plan.removals, Removals { pupils: 1, contacts: 1, ask_first: true });
    assert!(plan.kept.is_empty());
    assert_eq!(plan.left, [Left { pupil: "p1".to_owned(), successors: Vec::new() }]);
    assert_eq!(the_link(&present).status, Status::Withdrawn);

    let returning = one(PersonOnlyWord::No, link(Responsibility::Yes, RestrictionWord::None));
    let plan = load(&mut present, &returning);
    assert_eq!(plan.kept.len(), 2);
    let standing = the_link(&present);
    assert!(standing.is_active() && standing.value.restriction.is_some());
    assert_eq!(standing.value.responsibility, Responsibility::No);
    assert!(present.pupils["p1"].value.person_only.is_some());
}

#[test]
fn more_than_a_tenth_removed_asks_first() {
    let of = |count: usize| {
        let mut roster = empty();
        for number in 0..count {
            roster.pupils.insert(format!("p{number:02}"), pupil(PersonOnlyWord::No));
        }
        roster
    };
    let mut present = Present::default();
    load(&mut present, &of(20));
    let ask = |left| plan(&present, &of(left), TODAY).removals;
    assert_eq!(ask(18), Removals { pupils: 2, contacts: 0, ask_first: false });
    assert_eq!(ask(17), Removals { pupils: 3, contacts: 0, ask_first: true });
}

fn any_day() -> impl Strategy<Value = Option<Date>> {
    prop_oneof![Just(None), (1_i8..28).prop_map(|day| Some(date(2026, 11, day)))]
}

fn any_word() -> impl Strategy<Value = RestrictionWord> {
    prop_oneof![
        Just(RestrictionWord::Silent),
        Just(RestrictionWord::None),
        (any::<bool>(), any_day(), any_day()).prop_map(|(contact, from, until)| RestrictionWord::Stands {
            bar: if contact { Bar::Contact } else { Bar::ChildInformation },
            evidence: format!("order {from:?}"),
            from,
            until,
        }),
    ]
}

fn any_link() -> impl Strategy<Value = roster::Link> {
    let role = proptest::sample::select(Role::ALL);
    let responsibility = proptest::sample::select(Responsibility::ALL);
    (role, responsibility, any::<bool>(), any_word()).prop_map(
        |(role, responsibility, emergency_only, restriction)| roster::Link {
            role,
            priority: 1,
            responsibility,
            lives_with: false,
            emergency_only,
            restriction,
        },
    )
}

fn any_roster() -> impl Strategy<Value = Roster> {
    let person_only = prop_oneof![
        Just(PersonOnlyWord::Silent),
        Just(PersonOnlyWord::No),
        Just(PersonOnlyWord::Yes("protection plan".to_owned()))
    ];
    let pupils = proptest::collection::btree_map("p[12]", person_only, 0..3);
    let links = proptest::collection::btree_map(("p[12]", "c[12]"), any_link(), 0..5);
    (pupils, links).prop_map(|(pupils, links)| {
        let mut roster = empty();
        roster.pupils = pupils.into_iter().map(|(key, word)| (key, pupil(word))).collect();
        roster.links = links;
        roster.links.retain(|(pupil, _), _| roster.pupils.contains_key(pupil));
        roster.contacts = roster.links.keys().map(|(_, key)| (key.clone(), contact())).collect();
        roster
    })
}

fn counts_as_parent(link: &Link) -> bool {
    link.responsibility == Responsibility::Yes
        || link.responsibility == Responsibility::Unknown && link.role.is_parent_or_guardian()
}

/// The rule, said again without any code of the plan.
fn nothing_was_widened(before: &Present, after: &Present) -> Result<(), TestCaseError> {
    for (key, old) in &before.links {
        let new = &after.links[key];
        prop_assert!(new.value.responsibility <= old.value.responsibility, "responsibility rose");
        prop_assert!(counts_as_parent(&old.value) || !counts_as_parent(&new.value), "became a parent");
        prop_assert!(new.value.emergency_only || !old.value.emergency_only, "emergency only was lifted");
        if let Some(standing) = &old.value.restriction {
            let now: &Restriction = new.value.restriction.as_ref().expect("a restriction vanished");
            prop_assert!(now.bar >= standing.bar && now.from <= standing.from, "a restriction is weaker");
            prop_assert!(
                now.until.is_none_or(|until| standing.until.is_some_and(|old| until >= old)),
                "a restriction is looked at sooner"
            );
            let removed = old.is_active() && !new.is_active();
            prop_assert!(!removed || !after.pupils[&key.0].is_active(), "a restricted link was removed");
        }
    }
    for (key, old) in &before.pupils {
        let ended = old.value.person_only.is_some() && after.pupils[key].value.person_only.is_none();
        prop_assert!(!ended, "person only ended");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_sequence_of_imports_widens_anything(rosters in proptest::collection::vec(any_roster(), 1..6)) {
        let mut present = Present::default();
        for roster in &rosters {
            let before = present.clone();
            load(&mut present, roster);
            nothing_was_widened(&before, &present)?;
            for (key, _) in present.links.iter().filter(|(_, link)| link.is_active()) {
                prop_assert!(present.contacts[&key.1].is_active(), "an active link without its contact");
                prop_assert!(present.pupils[&key.0].is_active(), "an active link without its pupil");
            }
        }
    }

    #[test]
    fn importing_twice_changes_nothing(rosters in proptest::collection::vec(any_roster(), 1..4)) {
        let mut present = Present::default();
        for roster in &rosters {
            load(&mut present, roster);
        }
        let before = present.clone();
        let again = load(&mut present, &rosters[rosters.len() - 1]);
        prop_assert_eq!(&present, &before);
        prop_assert!(again.changes.iter().all(|change| change.action == Action::Keep));
        prop_assert!(again.barred.is_empty());
    }
}
