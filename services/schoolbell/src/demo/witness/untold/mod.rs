//! `not_told`: somebody who should know has neither a message accepted to a live address nor an open
//! task that names them.
//!
//! About a child that is each entitled contact; a pupil about whom only a person speaks, or whom
//! nobody may be told about, counts when no open task names the pupil. A task counts for what was said
//! before it was opened. Of a closing it is everybody
//! at home, each stage of it, by text or by e-mail. Nobody is asked to ring because of an
//! announcement: who has no live address for it counts as told, and a task that asks whether it came
//! names whoever may have got it.

mod about_a_child;
mod about_the_school;

use jiff::Timestamp;

use super::heard::Heard;
use super::{Evidence, OpenTask};

/// Everybody who should know and does not.
pub fn find(evidence: &Evidence<'_>, heard: &Heard<'_>) -> Vec<String> {
    let mut found = about_a_child::absences(evidence, heard);
    found.extend(about_a_child::accidents(evidence, heard));
    found.extend(about_the_school::closings(evidence, heard));
    found.extend(about_the_school::announcements(evidence, heard));
    found
}

/// Whether somebody has been asked to see to these people since something was said.
fn is_asked(evidence: &Evidence<'_>, said_at: Timestamp, people: &[&str]) -> bool {
    since(evidence, said_at).any(|task| task.names_all(people))
}

/// The tasks that may come from what was said then.
fn since<'a>(evidence: &Evidence<'a>, said_at: Timestamp) -> impl Iterator<Item = &'a OpenTask> {
    evidence.tasks.iter().filter(move |task| task.opened_at >= said_at)
}
