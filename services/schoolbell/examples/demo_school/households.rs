//! One family after another: children with names and birthdays, and the adults that its shape asks for.
//!
//! [`town`](crate::town) says which shapes there are and how many; the cast of the demo morning is written by hand in
//! [`cast`](crate::cast).

use std::collections::BTreeSet;

use crate::addresses::{Addresses, Reach};
use crate::names::{self, Heritage};
use crate::random::Random;
use crate::school::{Adult, Child, Family, Hearing, Responsibility, Restriction, Role, Sex, Standing, year_of};

/// How a family lives, as far as it decides who may be told what.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Shape {
    Couple,
    DeafCouple,
    TwoMothers,
    TwoFathers,
    ParentsApart,
    LoneMother,
    LoneFather,
    StepFamily,
    FatherUnknown,
    AuntAtHome,
    Grandparents,
    FosterCare,
    FatherNoInformation,
    MotherNoInformation,
    FatherNoInformationSameMailbox,
    FatherNoContact,
    EmergencyOnlyAlone,
}

const CHILD_ARRANGEMENTS: Restriction = Restriction {
    kind: "no_child_information",
    evidence: "Child arrangements order of the Family Court, copy on file",
    from: "2025-03-14",
    until: "",
};
const PROHIBITED_STEPS: Restriction = Restriction {
    kind: "no_child_information",
    evidence: "Prohibited steps order of the Family Court, copy on file",
    from: "2026-06-01",
    until: "2027-08-31",
};
const NON_MOLESTATION: Restriction = Restriction {
    kind: "no_contact",
    evidence: "Non-molestation order of the Family Court, copy on file",
    from: "2026-02-09",
    until: "",
};

const LOOKED_AFTER: &str = "Looked-after child: the designated teacher speaks to the carer and the social worker";

/// What all people of one family have in common.
struct Home {
    heritage: &'static Heritage,
    surname: &'static str,
    children: usize,
}

/// Makes families; keeps in mind which names and addresses are taken.
pub struct Households {
    /// What decides everything that is left to chance.
    pub random: Random,
    /// What is left of numbers and mailboxes.
    pub addresses: Addresses,
    names: BTreeSet<(&'static str, &'static str)>,
}

impl Households {
    /// Nobody lives in the town yet.
    pub fn new(random: Random) -> Self {
        Self { random, addresses: Addresses::new(), names: BTreeSet::new() }
    }

    /// A family of this shape with a child in each of these classes.
    pub fn family(&mut self, shape: Shape, classes: &[usize]) -> Family {
        let heritage = names::heritage(&mut self.random);
        let home = Home { heritage, surname: self.random.word(heritage.surnames), children: classes.len() };
        let mut children = self.children(&home, classes);
        let mut adults = self.adults(shape, &home);
        if shape == Shape::FosterCare {
            for child in &mut children {
                child.person_only = Some(LOOKED_AFTER);
            }
        }
        if let (Shape::StepFamily, [_, .., youngest], [_, step_father, _]) =
            (shape, children.as_mut_slice(), adults.as_slice())
        {
            youngest.surname = step_father.surname;
        }
        self.settle(shape, &mut adults);
        if shape != Shape::EmergencyOnlyAlone {
            adults.extend(self.for_emergencies(&home));
        }
        Family { children, adults, cast: Vec::new() }
    }

    fn children(&mut self, home: &Home, classes: &[usize]) -> Vec<Child> {
        let mut classes = classes.to_vec();
        classes.sort_unstable_by(|one, other| other.cmp(one));
        // Siblings get neighbouring birthdays, so that years of school stay years of age.
        let month = self.random.below(11);
        classes.into_iter().map(|class| self.child(home, class, month)).collect()
    }

