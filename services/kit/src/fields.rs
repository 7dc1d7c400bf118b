//! Reading the fields of a request: every fault is collected, so that a caller hears of all of
//! them at once. Called by each service's `api`; it knows shapes, never what a field means.

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::Date;
use proto::ids::InvalidId;
use tonic::{Code, Status};

use crate::rejection::Rejection;

/// Something wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, for example `marks[3].code`.
    pub field: String,
    /// A stable reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// What was expected there. Never repeats what was sent.
    pub expected: String,
}

impl Fault {
    /// A fault of one field.
    pub fn new(field: impl Into<String>, reason: &'static str, expected: impl Into<String>) -> Self {
        Self { field: field.into(), reason, expected: expected.into() }
    }
}

/// What a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Words on one line.
    One,
    /// Line breaks and tabs are taken too.
    Many,
}

/// The faults that were found so far.
#[derive(Debug, Default)]
pub struct Fields {
    faults: Vec<Fault>,
}

impl Fields {
    /// An id.
    pub fn id<T: FromStr<Err = InvalidId>>(&mut self, field: &str, text: &str) -> Option<T> {
        let fault = |error: InvalidId| Fault::new(field, "INVALID_ID", error.to_string());
        text.parse().map_err(|error| self.faults.push(fault(error))).ok()
    }

    /// An ISO date.
    pub fn date(&mut self, field: &str, text: &str) -> Option<Date> {
        let fault = || Fault::new(field, "INVALID_DATE", "must be a date as in 2026-11-24");
        text.parse().map_err(|_| self.faults.push(fault())).ok()
    }

    /// A text of so many characters, without the white space around it; where it may have none it
    /// may be missing.
    pub fn text(
        &mut self,
        field: &str,
        text: &str,
        characters: RangeInclusive<usize>,
        lines: Lines,
    ) -> Option<String> {
        let text = text.trim();
        let length = text.chars().count();
        let fault = if length < *characters.start() {
            let least = characters.start();
            Some(("REQUIRED", format!("must have at least {least} characters")))
        } else if length > *characters.end() {
            Some(("TOO_LONG", format!("has {length} characters; at most {} are taken", characters.end())))
        } else if text.chars().any(|letter| is_control(letter, lines)) {
            Some(("CONTROL_CHARACTERS", "must hold no control characters".to_owned()))
        } else {
            None
        };
        match fault {
            None => Some(text.to_owned()),
            Some((reason, expected)) => {
                self.faults.push(Fault::new(field, reason, expected));
                None
            }
        }
    }

    /// A text that leaves the school: words, and nothing that whoever carries or shows it could take
    /// for an instruction.
    pub fn words(
        &mut self,
        field: &str,
        text: &str,
        characters: RangeInclusive<usize>,
        lines: Lines,
    ) -> Option<String> {
        let text = self.text(field, text, characters, lines)?;
        if holds_markup(&text) {
            self.faults.push(Fault::new(field, "MARKUP", "must be words, without tags, braces and code"));
            return None;
        }
        Some(text)
    }

    /// Adds a fault that was found elsewhere.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// What was read, unless a field was wrong.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Status> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            Some(_) | None => Err(of_faults(self.faults).into()),
        }
    }
}

fn is_control(letter: char, lines: Lines) -> bool {
    match lines {
        Lines::One => letter.is_control(),
        Lines::Many => letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'),
    }
}

/// Whether a page or a mail program (`<b>`), GOV.UK Notify (`((…))`, `[…](…)`) or a template (`{{`,
/// `{%`, `{#`) could take a part of this for an instruction, or a character turns the words around.
/// `a < b`, `<3` and `<5 cm` are no tags.
#[must_use]
pub fn holds_markup(text: &str) -> bool {
    let tag =
        |rest: &str| rest.starts_with(|next: char| next.is_alphabetic() || matches!(next, '/' | '!' | '?'));
    ["{{", "{%", "{#", "((", "]("].iter().any(|marks| text.contains(marks))
        || text.split('<').skip(1).any(tag)
        || text.chars().any(turns_the_line)
}

