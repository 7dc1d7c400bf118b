//! The witness's ear: what a message says, and whether it may be said like that.
//!
//! It knows two things that the school says. *Unexplained*: somebody was not in school when the
//! register closed, we have not yet heard why, please ring this number. *Correction*: somebody is in
//! school, and we are sorry. A message gives no reason and accuses nobody, and a text has no family
//! name in it. Everything else is unknown wording. It knows no template.

use simulator::{Accepted, Medium};

/// Half of a school day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Session {
    /// Before noon.
    Morning,
    /// After it.
    Afternoon,
}

impl Session {
    fn word(self) -> &'static str {
        match self {
            Self::Morning => "this morning",
            Self::Afternoon => "this afternoon",
        }
    }
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Missing, and nobody has said why.
    Unexplained,
    /// In school after all.
    Correction,
}

/// What a message says about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<'a> {
    /// What.
    pub kind: Kind,
    /// First names, as they stand there.
    pub names: Vec<&'a str>,
}

/// Who says it, and when.
#[derive(Debug, Clone, Copy)]
pub struct Speaker<'a> {
    /// The school's name, which stands before each text.
    pub school: &'a str,
    /// The number that parents are asked to ring.
    pub phone: &'a str,
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
}

/// Words that give a reason, accuse or threaten.
const REASONS: [&str; 25] = [
    "ill",
    "illness",
    "sick",
    "sickness",
    "unwell",
    "poorly",
    "medical",
    "dentist",
    "doctor",
    "hospital",
    "injured",
    "accident",
    "holiday",
    "suspended",
    "excluded",
    "unauthorised",
    "truant",
    "truancy",
    "police",
    "court",
    "fine",
    "penalty",
    "prosecution",
    "safeguarding",
    "social",
];

/// What the message says, or why it should not.
pub fn read<'a>(message: &'a Accepted, speaker: Speaker<'_>) -> Result<Said<'a>, Fault> {
    let body = own_words(message, speaker.school)?;
    let gives_a_reason = words(body).any(|word| REASONS.contains(&word.to_lowercase().as_str()));
    if gives_a_reason {
        return Err(Fault::Reason);
    }
    if body.contains("we have not yet heard why") { unexplained(body, speaker) } else { correction(body) }
}

/// Whether one of these names stands in the words of a text.
pub fn says<'n>(message: &Accepted, school: &str, names: impl Iterator<Item = &'n str>) -> bool {
    let body = message.body.strip_prefix(school).unwrap_or(&message.body);
    let mut names = names.filter(|name| !name.is_empty());
    names.any(|name| occurs(body, name))
}

fn unexplained<'a>(body: &'a str, speaker: Speaker<'_>) -> Result<Said<'a>, Fault> {
    let names = who(body, [" was not in school", " were not in school"])?;
    if !body.contains(speaker.phone) {
        return Err(Fault::NoPhone);
    }
    let other = match speaker.session {
        Session::Morning => Session::Afternoon,
        Session::Afternoon => Session::Morning,
    };
    if !body.contains(speaker.session.word()) || body.contains(other.word()) {
        return Err(Fault::OtherSession);
    }
    Ok(Said { kind: Kind::Unexplained, names })
}

fn correction(body: &str) -> Result<Said<'_>, Fault> {
    let names = who(body, [" is in school", " are in school"])?;
    if words(body).any(|word| word.eq_ignore_ascii_case("sorry")) {
        Ok(Said { kind: Kind::Correction, names })
    } else {
        Err(Fault::NoApology)
    }
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

/// The names before the verb, back to where the sentence begins.
fn who<'a>(body: &'a str, verbs: [&str; 2]) -> Result<Vec<&'a str>, Fault> {
    let [one, several] = verbs;
    let (until, plural) = match (body.find(one), body.find(several)) {
        (Some(at), None) => (at, false),
        (None, Some(at)) => (at, true),
        _ => return Err(Fault::Unknown),
    };
    let before = body.get(..until).unwrap_or_default();
    let begins = before.rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
    let list = before.get(begins..).unwrap_or_default().trim();
    let names: Vec<&str> = list.split(", ").flat_map(|part| part.split(" and ")).map(str::trim).collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err(Fault::Unknown);
    }
    if plural == (names.len() > 1) { Ok(names) } else { Err(Fault::Grammar) }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
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
