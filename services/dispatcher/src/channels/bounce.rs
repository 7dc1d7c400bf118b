//! What a mail server says later about a message that it had taken: bounces (RFC 3464), read from mail that anybody may have sent.
//!
//! A bounce counts for the message whose signed return address it came back to, and for nothing else: neither what it quotes nor
//! whom it names is believed. What is no bounce, or none of ours, is told apart by a reason that quotes nothing. What it means for
//! the delivery is settled elsewhere.

use mail_parser::{Message, MessageParser, MimeHeaders as _};

use super::smtp::{Addressed, ReturnPath};

/// What became of a message after the relay had taken it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// The delivery's id.
    pub delivery: String,
    /// What the server says.
    pub fate: Fate,
}

/// What a server may say of a message that it had taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is still trying.
    Delayed,
    /// It has given up trying; the address may be good.
    GivenUp,
    /// It refuses the message for good; the address may be good.
    Refused,
    /// There is no such mailbox.
    NoSuchMailbox,
}

/// Why a mail is not a bounce of one of our messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotABounce {
    /// No mail at all.
    #[error("not a mail")]
    Unreadable,
    /// An answer of a person or of an absent one's mailbox, a complaint, an advertisement.
    #[error("no delivery report")]
    NoReport,
    /// A report that something arrived, or that says nothing.
    #[error("a delivery report without a failure or a delay")]
    NothingWrong,
    /// It did not come back to a return address.
    #[error("not to a return address")]
    Elsewhere,
    /// It came back to an address that we did not write.
    #[error("to a return address that was not written here")]
    Forged,
}

impl NotABounce {
    /// For metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NoReport => "no_report",
            Self::NothingWrong => "nothing_wrong",
            Self::Elsewhere => "elsewhere",
            Self::Forged => "forged",
        }
    }
}

/// Where mail servers write down whom a mail came to.
const ADDRESSED: [&str; 5] = ["to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"];
/// How many addresses of such a header are looked at.
const MOST_ADDRESSES: usize = 20;

/// Reads a mail that came to the mailbox for bounces.
pub fn read(mail: &[u8], path: &ReturnPath) -> Result<Bounce, NotABounce> {
    let message = MessageParser::default().parse(mail).ok_or(NotABounce::Unreadable)?;
    let report = report(&message).ok_or(NotABounce::NoReport)?;
    let delivery = addressed(&message, path)?;
    let fate = fate(&report).ok_or(NotABounce::NothingWrong)?;
    Ok(Bounce { delivery, fate })
}

/// The machine's part of a delivery report.
fn report(message: &Message<'_>) -> Option<String> {
    let is = |part: &&mail_parser::MessagePart<'_>, kind: &str, subtypes: &[&str]| {
        part.content_type().is_some_and(|given| {
            let subtype = given.subtype().unwrap_or_default();
            given.ctype().eq_ignore_ascii_case(kind)
                && subtypes.iter().any(|expected| subtype.eq_ignore_ascii_case(expected))
        })
    };
    message.parts.first().filter(|root| is(root, "multipart", &["report"]))?;
    let reports = ["delivery-status", "global-delivery-status"];
    let part = message.parts.iter().find(|part| is(part, "message", &reports))?;
    Some(String::from_utf8_lossy(part.contents()).into_owned())
}

fn addressed(message: &Message<'_>, path: &ReturnPath) -> Result<String, NotABounce> {
    let headers = message
        .headers_raw()
        .filter(|(name, _)| ADDRESSED.iter().any(|expected| name.eq_ignore_ascii_case(expected)));
    let separates =
        |letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | ',' | ';' | '"' | '(' | ')');
    let addresses = headers.flat_map(|(_, value)| value.split(separates)).filter(|word| word.contains('@'));
    let mut is_forged = false;
    for address in addresses.take(MOST_ADDRESSES) {
        match path.read(address) {
            Addressed::Delivery(delivery) => return Ok(delivery),
            Addressed::Forged => is_forged = true,
            Addressed::Elsewhere => {}
        }
    }
    Err(if is_forged { NotABounce::Forged } else { NotABounce::Elsewhere })
}

/// The worst that is said of a recipient. Our messages have one each; a list behind its address may have many.
fn fate(report: &str) -> Option<Fate> {
    let report = report.replace("\r\n", "\n");
    report.split("\n\n").filter_map(fate_of_recipient).max()
}

