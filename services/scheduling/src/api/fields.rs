//! Reading the fields that speak of this service's own things; kit reads the others. Every fault is
//! collected, so that a caller hears of all of them at once.

use std::ops::RangeInclusive;

use kit::fields::{Fault, Fields, Lines};
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope as Named;
use proto::events::absences::Session;
use proto::events::scope::{NoScope, Scope};
use proto::scheduling::v1 as pb;

use crate::domain::{Part, SetAside, words};
use crate::store::read::Days;

/// How many year groups or classes are named at most; who means more means the school.
const MOST_NAMED: usize = 100;

/// The part of the school that is meant.
pub fn part(fields: &mut Fields, audience: Option<&directory::Audience>) -> Option<Part> {
    let fault = match audience.and_then(|audience| audience.scope.as_ref()) {
        Some(Named::Pupils(_)) => Fault::new(
            "audience.pupils",
            "PUPILS_NOT_TAKEN",
            "must be the whole school, year groups or classes; never single pupils",
        ),
        Some(named) if how_many(named) > MOST_NAMED => {
            Fault::new("audience", "TOO_MANY", format!("must name at most {MOST_NAMED}"))
        }
        Some(_) | None => match Scope::read(audience).map(Part::of) {
            Ok(Ok(part)) => return Some(part),
            Ok(Err(single)) => Fault::new("audience.pupils", "PUPILS_NOT_TAKEN", single.to_string()),
            Err(NoScope::Nobody) => Fault::new("audience", "AUDIENCE_EMPTY", "must name somebody"),
            Err(NoScope::Id(id)) => Fault::new("audience.classes.class_ids", "INVALID_ID", id.to_string()),
        },
    };
    fields.add(fault);
    None
}

fn how_many(named: &Named) -> usize {
    match named {
        Named::WholeSchool(_) => 1,
        Named::YearGroups(groups) => groups.year_groups.len(),
        Named::Classes(classes) => classes.class_ids.len(),
        Named::Pupils(pupils) => pupils.pupil_ids.len(),
    }
}

/// The faults of an audience in which some have no pupil, each with its place in the request.
pub fn without_pupils(audience: Option<&directory::Audience>, nobody: &[String]) -> Vec<Fault> {
    let (field, named) = match audience.and_then(|audience| audience.scope.as_ref()) {
        Some(Named::YearGroups(groups)) => ("audience.year_groups.year_groups", &groups.year_groups),
        Some(Named::Classes(classes)) => ("audience.classes.class_ids", &classes.class_ids),
        Some(Named::WholeSchool(_) | Named::Pupils(_)) | None => return Vec::new(),
    };
    let empty = named.iter().enumerate().filter(|(_, name)| nobody.iter().any(|empty| empty == name.trim()));
    empty
        .map(|(index, _)| {
            Fault::new(format!("{field}[{index}]"), "AUDIENCE_EMPTY", "must have a pupil in this school")
        })
        .collect()
}

/// The session of the first day with which a closure begins; unspecified is the morning.
pub fn from(fields: &mut Fields, number: i32) -> Option<Session> {
    match pb::Session::try_from(number) {
        Ok(pb::Session::Unspecified | pb::Session::Morning) => Some(Session::Morning),
        Ok(pb::Session::Afternoon) => Some(Session::Afternoon),
        Err(_) => {
            fields.add(Fault::new("from", "UNKNOWN_SESSION", "must be the morning or the afternoon"));
            None
        }
    }
}

/// Public words.
fn plain(fields: &mut Fields, field: &str, text: &str, characters: RangeInclusive<usize>) -> Option<String> {
    let text = fields.words(field, text, characters, Lines::One)?;
    if words::holds_link_or_code(&text) {
        fields.add(Fault::new(field, "MARKUP", "must be words, without links and code"));
        return None;
    }
    Some(text)
}

/// Why it is closed.
pub fn reason(fields: &mut Fields, text: &str) -> Option<String> {
    let text = plain(fields, "reason", text, words::REASON)?;
    if words::says_something(&text) {
        return Some(text);
    }
    fields.add(Fault::new("reason", "REQUIRED", "must say why in words"));
    None
}

/// When and where children are collected; may be empty.
pub fn collection(fields: &mut Fields, text: &str) -> Option<String> {
    plain(fields, "collection", text, words::COLLECTION)
}

/// What a day is to be; within, none is a school day.
#[expect(clippy::option_option, reason = "the outer one is whether it could be read, as for every field")]
pub fn set_aside(fields: &mut Fields, number: i32) -> Option<Option<SetAside>> {
    let fault = match pb::NonSchoolDay::try_from(number) {
        Ok(pb::NonSchoolDay::None) => return Some(None),
        Ok(pb::NonSchoolDay::Inset) => return Some(Some(SetAside::Inset)),
        Ok(pb::NonSchoolDay::Occasional) => return Some(Some(SetAside::Occasional)),
        Ok(pb::NonSchoolDay::Unspecified) => "REQUIRED",
        Err(_) => "UNKNOWN_KIND",
    };
    fields.add(Fault::new("kind", fault, "must be none, INSET or occasional"));
    None
}

/// Days of which either side may be open.
pub fn days(fields: &mut Fields, first_day: &str, last_day: &str) -> Option<Days> {
    let mut day = |field, text: &str| match text {
        "" => Some(None),
        text => fields.date(field, text).map(Some),
    };
    let (first, last) = (day("first_day", first_day), day("last_day", last_day));
    let days = Days { first: first?, last: last? };
    if days.first.zip(days.last).is_some_and(|(first, last)| last < first) {
        fields.add(Fault::new("last_day", "ENDS_BEFORE_IT_STARTS", "must not come before the first day"));
        return None;
    }
    Some(days)
}
