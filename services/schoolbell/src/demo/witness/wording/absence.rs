//! Somebody was not in school when the register closed, we have not yet heard why, please ring this
//! number; or somebody is in school, and we are sorry. Such a message gives no reason and accuses
//! nobody.

use super::{Fault, Said, Session, Speaker, names, sentence, words};

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

impl Session {
    fn word(self) -> &'static str {
        match self {
            Self::Morning => "this morning",
            Self::Afternoon => "this afternoon",
        }
    }
}

/// What it says of an absence; unknown wording when it says nothing of one.
pub fn read<'a>(body: &'a str, speaker: Speaker<'_>) -> Result<Said<'a>, Fault> {
    if words(body).any(|word| REASONS.contains(&word.to_lowercase().as_str())) {
        return Err(Fault::Reason);
    }
    if body.contains("we have not yet heard why") { unexplained(body, speaker) } else { correction(body) }
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
    Ok(Said::Unexplained(names))
}

fn correction(body: &str) -> Result<Said<'_>, Fault> {
    let names = who(body, [" is in school", " are in school"])?;
    if words(body).any(|word| word.eq_ignore_ascii_case("sorry")) {
        Ok(Said::Correction(names))
    } else {
        Err(Fault::NoApology)
    }
}

/// The names before the verb, back to where the sentence begins.
fn who<'a>(body: &'a str, verbs: [&str; 2]) -> Result<Vec<&'a str>, Fault> {
    let [one, several] = verbs;
    let (at, plural) = match (body.find(one), body.find(several)) {
        (Some(at), None) => (at, false),
        (None, Some(at)) => (at, true),
        _ => return Err(Fault::Unknown),
    };
    let names = names(sentence(body, at).0)?;
    if plural == (names.len() > 1) { Ok(names) } else { Err(Fault::Grammar) }
}
