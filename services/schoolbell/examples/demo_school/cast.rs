//! The families of the demo morning, written by hand: nine children who are missing when the registers close.
//!
//! Each child has one part in the morning, and each family is another case of who may be told and how. `schoolbell demo` reads the
//! lines from cast.csv; the import never sees them. Told contacts want English here, so that every visitor can read along.

use crate::addresses::Reach;
use crate::households::{Households, born};
use crate::school::{
    Adult, CastLine, Child, Family, Responsibility, Restriction, Role, Sex, Standing, year_of,
};

const APPLE: usize = 0;
const HAZEL: usize = 2;
const WILLOW: usize = 3;
const MAPLE: usize = 5;
const BIRCH: usize = 6;
const BEECH: usize = 8;
const LARCH: usize = 9;
const ASPEN: usize = 10;
const OAK: usize = 12;

const BARRED: Restriction = Restriction {
    kind: "no_child_information",
    evidence: "Child arrangements order of the Family Court, copy on file",
    from: "2025-09-19",
    until: "",
};

/// The families of the cast in the order of their parts.
pub fn families(households: &mut Households) -> Vec<Family> {
    vec![
        siblings(households),
        explained(households),
        barred_father(households),
        arrives_early(households),
        arrives_late(households),
        person_only(households),
        dead_numbers(households),
        apart(households),
    ]
}

fn siblings(households: &mut Households) -> Family {
    let both = "One message to each parent that names both children, never one for each child.";
    Family {
        children: vec![
            child(("Maya", "Patel"), Sex::Female, HAZEL),
            child(("Rohan", "Patel"), Sex::Male, BEECH),
        ],
        adults: vec![
            at_home(households, Adult::new("Anjali", "Patel", "en"), Role::Mother, 2),
            at_home(households, Adult::new("Nikhil", "Patel", "en"), Role::Father, 2),
        ],
        cast: vec![line("sibling_a", 0, both), line("sibling_b", 1, both)],
    }
}

fn explained(households: &mut Households) -> Family {
    let note = "The mother rang before the registers closed; the reason is recorded, so nobody is told.";
    Family {
        children: vec![child(("Oliver", "Bennett"), Sex::Male, WILLOW)],
        adults: vec![
            at_home(households, Adult::new("Sophie", "Bennett", "en"), Role::Mother, 1),
            at_home(households, Adult::new("Mark", "Bennett", "en"), Role::Father, 1),
        ],
        cast: vec![CastLine { adult: Some(0), ..line("explained", 0, note) }],
    }
}

fn barred_father(households: &mut Households) -> Family {
    let note = "The mother is told; the father, here with his mobile, is barred by a court order and is sent nothing.";
    let mother = at_home(households, Adult::new("Sarah", "Hughes", "en"), Role::Mother, 1);
    let father = away(households, Adult::new("Gary", "Dalton", "en")).restricted(BARRED);
    let cast =
        vec![CastLine { adult: Some(1), address: father.mobile.clone(), ..line("barred_father", 0, note) }];
    Family {
        children: vec![child(("Chloe", "Hughes"), Sex::Female, BIRCH)],
        adults: vec![mother, father],
        cast,
    }
}

fn arrives_early(households: &mut Households) -> Family {
    let note = "Comes in while the message still gathers, so nobody is told.";
    Family {
        children: vec![child(("Zofia", "Kowalska"), Sex::Female, APPLE)],
        adults: vec![
            at_home(households, Adult::new("Agnieszka", "Kowalska", "pl"), Role::Mother, 1),
            at_home(households, Adult::new("Tomasz", "Kowalski", "pl"), Role::Father, 1),
        ],
        cast: vec![line("arrives_early", 0, note)],
    }
}