fn fate_of_recipient(group: &str) -> Option<Fate> {
    let field = |name: &str| {
        let fields = group.lines().filter_map(|line| line.split_once(':'));
        let mut values = fields.filter(|(given, _)| given.trim().eq_ignore_ascii_case(name));
        // Words in brackets are for people.
        values.next().and_then(|(_, value)| value.split(['(', ' ', '\t']).find(|word| !word.is_empty()))
    };
    let status = field("Status").and_then(status);
    match (field("Action").map(str::to_ascii_lowercase).as_deref(), status) {
        (Some("delayed"), _) | (None, Some((4, ..))) => Some(Fate::Delayed),
        (Some("failed"), Some((4, ..))) => Some(Fate::GivenUp),
        // Bad mailbox or system, moved, no mail accepted there, or switched off; 1.7 and 1.8 are about the sender.
        (Some("failed") | None, Some((5, 1, 0..=6 | 9 | 10) | (5, 2, 1))) => Some(Fate::NoSuchMailbox),
        (Some("failed"), _) | (None, Some((5, ..))) => Some(Fate::Refused),
        _ => None,
    }
}

/// RFC 3463: class, subject, detail.
fn status(text: &str) -> Option<(u16, u16, u16)> {
    let mut numbers = text.split('.').map(str::parse::<u16>);
    match (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()) {
        (Ok(class), Ok(subject), Ok(detail), None) => Some((class, subject, detail)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Secret;
    use super::*;

    const ID: &str = "dlv_0192f7b2c3d47e5f8a9b0c1d2e3f4a5b";

    fn path(secret: &str) -> ReturnPath {
        ReturnPath::new(&"bounces@mail.example.org".parse().unwrap(), &Secret::new(secret)).unwrap()
    }

    fn return_address() -> String {
        path("secret").of(ID).unwrap().to_string()
    }

    fn mail(headers: &str, report: &str) -> String {
        format!(
            "From: mailer-daemon@example.com\n{headers}Subject: Undelivered\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
             --b\n\nSorry. Status: 5.1.1\n\n--b\nContent-Type: message/delivery-status\n\n{report}\n\
             --b\nContent-Type: message/rfc822\n\nTo: parent@example.com\nMessage-ID: <{ID}@example.org>\n\n\
             Amy is not in school.\n--b--\n"
        )
        .replace('\n', "\r\n")
    }

    fn about(report: &str) -> Result<Fate, NotABounce> {
        let headers = format!("To: <{}>\n", return_address());
        read(mail(&headers, report).as_bytes(), &path("secret")).map(|bounce| {
            assert_eq!(bounce.delivery, ID);
            bounce.fate
        })
    }

    const PER_MESSAGE: &str =
        "Reporting-MTA: dns; mx.example.com\nArrival-Date: Mon, 23 Nov 2026 09:30:00 +0000\n\n";

    #[test]
    fn each_report_has_its_fate() {
        let recipient = "Final-Recipient: rfc822; parent@example.com\n";
        let table = [
            ("Action: failed\nStatus: 5.1.1\n", Ok(Fate::NoSuchMailbox)),
            ("Action: Failed (for good)\nStatus: 5.1.10 (null mx)\n", Ok(Fate::NoSuchMailbox)),
            ("action:failed\nstatus:5.2.1\n", Ok(Fate::NoSuchMailbox)),
            ("Action: failed\nStatus: 5.2.2\n", Ok(Fate::Refused)),
            ("Action: failed\nStatus: 5.7.1\n", Ok(Fate::Refused)),
            ("Action: failed\nStatus: 5.1.8\n", Ok(Fate::Refused)),
            ("Action: failed\nStatus: 5.0.0\n", Ok(Fate::Refused)),
            ("Action: failed\n", Ok(Fate::Refused)),
            ("Action: failed\nStatus: soon\n", Ok(Fate::Refused)),
            ("Action: failed\nStatus: 4.4.7\n", Ok(Fate::GivenUp)),
            ("Action: delayed\nStatus: 4.4.1\nWill-Retry-Until: tomorrow\n", Ok(Fate::Delayed)),
            ("Action: delayed\nStatus: 5.1.1\n", Ok(Fate::Delayed)),
            ("Status: 5.1.1\n", Ok(Fate::NoSuchMailbox)),
            ("Status: 5.4.4\n", Ok(Fate::Refused)),
            ("Status: 4.2.2\n", Ok(Fate::Delayed)),
            ("Action: delivered\nStatus: 2.1.5\n", Err(NotABounce::NothingWrong)),
            ("Action: relayed\nStatus: 2.0.0\n", Err(NotABounce::NothingWrong)),
            ("Action: expanded\n", Err(NotABounce::NothingWrong)),
            ("Diagnostic-Code: smtp; Status: 5.1.1\n", Err(NotABounce::NothingWrong)),
            ("", Err(NotABounce::NothingWrong)),
        ];
        for (said, expected) in table {
            assert_eq!(about(&format!("{PER_MESSAGE}{recipient}{said}\n")), expected, "{said}");
        }
        let two = format!(
            "{PER_MESSAGE}{recipient}Action: delayed\nStatus: 4.0.0\n\n{recipient}Action: failed\nStatus: 5.1.1\n\n"
        );
        assert_eq!(about(&two), Ok(Fate::NoSuchMailbox), "the worst counts");
    }

    const FAILED: &str = "Reporting-MTA: dns; x\n\nAction: failed\nStatus: 5.1.1\n\n";

    #[test]
    fn whom_it_came_back_to_is_read_wherever_a_server_writes_it() {
        let address = return_address();
        for headers in [
            format!("To: {address}\n"),
            format!("To: \"somebody\" <office@example.org>,\n <{address}>\n"),
            format!("X-Original-To: {}\nTo: undisclosed-recipients:;\n", address.to_uppercase()),
            format!("To: office@example.org\nDelivered-To: {address}\n"),
        ] {
            let bounce = read(mail(&headers, FAILED).as_bytes(), &path("secret"));
            assert_eq!(
                bounce,
                Ok(Bounce { delivery: ID.to_owned(), fate: Fate::NoSuchMailbox }),
                "{headers}"
            );
        }
    }

    #[test]
    fn what_is_none_of_ours_is_told_apart_without_being_quoted() {
        let to_us = format!("To: {}\n", return_address());
        let read = |mail: String| super::read(mail.as_bytes(), &path("secret")).unwrap_err();
        assert_eq!(read(String::new()), NotABounce::Unreadable);
        let away =
            format!("{to_us}Auto-Submitted: auto-replied\nSubject: Away\n\nBack on Monday. Status: 5.1.1\n");
        assert_eq!(read(away.clone()), NotABounce::NoReport);
        assert_eq!(read(format!("{away}\n<script>alert(1)</script>\n")), NotABounce::NoReport);
        let complaint = mail(&to_us, FAILED).replace("delivery-status", "feedback-report");
        assert_eq!(read(complaint), NotABounce::NoReport);
        assert_eq!(read(mail("To: bounces@mail.example.org\n", FAILED)), NotABounce::Elsewhere);
        assert_eq!(
            read(mail("", FAILED)),
            NotABounce::Elsewhere,
            "the Message-ID that it quotes proves nothing"
        );
        let forged = path("another").of(ID).unwrap();
        assert_eq!(read(mail(&format!("To: {forged}\n"), FAILED)), NotABounce::Forged);
        let many = format!("To: {}{}\n", "a@example.org, ".repeat(10_000), return_address());
        assert_eq!(read(mail(&many, FAILED)), NotABounce::Elsewhere);
        for why in [NotABounce::Unreadable, NotABounce::NoReport, NotABounce::Elsewhere, NotABounce::Forged] {
            assert!(
                !why.to_string().contains('@')
                    && why.code().chars().all(|c| c.is_ascii_lowercase() || c == '_')
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused_and_nothing_stops(mail in prop::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert!(read(&mail, &path("secret")).is_err());
        }

        #[test]
        fn a_report_that_was_damaged_on_its_way_stops_nothing(at in 0..900_usize, with in any::<u8>(), cut in 0..900_usize) {
            let mut mail = mail(&format!("To: {}\n", return_address()), FAILED).into_bytes();
            if let Some(byte) = mail.get_mut(at) {
                *byte = with;
            }
            mail.truncate(cut.max(at));
            if let Ok(bounce) = read(&mail, &path("secret")) {
                prop_assert_eq!(bounce.delivery, ID);
            }
        }
    }
}
