//! What an SMTP reply means for a message: the table, and nothing else.
//!
//! Verdicts come from the step, the basic code (RFC 5321) and the enhanced code (RFC 3463). The words after them are the relay's,
//! may quote the recipient, and are not kept.

use std::time::Duration;

use super::wire::Reply;
use crate::channels::{Outcome, RejectKind, Why, why};

/// Where in the transaction a reply came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Mail,
    Recipient,
    /// From DATA to the reply to the final dot.
    Content,
}

/// Subject and detail of the enhanced code, where the words begin with one: (1, 1) of `5.1.1`.
fn enhanced(text: &str) -> Option<(u16, u16)> {
    let mut numbers = text.split_whitespace().next()?.split('.').map(str::parse::<u16>);
    match (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()) {
        (Ok(4 | 5), Ok(subject), Ok(detail), None) => Some((subject, detail)),
        _ => None,
    }
}

/// Which replies a line is about.
#[derive(Debug, Clone, Copy)]
enum About {
    Codes(&'static [u16]),
    /// Any from 400 to 499.
    Transient,
    /// Subject and detail of the enhanced code.
    Details(&'static [(u16, u16)]),
    /// Subject of the enhanced code, whatever its detail.
    Subject(u16),
    At(Step),
    CodesAt(Step, &'static [u16]),
}

#[derive(Debug, Clone, Copy)]
enum Verdict {
    Retry,
    RetryAfter(Duration),
    Reject(RejectKind),
}

const OUR_FAULT_PAUSE: Duration = Duration::from_mins(5);
/// Relays count their day each in its own way, so it is asked again now and then.
const DAILY_PAUSE: Duration = Duration::from_hours(1);

/// The first line that fits decides; a reply that fits none refuses the message.
const REPLIES: &[(About, Verdict, Why)] = &[
    (About::Codes(&[421]), Verdict::Retry, why::SERVICE_CLOSING),
    (About::Codes(&[454, 530, 534, 535, 538]), Verdict::RetryAfter(OUR_FAULT_PAUSE), why::CREDENTIALS),
    // Message too big for the mailbox or for the system.
    (About::Details(&[(2, 3), (3, 4)]), Verdict::Reject(RejectKind::Message), why::TOO_LONG),
    (About::Details(&[(2, 2)]), Verdict::Retry, why::MAILBOX_FULL),
    (About::Codes(&[452, 552]), Verdict::Retry, why::MAILBOX_FULL),
    // "Daily sending limit exceeded", as the large mailbox providers say it.
    (About::Details(&[(4, 5)]), Verdict::RetryAfter(DAILY_PAUSE), why::DAILY_LIMIT),
    // Greylisting is one of these.
    (About::Transient, Verdict::Retry, why::TRY_LATER),
    (About::Subject(7), Verdict::Reject(RejectKind::Configuration), why::POLICY),
    // The sender's mailbox or its system.
    (About::Details(&[(1, 7), (1, 8)]), Verdict::Reject(RejectKind::Configuration), why::SENDER_REFUSED),
    // No such mailbox, moved, or no mail is accepted there (null MX): whatever comes later does not get there either.
    (
        About::Details(&[(1, 1), (1, 6), (1, 10)]),
        Verdict::Reject(RejectKind::Recipient),
        why::ADDRESS_UNKNOWN,
    ),
    // Another fault of the address, its system or the way there, or a mailbox that is switched off: it may pass.
    (
        About::Details(&[(1, 0), (1, 2), (1, 3), (2, 1), (4, 1), (4, 4)]),
        Verdict::Reject(RejectKind::Recipient),
        why::ADDRESS_REFUSED,
    ),
    // Commands that the relay does not know, or in an order that it does not take.
    (About::Subject(5), Verdict::Reject(RejectKind::Configuration), why::SETTINGS),
    (
        About::CodesAt(Step::Recipient, &[500, 502, 503, 504, 555]),
        Verdict::Reject(RejectKind::Configuration),
        why::SETTINGS,
    ),
    (About::At(Step::Recipient), Verdict::Reject(RejectKind::Recipient), why::ADDRESS_REFUSED),
    (About::At(Step::Mail), Verdict::Reject(RejectKind::Configuration), why::SENDER_REFUSED),
    (About::At(Step::Content), Verdict::Reject(RejectKind::Message), why::MESSAGE_REFUSED),
];

/// What a negative reply at this step makes of the message.
pub(super) fn judge(step: Step, reply: &Reply) -> Outcome {
    let enhanced = reply.lines.first().and_then(|line| enhanced(line));
    let fits = |about: About| match about {
        About::Codes(codes) => codes.contains(&reply.code),
        About::Transient => (400..500).contains(&reply.code),
        About::Details(details) => enhanced.is_some_and(|enhanced| details.contains(&enhanced)),
        About::Subject(subject) => enhanced.is_some_and(|(given, _)| given == subject),
        About::At(at) => at == step,
        About::CodesAt(at, codes) => at == step && codes.contains(&reply.code),
    };
    let line = REPLIES.iter().find(|(about, ..)| fits(*about));
    let (verdict, why) = line
        .map_or((Verdict::Reject(RejectKind::Message), why::MESSAGE_REFUSED), |(_, verdict, why)| {
            (*verdict, *why)
        });
    let why = why.answered(reply.code);
    match verdict {
        Verdict::Retry => Outcome::retry(why),
        Verdict::RetryAfter(pause) => Outcome::retry_after(why, pause),
        Verdict::Reject(kind) => Outcome::reject(kind, why),
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Content, Mail, Recipient};
    use super::*;

    #[test]
    fn every_reply_has_its_fate() {
        let fate = |step, code, text: &str| match judge(step, &Reply { code, lines: vec![text.to_owned()] }) {
            Outcome::Retry { why, .. } => ("retry", why.code()),
            Outcome::Reject { why, kind: RejectKind::Recipient } => ("recipient", why.code()),
            Outcome::Reject { why, kind: RejectKind::Message } => ("message", why.code()),
            Outcome::Reject { why, kind: RejectKind::Configuration } => ("configuration", why.code()),
            other => unreachable!("{other:?}"),
        };
        let table = [
            (Recipient, 550, "5.1.1 <a@example.org> no such user", ("recipient", "ADDRESS_UNKNOWN")),
            (Recipient, 550, "5.1.2", ("recipient", "ADDRESS_REFUSED")),
            (Recipient, 553, "5.1.3", ("recipient", "ADDRESS_REFUSED")),
            (Recipient, 551, "5.1.6", ("recipient", "ADDRESS_UNKNOWN")),
            (Recipient, 556, "5.1.10", ("recipient", "ADDRESS_UNKNOWN")),
            (Content, 550, "5.1.1 said late", ("recipient", "ADDRESS_UNKNOWN")),
            (Recipient, 550, "no such user", ("recipient", "ADDRESS_REFUSED")),
            (Recipient, 553, "", ("recipient", "ADDRESS_REFUSED")),
            (Recipient, 503, "5.5.1", ("configuration", "SETTINGS")),
            (Recipient, 503, "bad sequence", ("configuration", "SETTINGS")),
            (Recipient, 550, "5.7.1 relaying denied", ("configuration", "POLICY")),
            (Content, 554, "5.7.26 unauthenticated", ("configuration", "POLICY")),
            (Mail, 550, "5.1.8", ("configuration", "SENDER_REFUSED")),
            (Mail, 550, "who are you", ("configuration", "SENDER_REFUSED")),
            (Mail, 530, "5.7.0 authentication required", ("retry", "CREDENTIALS")),
            (Recipient, 450, "4.2.0 greylisted", ("retry", "TRY_LATER")),
            (Recipient, 451, "4.7.1 greylisted", ("retry", "TRY_LATER")),
            (Recipient, 552, "mailbox full", ("retry", "MAILBOX_FULL")),
            (Recipient, 550, "5.2.2 over quota", ("retry", "MAILBOX_FULL")),
            (Recipient, 452, "4.2.2 over quota", ("retry", "MAILBOX_FULL")),
            (Content, 552, "5.3.4 too big", ("message", "TOO_LONG")),
            (Content, 550, "5.4.5 daily limit", ("retry", "DAILY_LIMIT")),
            (Content, 554, "no", ("message", "MESSAGE_REFUSED")),
            (Content, 421, "4.3.2 closing", ("retry", "SERVICE_CLOSING")),
            (Mail, 421, "closing", ("retry", "SERVICE_CLOSING")),
        ];
        for (step, code, text, expected) in table {
            assert_eq!(fate(step, code, text), expected, "{step:?} {code} {text}");
        }
    }

    #[test]
    fn only_a_leading_enhanced_code_counts() {
        for text in ["user 5.1.1", "5.1", "5.1.1.1", "2.1.1", "10.1.1", "5.x.1", ""] {
            assert_eq!(enhanced(text), None, "{text}");
        }
        assert_eq!(enhanced("5.1.10 null mx"), Some((1, 10)));
    }
}
