//! What is wrong about being told that the school is closed or open, or what somebody wrote.

use super::super::facts::{Is, Stage};
use super::super::heard::{Kind, Message};
use super::super::rights::{self, Bar, Matter};
use super::super::{barred, collection, wording};
use super::{Evidence, Names, is_later};

/// A message about a stage of a closure, by their places.
pub fn told(evidence: &Evidence<'_>, message: &Message<'_>, (place, stage): (usize, usize)) -> Vec<String> {
    let Some(closure) = evidence.facts.closures.get(place) else { return Vec::new() };
    let Some(said) = closure.stages.get(stage) else { return Vec::new() };
    let words = &message.words;
    let kind = Kind::Closing(place, stage);
    let tells_of_children = barred::tells_where_children_are(evidence, message, kind);
    let wrong = match &said.is {
        Is::Closed { reason, .. } => [
            (!wording::holds(words, reason)).then_some("it does not say why the school is closed"),
            (tells_of_children && collection(evidence, kind).is_none())
                .then_some("it speaks of collecting children, which nobody has said"),
        ],
        Is::Open { .. } => [
            tells_of_children.then_some("it says that school is open and speaks of collecting children"),
            None,
        ],
    };
    let untimely = [
        (message.at < said.asked_at).then_some("it was sent before anybody had said so"),
        said_too_late(evidence, (message, said), closure.stages.get(stage + 1)),
        (tells_of_children && is_read_by_somebody_barred(evidence, message))
            .then_some("it says when and where children are collected to somebody who may not know"),
        misses_everybody(evidence, message, Matter::Closing(&closure.scope))
            .then_some("it went to somebody who is not told of closures"),
    ];
    wrong.into_iter().chain(untimely).flatten().map(ToOwned::to_owned).collect()
}

/// What was said before is wrong as soon as the next has been answered.
fn said_too_late(
    evidence: &Evidence<'_>,
    (message, said): (&Message<'_>, &Stage),
    next: Option<&Stage>,
) -> Option<&'static str> {
    let next = next.filter(|next| is_later(evidence, message.at, Some(next.answered_at)))?;
    match (&said.is, &next.is) {
        (Is::Closed { .. }, Is::Open { .. }) => Some("it says that school is closed after it was open again"),
        (Is::Open { .. }, _) => Some("it says that school is open after it was closed again"),
        (Is::Closed { .. }, Is::Closed { .. }) => Some("it says of a closure what had been changed"),
    }
}

/// Somebody wrote it, to others.
pub fn announced(evidence: &Evidence<'_>, message: &Message<'_>, place: usize) -> Vec<String> {
    let Some(announcement) = evidence.facts.announcements.get(place) else { return Vec::new() };
    let faults = [
        (message.at < announcement.asked_at).then_some("it was sent before it was written"),
        misses_everybody(evidence, message, Matter::Letter(&announcement.scope))
            .then_some("it went to somebody whom it was not written to"),
    ];
    faults.into_iter().flatten().map(ToOwned::to_owned).collect()
}

fn is_read_by_somebody_barred(evidence: &Evidence<'_>, message: &Message<'_>) -> bool {
    let roster = evidence.roster;
    roster.links_at(message.to()).any(|link| rights::bar(roster, link, evidence.day).is_some())
}

/// Whether nobody who reads it should, nor is barred, which counts elsewhere.
fn misses_everybody(evidence: &Evidence<'_>, message: &Message<'_>, matter: Matter<'_>) -> bool {
    let roster = evidence.roster;
    let concerns = |pupil: &str| matter.scope().is_some_and(|scope| scope.holds(roster, pupil));
    !roster.links_at(message.to()).any(|link| {
        rights::should_know(roster, link, evidence.day, matter)
            || match rights::bar(roster, link, evidence.day) {
                Some(Bar::Everything) => true,
                Some(Bar::ThisChild) => concerns(&link.pupil),
                None => false,
            }
    })
}

/// The website is for everybody: it names no child, does not say where children are, and an opening
/// there reads like one.
pub fn on_the_website(evidence: &Evidence<'_>, names: &Names<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (place, public) in evidence.facts.public.iter().enumerate() {
        let faults = [
            names.stand_in(&public.words).then_some("names a child"),
            wording::speaks_of_collection(&public.words)
                .then_some("says when and where children are collected"),
            (public.says_open && wording::says_closed(&public.words))
                .then_some("says closed where school is open"),
        ];
        let faults = faults.into_iter().flatten();
        found.extend(faults.map(|fault| format!("the website {fault} (look {})", place + 1)));
    }
    found
}
