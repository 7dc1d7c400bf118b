//! What would happen if something were said to many, as the dispatcher foresees it: who is told, how, at what
//! cost, and who is not.

use proto::dispatcher::v1::PreviewResponse;

use super::closures::counted;
use super::form::capital;
use super::frame::Frame;
use super::when;

const MICROPOUNDS: i64 = 1_000_000;
/// Why somebody who should be told is not: no address of theirs carries it.
const UNREACHABLE: &str = "NO_ADDRESS";

/// What would happen.
pub struct Forecast {
    /// How many are told of how many, and by what.
    pub told: String,
    /// What the texts cost.
    pub charged: Option<String>,
    /// Which texts wait until the quiet hours are over.
    pub held: Option<String>,
    /// Who is not told, with a reason.
    pub skipped: Vec<(String, i32)>,
    /// Pupils about whom nobody is told by a message.
    pub nobody: usize,
    /// Contacts who should be told and whom no address reaches.
    pub unreachable: i32,
}

impl Forecast {
    /// In words.
    pub fn of(answer: &PreviewResponse, frame: &Frame) -> Self {
        let cost = answer.cost_micropounds.map(|cost| {
            let pence = cost / (MICROPOUNDS / 100);
            format!(" and cost £{}.{:02}", pence / 100, pence % 100)
        });
        let told = format!(
            "{} at home of {} {} told: {}, {}, in about {}.",
            counted(answer.contacts, "person", "people"),
            counted(answer.pupils, "pupil", "pupils"),
            if answer.contacts == 1 { "is" } else { "are" },
            counted(answer.texts, "text", "texts"),
            counted(answer.emails, "e-mail", "e-mails"),
            counted(answer.takes_seconds.max(0) / 60 + 1, "minute", "minutes"),
        );
        let charged = (answer.fragments > 0).then(|| {
            let parts = counted(answer.fragments, "part", "parts");
            format!("The texts have {parts}{}.", cost.unwrap_or_default())
        });
        let held = answer.held_until.as_ref().map(|until| {
            let until = frame.when(when::of(Some(until)));
            format!("So that no telephone rings at night, texts wait: until {until}.")
        });
        let unreachable = answer.skipped.iter().filter(|one| one.reason == UNREACHABLE);
        Self {
            told,
            charged,
            held,
            unreachable: unreachable.map(|one| one.contacts).sum(),
            skipped: answer.skipped.iter().map(|one| (capital(&one.sentence), one.contacts)).collect(),
            nobody: answer.nobody_to_tell.len(),
        }
    }
}
