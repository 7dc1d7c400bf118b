//! The witness's ear: what a message says, and whether it may be said like that.
//!
//! It knows six things that a school says: somebody is missing and nobody has said why, is in school
//! after all, had a minor accident, bumped their head; the school is closed, or is open. Everything
//! else is unknown wording. What somebody in the school wrote is not its business. It knows no
//! template.

mod absence;
mod accident;
mod closing;
mod days;

pub use closing::says_closed;
use jiff::civil::Date;
use simulator::{Accepted, Medium};

/// Half of a school day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Session {
    /// Before noon.
    Morning,
    /// After it.
    Afternoon,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// Missing, and nobody has said why. First names, as they stand there.
    Unexplained(Vec<&'a str>),
    /// In school after all.
    Correction(Vec<&'a str>),
    /// A minor accident.
    FirstAid(&'a str),
    /// A bump of the head.
    HeadInjury(&'a str),
    /// The school, or a part of it, is closed.
    Closed(Days),
    /// The school, or a part of it, is open on this day.
    Open(Date),
}

/// The days of a closure, as a message has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub first: Date,
    /// With which half of it it begins.
    pub from: Session,
    /// The last.
    pub last: Date,
}

/// Who says it, and when.
#[derive(Debug, Clone, Copy)]
pub struct Speaker<'a> {
    /// The school's name, which stands before each text.
    pub school: &'a str,
    /// The number that parents are asked to ring.
    pub phone: &'a str,
    /// The day on which it is said.
    pub day: Date,
    /// The session that it is about.
    pub session: Session,
}

/// Why a message may not be said like that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing that a school says.
    #[error("its wording is unknown")]
    Unknown,
    /// The school does not say who it is.
    #[error("it does not say which school it is from")]
    NoSchool,
    /// Nobody knows whom to ring.
    #[error("it does not say which number to ring")]
    NoPhone,
    /// The wrong half of the day.
    #[error("it speaks of another session")]
    OtherSession,
    /// One child was, two were.
    #[error("its grammar does not fit the number of children")]
    Grammar,
    /// It gives a reason or accuses somebody.
    #[error("it gives a reason")]
    Reason,
    /// A correction without an apology.
    #[error("it does not apologise")]
    NoApology,
    /// An account of one child names several.
    #[error("it tells of several children at once")]
    SeveralChildren,
    /// Nobody can tell from it whether to bring the child.
    #[error("it says both closed and open")]
    ClosedAndOpen,
    /// Nobody can tell from it on which day.
    #[error("its days cannot be understood")]
    Days,
    /// It speaks of what the school has not said.
    #[error("it speaks of a closing or an opening that nobody has declared")]
    NoSuchClosing,
}

/// What the message says, or why it should not.
pub fn read<'a>(message: &'a Accepted, speaker: Speaker<'_>) -> Result<Said<'a>, Fault> {
    let body = own_words(message, speaker.school)?;
    if let Some(accident) = accident::read(body, speaker.phone) {
        return accident;
    }
    if let Some(closing) = closing::read(message, body, speaker.day) {
        return closing;
    }
    absence::read(body, speaker)
}

/// Whether one of these names stands in the words of a text.
pub fn says<'n>(message: &Accepted, school: &str, names: impl Iterator<Item = &'n str>) -> bool {
    let body = message.body.strip_prefix(school).unwrap_or(&message.body);
    let mut names = names.filter(|name| !name.is_empty());
    names.any(|name| occurs(body, name))
}

/// A text on one line, whatever its lines were broken for.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether these words stand in a text on one line.
pub fn holds(one_line: &str, sought: &str) -> bool {
    let sought = self::one_line(sought.trim().trim_end_matches('.'));
    !sought.is_empty() && one_line.contains(&sought)
}

/// Whether it speaks of fetching children.
pub fn speaks_of_collection(text: &str) -> bool {
    let is_it = |word: &str| word.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("collect"));
    words(text).any(is_it)
}

/// The words of a text, without what stands between them.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The body of a mail, and of a text what stands behind the school's name.
fn own_words<'a>(message: &'a Accepted, school: &str) -> Result<&'a str, Fault> {
    match message.channel {
        Medium::Sms => message
            .body
            .strip_prefix(school)
            .and_then(|rest| rest.strip_prefix(':'))
            .map(str::trim)
            .ok_or(Fault::NoSchool),
        Medium::Email if message.body.contains(school) => Ok(message.body.trim()),
        Medium::Email => Err(Fault::NoSchool),
    }
}

/// The sentence that holds the letter at this place, up to that place and from there on.
fn sentence(body: &str, at: usize) -> (&str, &str) {
    let (before, after) = body.split_at_checked(at).unwrap_or((body, ""));
    let begins = before.rfind(['.', '!', '?', ':', '\n']).map_or(0, |at| at + 1);
    let ends = after.find(['.', '!', '?', ':', '\n']).unwrap_or(after.len());
    (before.get(begins..).unwrap_or_default().trim(), after.get(..ends).unwrap_or_default())
}

/// The names in a list.
fn names(list: &str) -> Result<Vec<&str>, Fault> {
    let names: Vec<&str> = list.split(", ").flat_map(|part| part.split(" and ")).map(str::trim).collect();
    if names.iter().any(|name| name.is_empty()) { Err(Fault::Unknown) } else { Ok(names) }
}

/// Whether `name` stands there as a word of its own.
fn occurs(text: &str, name: &str) -> bool {
    let alone = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|after| after.chars().next());
        alone(before) && alone(after)
    })
}
