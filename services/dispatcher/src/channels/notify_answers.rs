//! What GOV.UK Notify's refusals mean: one table from the HTTP status and the error's class to the fate of the message.
//!
//! Both of Notify's channels judge by it, whether they sent something or asked for it. It holds no code of its own for a single
//! answer: a class that Notify invents falls to the line of its status, a status to the line of its hundred. The error's message
//! is for people, may change and may quote the recipient, so it is not read.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Outcome, RejectKind, Why, why};

/// After a fault on our side, as of credentials: nothing is lost, and an operator has time to mend it.
const OUR_FAULT_PAUSE: Duration = Duration::from_mins(5);
/// The bucket refills in a second by a fiftieth to a sixtieth of the minute's rate; sooner is in vain.
const RATE_PAUSE: Duration = Duration::from_secs(1);
const SECONDS_OF_A_DAY: i64 = 86_400;

/// Which HTTP statuses a line is about.
#[derive(Debug, Clone, Copy)]
enum Status {
    Is(u16),
    /// Any of this hundred.
    Hundred(u16),
    Any,
}

/// What a line makes of an answer.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Retry,
    RetryAfter(Duration),
    /// The daily count starts again at midnight UTC.
    RetryTomorrow,
    Reject(RejectKind),
    Unknown,
}

use Fate::{Reject, Retry, RetryAfter, RetryTomorrow, Unknown};
use RejectKind::{Configuration, Message, Recipient};
use Status::{Any, Hundred, Is};

/// HTTP status, the error's class (`*` for any), what follows and why. The first line that fits decides. What a reason means beyond
/// its message stands with the reasons: that the address is dead, that we are asked to slow down, that an operator must act.
///
/// `ValidationError` is about the recipient as far as we can make one, because everything else that the schema checks (template id,
/// reference, length) is checked before we ask; but it is no word about whether the address exists, so that a change of Notify's
/// schema cannot condemn every address of a school. `BadRequestError` is about templates, trial mode, team keys and permissions.
const ANSWERS: &[(Status, &str, Fate, Why)] = &[
    (Is(400), "ValidationError", Reject(Recipient), why::ADDRESS_REFUSED),
    (Is(400), "InvalidPhoneError", Reject(Recipient), why::ADDRESS_UNKNOWN),
    (Is(400), "InvalidEmailError", Reject(Recipient), why::ADDRESS_UNKNOWN),
    (Is(400), "InvalidRecipientError", Reject(Recipient), why::ADDRESS_UNKNOWN),
    (Is(400), "BadRequestError", Reject(Configuration), why::SETTINGS),
    (Is(400), "*", Reject(Message), why::MESSAGE_REFUSED),
    (Is(401), "*", RetryAfter(OUR_FAULT_PAUSE), why::CREDENTIALS),
    (Is(403), "*", RetryAfter(OUR_FAULT_PAUSE), why::CREDENTIALS),
    (Is(404), "*", RetryAfter(OUR_FAULT_PAUSE), why::WRONG_ENDPOINT),
    (Is(405), "*", RetryAfter(OUR_FAULT_PAUSE), why::WRONG_ENDPOINT),
    (Is(408), "*", Retry, why::TRY_LATER),
    (Is(413), "*", Reject(Message), why::TOO_LONG),
    (Is(429), "TooManyRequestsError", RetryTomorrow, why::DAILY_LIMIT),
    (Is(429), "*", RetryAfter(RATE_PAUSE), why::RATE_LIMITED),
    // A gateway may have handed the request on before it gave up.
    (Is(504), "*", Unknown, why::NO_ANSWER),
    (Hundred(5), "*", Unknown, why::PROVIDER_FAULT),
    (Hundred(4), "*", Reject(Message), why::MESSAGE_REFUSED),
    (Any, "*", RetryAfter(OUR_FAULT_PAUSE), why::WRONG_ENDPOINT),
];

#[derive(Deserialize)]
struct Refused {
    errors: Vec<RefusedError>,
}

#[derive(Deserialize)]
struct RefusedError {
    error: String,
}

/// What an answer that is no success makes of the message. `now` is real time, which the day's limit runs on.
pub(super) fn judge(status: u16, body: &[u8], now: Timestamp) -> Outcome {
    let class = serde_json::from_slice::<Refused>(body)
        .ok()
        .and_then(|refused| refused.errors.into_iter().next())
        .map_or_else(String::new, |first| first.error);
    let fits = |line: &&(Status, &str, Fate, Why)| {
        let of_status = match line.0 {
            Is(code) => code == status,
            Hundred(hundred) => status / 100 == hundred,
            Any => true,
        };
        of_status && (line.1 == "*" || line.1 == class)
    };
    let (fate, why) = ANSWERS
        .iter()
        .find(fits)
        .map_or((RetryAfter(OUR_FAULT_PAUSE), why::WRONG_ENDPOINT), |(.., fate, why)| (*fate, *why));
    let why = why.answered(status);
    match fate {
        Retry => Outcome::retry(why),
        RetryAfter(pause) => Outcome::retry_after(why, pause),
        RetryTomorrow => Outcome::retry_after(why, until_midnight_utc(now)),
        Reject(kind) => Outcome::reject(kind, why),
        Unknown => Outcome::Unknown { why },
    }
}

