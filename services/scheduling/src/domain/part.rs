//! The part of a school that a closure concerns, and whether two parts share a pupil.
//!
//! A closure is never about single pupils: that would be a decision about a child, and the public
//! words of a closure would point at it.

use std::collections::BTreeSet;

use proto::events::scope::Scope;
use proto::ids::{ClassId, PupilId};

/// A part of a school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    WholeSchool,
    /// Year groups, by the names that the school has for them.
    YearGroups(BTreeSet<String>),
    /// Registration groups.
    Classes(BTreeSet<ClassId>),
}

/// A closure is never about these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the whole school, year groups or classes; never single pupils")]
pub struct SinglePupils(pub Vec<PupilId>);

/// Where the directory has a pupil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The class, if the pupil has one.
    pub class_id: Option<ClassId>,
    /// The year group.
    pub year_group: String,
}

/// A part, and where its pupils are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The part.
    pub part: Part,
    /// Its pupils' places; nobody needs them of the whole school.
    pub places: Vec<Place>,
}

impl Part {
    /// The part that a scope is.
    pub fn of(scope: Scope) -> Result<Self, SinglePupils> {
        match scope {
            Scope::WholeSchool => Ok(Self::WholeSchool),
            Scope::YearGroups(names) => {
                Ok(Self::YearGroups(names.iter().map(|name| name.trim().to_owned()).collect()))
            }
            Scope::Classes(classes) => Ok(Self::Classes(classes.into_iter().collect())),
            Scope::Pupils(pupils) => Err(SinglePupils(pupils)),
        }
    }

    /// The same as a fact says it.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::WholeSchool => Scope::WholeSchool,
            Self::YearGroups(names) => Scope::YearGroups(names.iter().cloned().collect()),
            Self::Classes(classes) => Scope::Classes(classes.iter().copied().collect()),
        }
    }
}

impl Reach {
    /// The year groups or classes that are named and have no pupil, as they were named. A closure
    /// of one of these would not close what somebody meant.
    #[must_use]
    pub fn named_for_nobody(&self) -> Vec<String> {
        match &self.part {
            Part::WholeSchool => Vec::new(),
            Part::YearGroups(names) => {
                let nobody = |name: &&String| !self.places.iter().any(|place| place.year_group == **name);
                names.iter().filter(nobody).cloned().collect()
            }
            Part::Classes(classes) => {
                let nobody =
                    |class: &&ClassId| !self.places.iter().any(|place| place.class_id == Some(**class));
                classes.iter().filter(nobody).map(ToString::to_string).collect()
            }
        }
    }

    /// Whether another part concerns some of the same pupils. Two parts that name the same do so
    /// even when nobody is there just now.
    #[must_use]
    pub fn touches(&self, other: &Part) -> bool {
        let same_names = match (&self.part, other) {
            (Part::WholeSchool, _) | (_, Part::WholeSchool) => true,
            (Part::YearGroups(ours), Part::YearGroups(theirs)) => !ours.is_disjoint(theirs),
            (Part::Classes(ours), Part::Classes(theirs)) => !ours.is_disjoint(theirs),
            (Part::YearGroups(_), Part::Classes(_)) | (Part::Classes(_), Part::YearGroups(_)) => false,
        };
        same_names || self.places.iter().any(|place| place.is_in(other))
    }
}

impl Place {
    fn is_in(&self, part: &Part) -> bool {
        match part {
            Part::WholeSchool => true,
            Part::YearGroups(names) => names.contains(&self.year_group),
            Part::Classes(classes) => self.class_id.is_some_and(|class_id| classes.contains(&class_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn years(names: &[&str]) -> Part {
        Part::YearGroups(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn place(class_id: ClassId, year_group: &str) -> Place {
        Place { class_id: Some(class_id), year_group: year_group.to_owned() }
    }

    #[test]
    fn parts_touch_when_they_share_a_pupil() {
        let (ash, elm) = (ClassId::generate(), ClassId::generate());
        let class = |class_id| Part::Classes(BTreeSet::from([class_id]));
        let whole = Reach { part: Part::WholeSchool, places: Vec::new() };
        let year_3 = Reach { part: years(&["3"]), places: vec![place(ash, "3")] };
        let mixed = Reach { part: class(elm), places: vec![place(elm, "4"), place(elm, "5")] };
        for (ours, theirs, touch) in [
            (&whole, Part::WholeSchool, true),
            (&whole, years(&["3"]), true),
            (&year_3, Part::WholeSchool, true),
            (&year_3, years(&["3", "4"]), true),
            (&year_3, years(&["4"]), false),
            (&year_3, class(ash), true),
            (&year_3, class(elm), false),
            (&mixed, years(&["5"]), true),
            (&mixed, years(&["3"]), false),
            (&mixed, class(elm), true),
            (&mixed, class(ash), false),
        ] {
            assert_eq!(ours.touches(&theirs), touch, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn a_name_that_nobody_goes_by_is_found_beside_one_that_somebody_does() {
        let ash = ClassId::generate();
        let places = vec![place(ash, "3")];
        let elm = ClassId::generate();
        for (part, nobody) in [
            (Part::WholeSchool, Vec::new()),
            (years(&["3"]), Vec::new()),
            (years(&["3", "13"]), vec!["13".to_owned()]),
            (Part::Classes(BTreeSet::from([ash])), Vec::new()),
            (Part::Classes(BTreeSet::from([ash, elm])), vec![elm.to_string()]),
        ] {
            let reach = Reach { part, places: places.clone() };
            assert_eq!(reach.named_for_nobody(), nobody, "{reach:?}");
        }
    }

    #[test]
    fn a_part_reads_back_from_the_scope_that_it_is_said_as_and_single_pupils_are_none() {
        for part in [
            Part::WholeSchool,
            years(&["R", "1"]),
            Part::Classes(BTreeSet::from([ClassId::generate(), ClassId::generate()])),
        ] {
            assert_eq!(Part::of(part.scope()), Ok(part));
        }
        assert_eq!(Part::of(Scope::YearGroups(vec![" 3 ".into(), "3".into()])), Ok(years(&["3"])));
        let pupils = vec![PupilId::generate()];
        assert_eq!(Part::of(Scope::Pupils(pupils.clone())), Err(SinglePupils(pupils)));
    }
}