/// Characters that break a line or reverse it without being control characters.
fn turns_the_line(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The refusal of these faults: one reason when all have it; otherwise each description begins
/// with its own.
#[must_use]
pub fn of_faults(faults: Vec<Fault>) -> Rejection {
    let mut reasons: Vec<&'static str> = faults.iter().map(|fault| fault.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let (reason, mixed) = match reasons.as_slice() {
        [reason] => (*reason, false),
        _ => ("INVALID_FIELDS", true),
    };
    let message = match faults.len() {
        1 => "a field is wrong".to_owned(),
        many => format!("{many} fields are wrong"),
    };
    let refusal = Rejection::new(Code::InvalidArgument, reason, message).with("reasons", reasons.join(","));
    faults.into_iter().fold(refusal, |refusal, fault| {
        let Fault { field, reason, expected } = fault;
        refusal.field(field, if mixed { format!("{reason}: {expected}") } else { expected })
    })
}

#[cfg(test)]
mod tests {
    use proto::ids::PupilId;
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn every_fault_is_told_at_once_and_one_reason_stands_alone() {
        let mut fields = Fields::default();
        let pupil: Option<PupilId> = fields.id("pupil_id", "Ben");
        let date = fields.date("date", "tomorrow");
        let note = fields.text("note", &"x".repeat(6), 0..=5, Lines::One);
        assert_eq!((pupil, date, note), (None, None, None));
        let status = fields.finish(None::<()>).unwrap_err();
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELDS");
        let violations = &details.bad_request().unwrap().field_violations;
        let said: Vec<_> =
            violations.iter().map(|one| (one.field.as_str(), one.description.as_str())).collect();
        assert!(
            said.iter().any(|(field, said)| *field == "note" && said.starts_with("TOO_LONG: has 6")),
            "{said:?}"
        );
        assert_eq!(said.len(), 3);
        assert!(!format!("{status:?}").contains("Ben"));

        let mut fields = Fields::default();
        assert_eq!(fields.text("what", "  ", 1..=5, Lines::One), None);
        let status = fields.finish(Some(())).unwrap_err();
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "REQUIRED");
    }

    #[test]
    fn a_text_is_taken_without_the_space_around_it_and_without_control_characters() {
        let read = |text: &str, lines| Fields::default().text("what", text, 0..=20, lines);
        assert_eq!(read("  Fell. ", Lines::One).as_deref(), Some("Fell."));
        assert_eq!(read("", Lines::One).as_deref(), Some(""));
        assert_eq!(read("a\nb", Lines::Many).as_deref(), Some("a\nb"));
        assert_eq!(read("a\nb", Lines::One), None);
        assert_eq!(read("a\u{7}b", Lines::Many), None);
    }

    #[test]
    fn what_others_would_interpret_is_no_word_and_ordinary_punctuation_is() {
        let read = |text: &str| Fields::default().words("what", text, 1..=100, Lines::Many);
        for markup in [
            "<b>",
            "see </p>",
            "<!-- x -->",
            "<?php",
            "a<β",
            "{{name}}",
            "{% if %}",
            "{# x #}",
            "((name))",
            "[here](elsewhere)",
            "\u{202e}desrever",
            "a\u{2066}b",
            "two\u{2028}lines",
        ] {
            assert_eq!(read(markup), None, "{markup}");
            let mut fields = Fields::default();
            fields.words("what", markup, 1..=100, Lines::Many);
            let status = fields.finish(Some(())).unwrap_err();
            assert_eq!(status.get_error_details().error_info().unwrap().reason, "MARKUP");
        }
        for plain in [
            "a cut, <5 cm\nacross",
            "a < b",
            "<3",
            "ends with <",
            "{one}",
            "(one) (two)",
            "5 > 4",
            "( (a) )",
            "Gate B [rear], 12:30; £2 #1 *",
            "Café, 100 %",
            "Śnieg ❄",
            "شمس",
            "don`t",
        ] {
            assert_eq!(read(plain).as_deref(), Some(plain));
        }
    }
}