    fn child(&mut self, home: &Home, class: usize, month: usize) -> Child {
        let sex = if self.random.percent(50) { Sex::Female } else { Sex::Male };
        let surname = names::surname_for(home.surname, sex);
        let list = if sex == Sex::Female { home.heritage.girls } else { home.heritage.boys };
        let (given, short) = loop {
            let (given, short) = names::with_short_form(self.random.word(list));
            // A town of this size has the same name twice; the demo is easier to follow without.
            if self.names.insert((given, surname)) {
                break (given, short);
            }
        };
        let called = short.filter(|_| self.random.percent(60));
        let born = born(year_of(class), month + self.random.below(2), 1 + self.random.below(28));
        Child { given, called, surname, sex, class, born, person_only: None }
    }

    fn adults(&mut self, shape: Shape, home: &Home) -> Vec<Adult> {
        use Responsibility::{No, Unknown, Yes};
        use Standing::{Away, EmergencyOnly, Home as AtHome};
        let all = 0..home.children;
        let woman = self.woman(home, home.surname);
        let man = self.man(home, home.surname);
        match shape {
            Shape::Couple => {
                vec![woman.of(all.clone(), Role::Mother, Yes, AtHome), man.of(all, Role::Father, Yes, AtHome)]
            }
            Shape::DeafCouple => {
                let mut couple = self.adults(Shape::Couple, home);
                for adult in &mut couple {
                    adult.hearing = Hearing::NoVoice;
                }
                couple
            }
            Shape::TwoMothers => {
                let other = self.woman(home, home.surname);
                [woman, other].map(|adult| adult.of(all.clone(), Role::Mother, Yes, AtHome)).into()
            }
            Shape::TwoFathers => {
                let other = self.man(home, home.surname);
                [man, other].map(|adult| adult.of(all.clone(), Role::Father, Yes, AtHome)).into()
            }
            Shape::ParentsApart => {
                vec![woman.of(all.clone(), Role::Mother, Yes, AtHome), man.of(all, Role::Father, Yes, Away)]
            }
            Shape::LoneMother => vec![woman.of(all, Role::Mother, Yes, AtHome)],
            Shape::LoneFather => vec![man.of(all, Role::Father, Yes, AtHome)],
            Shape::StepFamily => self.step_family(home, woman, man),
            Shape::FatherUnknown => {
                vec![woman.of(all.clone(), Role::Mother, Yes, AtHome), man.of(all, Role::Father, Unknown, AtHome)]
            }
            Shape::AuntAtHome => {
                let aunt = self.woman(home, home.surname);
                vec![woman.of(all.clone(), Role::Mother, Yes, AtHome), aunt.of(all, Role::Relative, No, AtHome)]
            }
            Shape::Grandparents => {
                vec![
                    woman.of(all.clone(), Role::Grandparent, Yes, AtHome),
                    man.of(all, Role::Guardian, Yes, AtHome),
                ]
            }
            Shape::FosterCare => {
                let surname = self.random.word(names::BRITISH.surnames);
                vec![self.woman(home, surname).of(all, Role::FosterCarer, No, AtHome)]
            }
            Shape::FatherNoInformation | Shape::FatherNoInformationSameMailbox => vec![
                woman.of(all.clone(), Role::Mother, Yes, AtHome),
                man.of(all, Role::Father, Yes, Away).restricted(CHILD_ARRANGEMENTS),
            ],
            Shape::MotherNoInformation => vec![
                man.of(all.clone(), Role::Father, Yes, AtHome),
                woman.of(all, Role::Mother, Yes, Away).restricted(PROHIBITED_STEPS),
            ],
            Shape::FatherNoContact => vec![
                woman.of(all.clone(), Role::Mother, Yes, AtHome),
                man.of(all, Role::Father, Yes, Away).restricted(NON_MOLESTATION),
            ],
            Shape::EmergencyOnlyAlone => vec![woman.of(all, Role::Grandparent, No, EmergencyOnly)],
        }
    }

