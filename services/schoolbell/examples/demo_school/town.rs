//! All families of the school: which shapes there are, how many children each has, and in which classes they sit.

use crate::cast;
use crate::households::Households;
use crate::random::Random;
use crate::school::{CLASSES, Family, year_of};
use crate::shapes::Shape;

/// What is common: how many families of each shape. Their sizes are dealt out by [`SIZES`].
const COMMON: [(Shape, usize); 4] =
    [(Shape::Couple, 165), (Shape::ParentsApart, 38), (Shape::LoneMother, 30), (Shape::StepFamily, 16)];

/// How many of the common families have so many children; together with the others they fill every seat.
const SIZES: [(usize, usize); 4] = [(4, 2), (3, 17), (2, 84), (1, 146)];

/// What is rare, family by family, with its number of children.
const RARE: [(Shape, usize); 30] = [
    (Shape::DeafCouple, 2),
    (Shape::DeafCouple, 1),
    (Shape::DeafCouple, 1),
    (Shape::TwoMothers, 1),
    (Shape::TwoMothers, 2),
    (Shape::TwoMothers, 1),
    (Shape::TwoFathers, 1),
    (Shape::TwoFathers, 1),
    (Shape::LoneFather, 1),
    (Shape::LoneFather, 1),
    (Shape::LoneFather, 2),
    (Shape::LoneFather, 1),
    (Shape::FatherUnknown, 2),
    (Shape::FatherUnknown, 1),
    (Shape::FatherUnknown, 1),
    (Shape::FatherUnknown, 1),
    (Shape::FatherUnknown, 1),
    (Shape::AuntAtHome, 1),
    (Shape::Grandparents, 1),
    (Shape::Grandparents, 1),
    (Shape::Grandparents, 2),
    (Shape::FosterCare, 1),
    (Shape::FosterCare, 2),
    (Shape::FatherNoInformation, 2),
    (Shape::FatherNoInformation, 1),
    (Shape::FatherNoInformationSameMailbox, 1),
    (Shape::MotherNoInformation, 1),
    (Shape::FatherNoContact, 2),
    (Shape::FatherNoContact, 1),
    (Shape::EmergencyOnlyAlone, 1),
];

/// The families of the town, those of the cast first.
pub fn families(households: &mut Households) -> Vec<Family> {
    let mut families = cast::families(households);
    let mut seats = Seats::new(&families);
    let mut others = Vec::new();
    for (shape, children) in plans(&mut households.random) {
        let classes = seats.take(&mut households.random, children);
        others.push(households.family(shape, &classes));
    }
    households.random.shuffle(&mut others);
    families.extend(others);
    families
}

fn plans(random: &mut Random) -> Vec<(Shape, usize)> {
    let mut shapes: Vec<Shape> =
        COMMON.into_iter().flat_map(|(shape, count)| std::iter::repeat_n(shape, count)).collect();
    random.shuffle(&mut shapes);
    let sizes = SIZES.into_iter().flat_map(|(size, count)| std::iter::repeat_n(size, count));
    let mut plans: Vec<_> = RARE.into_iter().chain(shapes.into_iter().zip(sizes)).collect();
    // Large families choose first: the last seats are left to children without siblings.
    plans.sort_by(|(_, one), (_, other)| other.cmp(one));
    plans
}

/// The seats that are still free in each class.
struct Seats([usize; CLASSES.len()]);

impl Seats {
    fn new(seated: &[Family]) -> Self {
        let mut free = CLASSES.map(|(_, seats)| seats);
        for child in seated.iter().flat_map(|family| &family.children) {
            if let Some(seats) = free.get_mut(child.class) {
                *seats -= 1;
            }
        }
        Self(free)
    }

    /// A seat for each child of a family, all in different year groups.
    fn take(&mut self, random: &mut Random, children: usize) -> Vec<usize> {
        let mut taken: Vec<usize> = Vec::new();
        for _ in 0..children {
            let open = |class: usize| taken.iter().all(|&other| year_of(other) != year_of(class));
            let free: Vec<usize> = self
                .0
                .iter()
                .enumerate()
                .filter(|&(class, _)| open(class))
                .flat_map(|(class, &seats)| std::iter::repeat_n(class, seats))
                .collect();
            if let Some(&class) = free.get(random.below(free.len())) {
                if let Some(seats) = self.0.get_mut(class) {
                    *seats -= 1;
                }
                taken.push(class);
            }
        }
        taken
    }
}