fn until_midnight_utc(now: Timestamp) -> Duration {
    let left = SECONDS_OF_A_DAY - now.as_second().rem_euclid(SECONDS_OF_A_DAY);
    Duration::from_secs(left.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Slowing;

    fn answer(status: u16, class: &str) -> Outcome {
        let now: Timestamp = "2026-11-23T23:59:30Z".parse().unwrap();
        let error = serde_json::json!({"error": class, "message": "phone_number 07700 900123"});
        let body = serde_json::json!({"status_code": status, "errors": [error]}).to_string();
        judge(status, body.as_bytes(), now)
    }

    /// What is to be known of an answer: fate, reason, seconds, and what else follows.
    fn columns(status: u16, class: &str) -> (&'static str, &'static str, u64, &'static str) {
        let outcome = answer(status, class);
        let beside = match outcome.slowing() {
            Some(Slowing::Rate) => "rate",
            Some(Slowing::Day { .. }) => "day",
            None if outcome.condemns().is_some() => "suppressed",
            None => "",
        };
        match outcome {
            Outcome::Accepted { .. } => unreachable!("a refusal is never an acceptance"),
            Outcome::Retry { why, after } => {
                let mend = if why.is_ours_to_mend() { "misconfigured" } else { beside };
                ("retry", why.code(), after.map_or(0, |after| after.as_secs()), mend)
            }
            Outcome::Reject { why, kind: Recipient } => ("recipient", why.code(), 0, beside),
            Outcome::Reject { why, kind: Message } => ("message", why.code(), 0, beside),
            Outcome::Reject { why, kind: Configuration } => ("configuration", why.code(), 0, "misconfigured"),
            Outcome::Unknown { why } => ("unknown", why.code(), 0, beside),
        }
    }

    #[test]
    fn every_line_of_the_table_is_what_it_should_be() {
        let table = [
            (400, "ValidationError", ("recipient", "ADDRESS_REFUSED", 0, "")),
            (400, "InvalidPhoneError", ("recipient", "ADDRESS_UNKNOWN", 0, "suppressed")),
            (400, "InvalidEmailError", ("recipient", "ADDRESS_UNKNOWN", 0, "suppressed")),
            (400, "InvalidRecipientError", ("recipient", "ADDRESS_UNKNOWN", 0, "suppressed")),
            (400, "BadRequestError", ("configuration", "SETTINGS", 0, "misconfigured")),
            (400, "SomethingNew", ("message", "MESSAGE_REFUSED", 0, "")),
            (401, "AuthError", ("retry", "CREDENTIALS", 300, "misconfigured")),
            (403, "BadRequestError", ("retry", "CREDENTIALS", 300, "misconfigured")),
            (404, "NoResultFound", ("retry", "WRONG_ENDPOINT", 300, "misconfigured")),
            (405, "", ("retry", "WRONG_ENDPOINT", 300, "misconfigured")),
            (408, "", ("retry", "TRY_LATER", 0, "")),
            (413, "", ("message", "TOO_LONG", 0, "")),
            (429, "TooManyRequestsError", ("retry", "DAILY_LIMIT", 30, "day")),
            (429, "RateLimitError", ("retry", "RATE_LIMITED", 1, "rate")),
            (504, "EventletTimeout", ("unknown", "NO_ANSWER", 0, "")),
            (500, "Exception", ("unknown", "PROVIDER_FAULT", 0, "")),
            (451, "SomethingNew", ("message", "MESSAGE_REFUSED", 0, "")),
            (308, "", ("retry", "WRONG_ENDPOINT", 300, "misconfigured")),
        ];
        assert_eq!(table.len(), ANSWERS.len());
        for ((status, class, expected), line) in table.into_iter().zip(ANSWERS) {
            assert_eq!(columns(status, class), expected, "{status} {class}");
            assert!(line.1 == "*" || line.1 == class, "the lines stand in the table's order");
        }
    }

    #[test]
    fn what_nobody_knows_goes_by_its_class_and_never_counts_as_sent() {
        for (status, fate) in
            [(418, "message"), (499, "message"), (502, "unknown"), (599, "unknown"), (102, "retry")]
        {
            assert_eq!(columns(status, "NobodyKnows").0, fate, "{status}");
        }
        assert_eq!(columns(429, "NobodyKnows"), ("retry", "RATE_LIMITED", 1, "rate"));
    }

    #[test]
    fn the_day_s_limit_is_said_with_the_time_until_it_starts_anew() {
        assert_eq!(
            answer(429, "TooManyRequestsError").slowing(),
            Some(Slowing::Day { resets_after: Duration::from_secs(30) })
        );
        for body in ["", "[]", "{\"errors\": []}", "\0"] {
            let outcome = judge(429, body.as_bytes(), Timestamp::UNIX_EPOCH);
            assert_eq!(outcome.slowing(), Some(Slowing::Rate), "{body}");
        }
        let midnight = judge(429, br#"{"errors":[{"error":"TooManyRequestsError"}]}"#, Timestamp::UNIX_EPOCH);
        assert_eq!(midnight.slowing(), Some(Slowing::Day { resets_after: Duration::from_hours(24) }));
    }
}
