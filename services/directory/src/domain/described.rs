//! What the public may know of a school: its name, its zone and its terms.
//!
//! An import says it when it is not what it was, for the calendar and the website. Nothing about a
//! person is public, so nothing else of a roster is here.

use std::collections::BTreeMap;

use proto::events::directory::{SchoolDescribed, Term as Said};

use super::plan::Plan;
use super::present::{Present, Stored};
use super::roster::{School, SourceId, Term};

/// A school's zones, as IANA names.
#[derive(Debug, Clone, Copy)]
pub struct Zones<'a> {
    /// That before the import; none before the first one.
    pub before: Option<&'a str>,
    /// That after it.
    pub after: &'a str,
}

/// What the public may know of the school once the plan is carried out, when that is not what it was.
pub fn described(present: &Present, plan: &Plan, zones: Zones<'_>) -> Option<SchoolDescribed> {
    let mut terms: Terms<'_> = present.terms.iter().collect();
    let before = zones.before.and_then(|zone| Some(describe(present.school.as_ref()?, zone, &terms)));
    terms.extend(plan.terms.iter().map(|write| (&write.key, &write.stored)));
    let school = plan.school.as_ref().or(present.school.as_ref());
    let after = school.map(|school| describe(school, zones.after, &terms));
    after.filter(|after| before.as_ref() != Some(after))
}

type Terms<'a> = BTreeMap<&'a SourceId, &'a Stored<Term>>;

fn describe(school: &School, time_zone: &str, terms: &Terms<'_>) -> SchoolDescribed {
    let active = terms.values().filter(|stored| stored.is_active()).map(|stored| &stored.value);
    let mut terms: Vec<Said> = active
        .map(|term| Said { title: term.title.clone(), first_day: term.first_day, last_day: term.last_day })
        .collect();
    terms.sort_by(|one, other| (one.first_day, &one.title).cmp(&(other.first_day, &other.title)));
    SchoolDescribed { name: school.name.clone(), time_zone: time_zone.to_owned(), terms }
}
