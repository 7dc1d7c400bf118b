//! One family after another: children with names and birthdays, and the adults that its shape asks for.
//!
//! [`town`](crate::town) says which shapes there are and how many; the cast of the demo morning is written by hand in
//! [`cast`](crate::cast).

use std::collections::BTreeSet;
use std::ops::Range;

use crate::addresses::{Addresses, Reach};
use crate::names::{self, Heritage};
use crate::random::Random;
use crate::school::{Adult, Child, Family, Hearing, Responsibility, Role, Sex, Standing, year_of};
use crate::shapes::{CHILD_ARRANGEMENTS, LOOKED_AFTER, NON_MOLESTATION, PROHIBITED_STEPS, Shape};

/// What all people of one family have in common.
struct Home {
    shape: Shape,
    heritage: &'static Heritage,
    surname: &'static str,
    step_surname: &'static str,
    children: usize,
}

impl Home {
    /// The children that a step-father brings up but did not father: all but the youngest of several.
    fn step_children(&self) -> Range<usize> {
        if self.children > 1 { 0..self.children - 1 } else { 0..self.children }
    }

    fn surname_of(&self, child: usize) -> &'static str {
        let own = self.shape == Shape::StepFamily && !self.step_children().contains(&child);
        if own { self.step_surname } else { self.surname }
    }
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
        let surname = self.random.word(heritage.surnames);
        let step_surname = self.random.word(heritage.surnames);
        let home = Home { shape, heritage, surname, step_surname, children: classes.len() };
        let children = self.children(&home, classes);
        let mut adults = self.adults(&home);
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
        let children = classes.into_iter().enumerate();
        children.map(|place| self.child(home, place, month)).collect()
    }

    fn child(&mut self, home: &Home, (child, class): (usize, usize), month: usize) -> Child {
        let sex = if self.random.percent(50) { Sex::Female } else { Sex::Male };
        let surname = names::surname_for(home.surname_of(child), sex);
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
        let person_only = (home.shape == Shape::FosterCare).then_some(LOOKED_AFTER);
        Child { given, called, surname, sex, class, born, person_only }
    }

    fn adults(&mut self, home: &Home) -> Vec<Adult> {
        use Responsibility::{No, Unknown, Yes};
        use Standing::{Away, EmergencyOnly, Home as AtHome};
        let all = 0..home.children;
        let woman = self.woman(home.heritage, home.surname);
        let man = self.man(home.heritage, home.surname);
        match home.shape {
            Shape::Couple | Shape::DeafCouple => {
                vec![woman.of(all.clone(), Role::Mother, Yes, AtHome), man.of(all, Role::Father, Yes, AtHome)]
            }
            Shape::TwoMothers => {
                let other = self.woman(home.heritage, home.surname);
                // A birth certificate of two women names a mother and a parent.
                vec![
                    woman.of(all.clone(), Role::Mother, Yes, AtHome),
                    other.of(all, Role::Parent, Yes, AtHome),
                ]
            }
            Shape::TwoFathers => {
                let other = self.man(home.heritage, home.surname);
                [man, other].map(|adult| adult.of(all.clone(), Role::Father, Yes, AtHome)).into()
            }
            Shape::ParentsApart => {
                vec![woman.of(all.clone(), Role::Mother, Yes, AtHome), man.of(all, Role::Father, Yes, Away)]
            }
            Shape::LoneMother => vec![woman.of(all, Role::Mother, Yes, AtHome)],
            Shape::LoneFather => vec![man.of(all, Role::Father, Yes, AtHome)],
            Shape::StepFamily => self.step_family(home, woman, man),
            Shape::FatherUnknown => {
                vec![
                    woman.of(all.clone(), Role::Mother, Yes, AtHome),
                    man.of(all, Role::Father, Unknown, AtHome),
                ]
            }
            Shape::AuntAtHome => {
                let aunt = self.woman(home.heritage, home.surname);
                vec![
                    woman.of(all.clone(), Role::Mother, Yes, AtHome),
                    aunt.of(all, Role::Relative, No, AtHome),
                ]
            }
            Shape::Grandparents => {
                vec![
                    woman.of(all.clone(), Role::Grandparent, Yes, AtHome),
                    man.of(all, Role::Guardian, Yes, AtHome),
                ]
            }
            Shape::FosterCare => {
                let surname = self.random.word(names::BRITISH.surnames);
                vec![self.woman(home.heritage, surname).of(all, Role::FosterCarer, No, AtHome)]
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
        let elder = home.step_children();
        let step_father = self.man(home.heritage, home.step_surname);
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
        let adult = if self.random.percent(70) {
            self.woman(home.heritage, surname)
        } else {
            self.man(home.heritage, surname)
        };
        let mut adult = adult.of(0..home.children, role, Responsibility::No, Standing::EmergencyOnly);
        let reach = match self.random.below(10) {
            0..3 => Reach::Landline,
            3..8 => Reach::Mobile,
            _ => Reach::MobileAndMail,
        };
        self.addresses.give(&mut adult, reach);
        Some(adult)
    }

    /// A member of the staff, with a mailbox and no number.
    pub fn teacher(&mut self) -> Adult {
        let heritage = names::heritage(&mut self.random);
        let surname = self.random.word(heritage.surnames);
        let mut teacher =
            if self.random.percent(75) { self.woman(heritage, surname) } else { self.man(heritage, surname) };
        self.addresses.give(&mut teacher, Reach::Mail);
        teacher
    }

    /// Somebody who minds children of other people, without addresses as yet.
    pub fn childminder(&mut self) -> Adult {
        let surname = self.random.word(names::BRITISH.surnames);
        self.woman(&names::BRITISH, surname)
    }

    fn woman(&mut self, heritage: &Heritage, surname: &'static str) -> Adult {
        let given = self.random.word(heritage.women);
        Adult::new(given, names::surname_for(surname, Sex::Female), self.language(heritage))
    }

    fn man(&mut self, heritage: &Heritage, surname: &'static str) -> Adult {
        let given = self.random.word(heritage.men);
        Adult::new(given, names::surname_for(surname, Sex::Male), self.language(heritage))
    }

    fn language(&mut self, heritage: &Heritage) -> &'static str {
        if self.random.percent(heritage.prefer_it) { heritage.language } else { "en" }
    }

    /// Gives every adult addresses, and some couples one mailbox for both.
    fn settle(&mut self, shape: Shape, adults: &mut [Adult]) {
        for adult in adults.iter_mut() {
            if shape == Shape::DeafCouple {
                adult.hearing = Hearing::NoVoice;
            }
            let restricted = adult.bonds.iter().any(|bond| bond.restriction.is_some());
            let reach = if restricted { Reach::MobileAndMail } else { self.usual_reach() };
            self.addresses.give(adult, reach);
        }
        let shares = match shape {
            Shape::Couple | Shape::DeafCouple => self.random.percent(8),
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
            3..7 => Reach::LandlineAndMail,
            7..25 => Reach::Mobile,
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
