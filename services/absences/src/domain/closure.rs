//! Closures of the school, or of a part of it, as far as they touch a register.
//!
//! A closure covers a session or it does not: heating that fails in the morning and sends everybody
//! home at noon says nothing about who was missing at nine. See
//! `a_closure_of_the_afternoon_says_nothing_of_the_morning`.

use jiff::civil::Date;
use proto::events::absences::Session;
use proto::events::scope::Scope;
use proto::ids::PupilId;

use super::{Code, OnRoll, Sitting};

/// A closure that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// Who stays at home.
    pub scope: Scope,
    /// The first day on which a session has no register.
    pub first_day: Date,
    /// The first session without one; every later day has none. A session that had begun when the
    /// closure was declared keeps its register.
    pub from: Session,
    /// The last day, inclusive.
    pub last_day: Date,
}

/// How much of the school is closed for a pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// All of it.
    WholeSchool,
    /// The part that the pupil belongs to.
    Part,
}

impl Cover {
    /// What stands in the register instead of an `N`: a session that was due and could not run
    /// counts in no percentage (regulation 10, Table 3).
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::WholeSchool => Code::SchoolClosed,
            Self::Part => Code::PartClosed,
        }
    }
}

impl Closure {
    /// Whether it covers a session, for those in its scope.
    #[must_use]
    pub fn covers(&self, sitting: Sitting) -> bool {
        let begun = match (self.from, sitting.session) {
            (Session::Afternoon, Session::Morning) => sitting.date > self.first_day,
            (Session::Morning, _) | (Session::Afternoon, Session::Afternoon) => {
                sitting.date >= self.first_day
            }
        };
        begun && sitting.date <= self.last_day
    }

    /// Whether nobody comes.
    #[must_use]
    pub fn is_of_the_whole_school(&self) -> bool {
        self.scope == Scope::WholeSchool
    }

    /// How much of the school it closes for a pupil. Who is not on roll is in no part of it.
    #[must_use]
    pub fn of(&self, pupil_id: PupilId, on_roll: Option<&OnRoll>) -> Option<Cover> {
        let in_part = match &self.scope {
            Scope::WholeSchool => return Some(Cover::WholeSchool),
            Scope::YearGroups(groups) => on_roll.is_some_and(|pupil| groups.contains(&pupil.year_group)),
            Scope::Classes(classes) => {
                on_roll.and_then(|pupil| pupil.class_id).is_some_and(|class_id| classes.contains(&class_id))
            }
            Scope::Pupils(pupils) => pupils.contains(&pupil_id),
        };
        in_part.then_some(Cover::Part)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proto::ids::ClassId;

    use super::*;
    use crate::domain::Care;

    fn closure(scope: Scope, from: Session) -> Closure {
        Closure { scope, first_day: date(2026, 11, 24), from, last_day: date(2026, 11, 25) }
    }

    #[test]
    fn a_closure_of_the_afternoon_says_nothing_of_the_morning() {
        use Session::{Afternoon, Morning};
        for (from, day, session, covers) in [
            (Morning, 23, Afternoon, false),
            (Morning, 24, Morning, true),
            (Morning, 24, Afternoon, true),
            (Morning, 25, Afternoon, true),
            (Morning, 26, Morning, false),
            (Afternoon, 24, Morning, false),
            (Afternoon, 24, Afternoon, true),
            (Afternoon, 25, Morning, true),
            (Afternoon, 26, Morning, false),
        ] {
            let sitting = Sitting { date: date(2026, 11, day), session };
            assert_eq!(closure(Scope::WholeSchool, from).covers(sitting), covers, "{from:?} {sitting:?}");
        }
    }

    #[test]
    fn a_part_of_the_school_is_its_year_groups_or_its_classes() {
        let [ash, oak] = [(); 2].map(|()| ClassId::generate());
        let pupil_id = PupilId::generate();
        let on_roll = |class_id| OnRoll { class_id, year_group: "1".to_owned(), care: Care::Automatic };
        let in_ash = on_roll(Some(ash));
        for (scope, pupil, cover) in [
            (Scope::WholeSchool, None, Some(Cover::WholeSchool)),
            (Scope::YearGroups(vec!["R".into(), "1".into()]), Some(&in_ash), Some(Cover::Part)),
            (Scope::YearGroups(vec!["2".into()]), Some(&in_ash), None),
            (Scope::YearGroups(vec!["1".into()]), None, None),
            (Scope::Classes(vec![ash]), Some(&in_ash), Some(Cover::Part)),
            (Scope::Classes(vec![oak]), Some(&in_ash), None),
            (Scope::Classes(vec![ash]), Some(&on_roll(None)), None),
            (Scope::Pupils(vec![pupil_id]), Some(&in_ash), Some(Cover::Part)),
        ] {
            assert_eq!(closure(scope.clone(), Session::Morning).of(pupil_id, pupil), cover, "{scope:?}");
        }
    }
}
