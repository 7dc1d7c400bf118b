//! The school, or a part of it, is closed on certain days, or is open on a day. A message says one of
//! the two, in its subject too, and never both.

use jiff::civil::Date;
use simulator::Accepted;

use super::{Days, Fault, Said, Session, days, sentence, words};

const CLOSED: [&str; 2] = ["chool is closed", "chool is now closed"];
const OPEN: &str = "chool is open";

/// What it says of a closing or an opening, if anything; `day` is the day on which it is said.
pub fn read<'a>(message: &Accepted, body: &str, day: Date) -> Option<Result<Said<'a>, Fault>> {
    let closed = CLOSED.iter().find_map(|phrase| body.find(phrase));
    let open = body.find(OPEN);
    let subject = message.subject.as_deref().unwrap_or_default();
    Some(match (closed, open) {
        (None, None) => return None,
        (Some(_), Some(_)) => Err(Fault::ClosedAndOpen),
        (Some(_), None) if subject.contains(OPEN) => Err(Fault::ClosedAndOpen),
        (None, Some(_)) if says_closed(body) || says_closed(subject) => Err(Fault::ClosedAndOpen),
        (Some(at), None) => closed_days(sentence(body, at).1, day).map(Said::Closed),
        (None, Some(at)) => match days::mentioned(sentence(body, at).1, day).as_deref() {
            Some([day]) => Ok(Said::Open(*day)),
            _ => Err(Fault::Days),
        },
    })
}

/// Whether any word speaks of closing.
pub fn says_closed(text: &str) -> bool {
    words(text).any(|word| {
        ["closed", "close", "closes", "closing", "closure"].contains(&word.to_lowercase().as_str())
    })
}

fn closed_days(sentence: &str, day: Date) -> Result<Days, Fault> {
    let from =
        if words(sentence).any(|word| word == "afternoon") { Session::Afternoon } else { Session::Morning };
    match days::mentioned(sentence, day).as_deref() {
        Some([only]) => Ok(Days { first: *only, from, last: *only }),
        Some([first, last]) if first < last => Ok(Days { first: *first, from, last: *last }),
        _ => Err(Fault::Days),
    }
}
