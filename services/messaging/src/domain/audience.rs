//! Whether everybody who was named is there. A list in which one entry matches nobody is refused
//! whole: a mistyped class must not be left out without a word.

use std::collections::BTreeSet;

use proto::events::scope::Scope;
use proto::ids::{ClassId, PupilId};

use super::{Fault, Rejection};

/// A pupil of the audience, as the directory knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnRoll {
    /// Who.
    pub pupil_id: PupilId,
    /// The class, if the pupil has one.
    pub class_id: Option<ClassId>,
    /// By the school's name for it.
    pub year_group: String,
}

/// How many pupils the audience holds, if every entry of the scope stands for somebody.
pub fn count(scope: &Scope, pupils: &[OnRoll]) -> Result<usize, Rejection> {
    let faults = match scope {
        Scope::WholeSchool if pupils.is_empty() => {
            vec![Fault::new("audience", "AUDIENCE_EMPTY", "must hold a pupil; nobody is on roll")]
        }
        Scope::WholeSchool => Vec::new(),
        Scope::YearGroups(names) => {
            let known: BTreeSet<&str> = pupils.iter().map(|pupil| pupil.year_group.as_str()).collect();
            let field = "audience.year_groups.year_groups";
            let missing = missing(field, names, |name| known.contains(name.as_str()));
            of_groups(missing, names.len(), ("UNKNOWN_YEAR_GROUP", "is the year group of no pupil on roll"))
        }
        Scope::Classes(classes) => {
            let known: BTreeSet<ClassId> = pupils.iter().filter_map(|pupil| pupil.class_id).collect();
            let field = "audience.classes.class_ids";
            let missing = missing(field, classes, |class_id| known.contains(class_id));
            of_groups(missing, classes.len(), ("UNKNOWN_CLASS", "is the class of no pupil on roll"))
        }
        Scope::Pupils(named) => {
            let known: BTreeSet<PupilId> = pupils.iter().map(|pupil| pupil.pupil_id).collect();
            let field = "audience.pupils.pupil_ids";
            let missing = missing(field, named, |pupil_id| known.contains(pupil_id));
            faults(missing, "UNKNOWN_PUPIL", "is no pupil of this school")
        }
    };
    if faults.is_empty() { Ok(pupils.len()) } else { Err(Rejection::Faults(faults)) }
}

fn missing<T>(field: &str, entries: &[T], is_known: impl Fn(&T) -> bool) -> Vec<String> {
    let unknown = entries.iter().enumerate().filter(|(_, entry)| !is_known(entry));
    unknown.map(|(place, _)| format!("{field}[{place}]")).collect()
}

/// When no group that was named has a pupil, the audience is nobody.
fn of_groups(missing: Vec<String>, named: usize, some: (&'static str, &'static str)) -> Vec<Fault> {
    let (reason, expected) = some;
    let reason = if missing.len() == named { "AUDIENCE_EMPTY" } else { reason };
    faults(missing, reason, expected)
}

fn faults(fields: Vec<String>, reason: &'static str, expected: &'static str) -> Vec<Fault> {
    fields.into_iter().map(|field| Fault::new(field, reason, expected)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pupil(class_id: ClassId, year_group: &str) -> OnRoll {
        OnRoll { pupil_id: PupilId::generate(), class_id: Some(class_id), year_group: year_group.to_owned() }
    }

    fn refused(scope: &Scope, pupils: &[OnRoll]) -> Vec<(String, &'static str)> {
        let refused = count(scope, pupils).unwrap_err();
        let Rejection::Faults(faults) = refused else { panic!("{refused}") };
        faults.into_iter().map(|fault| (fault.field, fault.reason)).collect()
    }

    #[test]
    fn an_audience_is_counted_when_every_entry_stands_for_somebody() {
        let class_id = ClassId::generate();
        let pupils = [pupil(class_id, "Year 1"), pupil(class_id, "Year 2")];
        for scope in [
            Scope::WholeSchool,
            Scope::YearGroups(vec!["Year 2".into(), "Year 1".into()]),
            Scope::Classes(vec![class_id]),
            Scope::Pupils(pupils.iter().map(|pupil| pupil.pupil_id).collect()),
        ] {
            assert_eq!(count(&scope, &pupils), Ok(2), "{scope:?}");
        }
    }

    #[test]
    fn an_entry_that_stands_for_nobody_is_named() {
        let class_id = ClassId::generate();
        let pupils = [pupil(class_id, "Year 1")];
        let classes = Scope::Classes(vec![class_id, ClassId::generate()]);
        assert_eq!(
            refused(&classes, &pupils),
            [("audience.classes.class_ids[1]".to_owned(), "UNKNOWN_CLASS")]
        );
        let groups = Scope::YearGroups(vec!["Year1".into(), "Year 1".into()]);
        assert_eq!(
            refused(&groups, &pupils),
            [("audience.year_groups.year_groups[0]".to_owned(), "UNKNOWN_YEAR_GROUP")]
        );
        let strangers = Scope::Pupils(vec![PupilId::generate(), pupils[0].pupil_id, PupilId::generate()]);
        let wanted = [0, 2].map(|place| (format!("audience.pupils.pupil_ids[{place}]"), "UNKNOWN_PUPIL"));
        assert_eq!(refused(&strangers, &pupils), wanted);
    }

    #[test]
    fn an_audience_of_nobody_is_refused() {
        assert_eq!(refused(&Scope::WholeSchool, &[]), [("audience".to_owned(), "AUDIENCE_EMPTY")]);
        let class = Scope::Classes(vec![ClassId::generate()]);
        assert_eq!(refused(&class, &[]), [("audience.classes.class_ids[0]".to_owned(), "AUDIENCE_EMPTY")]);
        assert_eq!(
            refused(&Scope::Pupils(vec![PupilId::generate()]), &[]),
            [("audience.pupils.pupil_ids[0]".to_owned(), "UNKNOWN_PUPIL")]
        );
    }
}