fn arrives_late(households: &mut Households) -> Family {
    let note = "The mother is told by text and the father, who has no mobile, by e-mail; then the child comes in, and both \
                get a correction with an apology.";
    let mother = at_home(households, Adult::new("Saima", "Malik", "en"), Role::Mother, 1);
    let mut father = at_home(households, Adult::new("Imran", "Malik", "en"), Role::Father, 1);
    father.mobile = None;
    Family {
        children: vec![child(("Hamza", "Malik"), Sex::Male, OAK)],
        adults: vec![mother, father],
        cast: vec![line("arrives_late", 0, note)],
    }
}

fn person_only(households: &mut Households) -> Family {
    let note = "No automation runs about this child: a person's task opens and nothing is sent.";
    let mut child = child(("Ethan", "Clarke"), Sex::Male, LARCH);
    child.person_only = Some("Child protection plan: the designated safeguarding lead speaks to the family");
    Family {
        children: vec![child],
        adults: vec![
            at_home(households, Adult::new("Donna", "Clarke", "en"), Role::Mother, 1),
            at_home(households, Adult::new("Wayne", "Clarke", "en"), Role::Father, 1),
        ],
        cast: vec![line("person_only", 0, note)],
    }
}

fn dead_numbers(households: &mut Households) -> Family {
    let mut mother =
        Adult::new("Ngozi", "Okafor", "en").of(0..1, Role::Mother, Responsibility::Yes, Standing::Home);
    households.addresses.give(&mut mother, Reach::TwoMobilesAndMail);
    let address = |part, address: &Option<String>, note| CastLine {
        adult: Some(0),
        address: address.clone(),
        ..line(part, 0, note)
    };
    let cast = vec![
        CastLine {
            adult: Some(0),
            ..line(
                "dead_numbers",
                0,
                "The mother's numbers and then her mailbox are tried; all are dead, so a task opens.",
            )
        },
        address(
            "dead_number",
            &mother.mobile,
            "Dead: the provider accepts a text and reports a permanent failure.",
        ),
        address(
            "dead_number",
            &mother.second,
            "Dead: the provider accepts a text and reports a permanent failure.",
        ),
        address("dead_mailbox", &mother.email, "Dead: the mail server refuses the recipient with 550."),
    ];
    Family { children: vec![child(("Grace", "Okafor"), Sex::Female, MAPLE)], adults: vec![mother], cast }
}

fn apart(households: &mut Households) -> Family {
    let note = "The parents live apart: each is told on their own; the grandmother, emergency only, is not.";
    let mother = at_home(households, Adult::new("Helen", "Carter", "en"), Role::Mother, 1);
    let father = away(households, Adult::new("Daniel", "Marsh", "en"));
    let mut grandmother = Adult::new("Maureen", "Carter", "en").of(
        0..1,
        Role::Grandparent,
        Responsibility::No,
        Standing::EmergencyOnly,
    );
    households.addresses.give(&mut grandmother, Reach::Mobile);
    Family {
        children: vec![child(("Leo", "Marsh"), Sex::Male, ASPEN)],
        adults: vec![mother, father, grandmother],
        cast: vec![line("apart", 0, note)],
    }
}

fn child((given, surname): (&'static str, &'static str), sex: Sex, class: usize) -> Child {
    let born = born(year_of(class), 6, 1 + class);
    Child { given, called: None, surname, sex, class, born, person_only: None }
}

fn at_home(households: &mut Households, adult: Adult, role: Role, children: usize) -> Adult {
    let mut adult = adult.of(0..children, role, Responsibility::Yes, Standing::Home);
    households.addresses.give(&mut adult, Reach::MobileAndMail);
    adult
}

fn away(households: &mut Households, father: Adult) -> Adult {
    let mut father = father.of(0..1, Role::Father, Responsibility::Yes, Standing::Away);
    households.addresses.give(&mut father, Reach::MobileAndMail);
    father
}

fn line(part: &'static str, child: usize, note: &'static str) -> CastLine {
    CastLine { part, child, adult: None, address: None, note }
}