    /// The youngest of several is the step-father's own child, and no child of the father who lives elsewhere.
    fn step_family(&mut self, home: &Home, mother: Adult, father: Adult) -> Vec<Adult> {
        use Responsibility::{No, Yes};
        let all = 0..home.children;
        let elder = if home.children > 1 { 0..home.children - 1 } else { all.clone() };
        let surname = self.random.word(home.heritage.surnames);
        let step_father = self.man(home, surname);
        vec![
            mother.of(all.clone(), Role::Mother, Yes, Standing::Home),
            step_father.of(elder.clone(), Role::StepParent, No, Standing::Home).of(
                elder.end..all.end,
                Role::Father,
                Yes,
                Standing::Home,
            ),
            father.of(elder, Role::Father, Yes, Standing::Away),
        ]
    }

    /// Somebody for the day when nobody else can be reached, in every fourth family or so.
    fn for_emergencies(&mut self, home: &Home) -> Option<Adult> {
        let (role, surname) = match self.random.below(100) {
            0..18 => (Role::Grandparent, home.surname),
            18..21 => (Role::Relative, home.surname),
            21..23 => (Role::Friend, self.random.word(names::BRITISH.surnames)),
            23..24 => (Role::Other, self.random.word(names::BRITISH.surnames)),
            _ => return None,
        };
        let adult =
            if self.random.percent(70) { self.woman(home, surname) } else { self.man(home, surname) };
        let mut adult = adult.of(0..home.children, role, Responsibility::No, Standing::EmergencyOnly);
        let reach = match self.random.below(10) {
            0..3 => Reach::Landline,
            3..8 => Reach::Mobile,
            _ => Reach::MobileAndMail,
        };
        self.addresses.give(&mut adult, reach);
        Some(adult)
    }

    fn woman(&mut self, home: &Home, surname: &'static str) -> Adult {
        let given = self.random.word(home.heritage.women);
        Adult::new(given, names::surname_for(surname, Sex::Female), self.language(home))
    }

    fn man(&mut self, home: &Home, surname: &'static str) -> Adult {
        let given = self.random.word(home.heritage.men);
        Adult::new(given, names::surname_for(surname, Sex::Male), self.language(home))
    }

    fn language(&mut self, home: &Home) -> &'static str {
        if self.random.percent(home.heritage.prefer_it) { home.heritage.language } else { "en" }
    }

    /// Gives every adult addresses, and some couples one mailbox for both.
    fn settle(&mut self, shape: Shape, adults: &mut [Adult]) {
        for adult in adults.iter_mut() {
            let restricted = adult.bonds.iter().any(|bond| bond.restriction.is_some());
            let reach = if restricted { Reach::MobileAndMail } else { self.usual_reach() };
            self.addresses.give(adult, reach);
        }
        let shares = match shape {
            Shape::Couple => self.random.percent(8),
            Shape::FatherNoInformationSameMailbox => true,
            _ => false,
        };
        if let (true, [one, other]) = (shares, adults) {
            let mailbox = self.addresses.mailbox("family", other.surname);
            one.email = Some(mailbox.clone());
            other.email = Some(mailbox);
        }
    }

    fn usual_reach(&mut self) -> Reach {
        match self.random.below(100) {
            0..3 => Reach::Mail,
            3..5 => Reach::LandlineAndMail,
            5..25 => Reach::Mobile,
            25..33 => Reach::MobileLandlineAndMail,
            33..38 => Reach::TwoMobilesAndMail,
            _ => Reach::MobileAndMail,
        }
    }
}

/// An ISO date of birth for a child of this year group in 2026/27; `month` counts from September.
pub fn born(year_group: usize, month: usize, day: usize) -> String {
    // Reception of 2026/27 was born from 1 September 2021 to 31 August 2022.
    let september = 2021 - year_group;
    let (year, month) = if month < 4 { (september, month + 9) } else { (september + 1, month - 3) };
    format!("{year}-{month:02}-{day:02}")
}
