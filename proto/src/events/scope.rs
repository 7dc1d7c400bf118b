//! Whom a fact concerns when it is not one pupil.

use serde::{Deserialize, Serialize};

use crate::directory::v1 as pb;
use crate::directory::v1::audience::Scope as Wire;
use crate::ids::{ClassId, InvalidId, PupilId};

/// A part of a school's pupils.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everybody.
    WholeSchool,
    /// By the names that the school has for them.
    YearGroups(Vec<String>),
    /// Registration groups.
    Classes(Vec<ClassId>),
    /// Single pupils.
    Pupils(Vec<PupilId>),
}

/// Why an audience on the wire is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoScope {
    /// Nothing was said, or a list without an entry.
    #[error("names nobody")]
    Nobody,
    /// An entry is not an id.
    #[error(transparent)]
    Id(#[from] InvalidId),
}

impl Scope {
    /// Reads what a caller asked for.
    pub fn read(audience: Option<&pb::Audience>) -> Result<Self, NoScope> {
        let scope = match audience.and_then(|audience| audience.scope.as_ref()).ok_or(NoScope::Nobody)? {
            Wire::WholeSchool(pb::WholeSchool {}) => return Ok(Self::WholeSchool),
            Wire::YearGroups(groups) => Self::YearGroups(groups.year_groups.clone()),
            Wire::Classes(classes) => Self::Classes(ids(&classes.class_ids)?),
            Wire::Pupils(pupils) => Self::Pupils(ids(&pupils.pupil_ids)?),
        };
        if scope.names_nobody() { Err(NoScope::Nobody) } else { Ok(scope) }
    }

    /// The same on the wire.
    #[must_use]
    pub fn audience(&self) -> pb::Audience {
        let text = |ids: &[ClassId]| ids.iter().map(ToString::to_string).collect();
        let scope = match self {
            Self::WholeSchool => Wire::WholeSchool(pb::WholeSchool {}),
            Self::YearGroups(names) => Wire::YearGroups(pb::YearGroups { year_groups: names.clone() }),
            Self::Classes(classes) => Wire::Classes(pb::Classes { class_ids: text(classes) }),
            Self::Pupils(pupils) => {
                Wire::Pupils(pb::Pupils { pupil_ids: pupils.iter().map(ToString::to_string).collect() })
            }
        };
        pb::Audience { scope: Some(scope) }
    }

    fn names_nobody(&self) -> bool {
        match self {
            Self::WholeSchool => false,
            Self::YearGroups(names) => names.is_empty() || names.iter().any(|name| name.trim().is_empty()),
            Self::Classes(classes) => classes.is_empty(),
            Self::Pupils(pupils) => pupils.is_empty(),
        }
    }
}

fn ids<T: std::str::FromStr<Err = InvalidId>>(texts: &[String]) -> Result<Vec<T>, InvalidId> {
    texts.iter().map(|text| text.parse()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_back_from_the_wire_and_nobody_is_none() {
        for scope in [
            Scope::WholeSchool,
            Scope::YearGroups(vec!["Year 1".into()]),
            Scope::Classes(vec![ClassId::generate()]),
            Scope::Pupils(vec![PupilId::generate()]),
        ] {
            assert_eq!(Scope::read(Some(&scope.audience())), Ok(scope));
        }
        for nobody in
            [Scope::YearGroups(Vec::new()), Scope::YearGroups(vec![" ".into()]), Scope::Classes(Vec::new())]
        {
            assert_eq!(Scope::read(Some(&nobody.audience())), Err(NoScope::Nobody));
        }
        assert_eq!(Scope::read(None), Err(NoScope::Nobody));
        let wrong =
            pb::Audience { scope: Some(Wire::Classes(pb::Classes { class_ids: vec!["Ash".into()] })) };
        assert!(matches!(Scope::read(Some(&wrong)), Err(NoScope::Id(_))));
    }
}
