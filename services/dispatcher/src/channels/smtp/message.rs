//! Writes an e-mail: one plain-text message to one recipient, in ASCII on the wire whatever its language, signed and ready to be sent.
//!
//! The key becomes the Message-ID, so that a message that has to be repeated is the same message to whoever receives it twice, and
//! the return address, so that what comes back says by itself which message it is about.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::{Address, Message};

use super::dkim::Signer;
use super::return_path::ReturnPath;
use crate::channels::{Outcome, Outgoing, Purpose, RejectKind, why};

/// What is the same in every message.
pub(in crate::channels) struct Writer {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    pub(super) message_id_domain: String,
    pub(super) returns: Returns,
    /// The URI in the `List-Unsubscribe` of bulk messages.
    pub(super) unsubscribe: Option<String>,
    pub(super) signer: Option<Signer>,
}

/// Where bounces go.
pub(super) enum Returns {
    /// To one mailbox, which somebody reads.
    To(Address),
    /// To an address for each message, which we read.
    Each(ReturnPath),
}

/// A message as it goes over the wire.
pub(in crate::channels) struct Written {
    pub(super) return_path: Address,
    pub(super) recipient: Address,
    pub(super) message_id: String,
    /// All that follows DATA, dots doubled, with the final one.
    pub(super) content: Vec<u8>,
}

/// Asks the relay to take the content.
pub(super) const DATA: &str = "DATA\r\n";
/// What ends a message; before it the relay has nothing.
pub(super) const FINAL_DOT: &[u8] = b".\r\n";

impl Written {
    pub(super) fn mail_from(&self) -> String {
        format!("MAIL FROM:<{}>\r\n", self.return_path)
    }

    pub(super) fn rcpt_to(&self) -> String {
        format!("RCPT TO:<{}>\r\n", self.recipient)
    }

    /// All that is said before the content.
    pub(super) fn envelope(&self) -> String {
        [&self.mail_from(), &self.rcpt_to(), DATA].concat()
    }
}

impl Writer {
    /// Writes and signs; the error is the outcome that the message deserves.
    pub(in crate::channels) fn write(&self, outgoing: &Outgoing, now: Timestamp) -> Result<Written, Outcome> {
        let refuse = |kind, why| Outcome::reject(kind, why);
        let recipient =
            recipient(&outgoing.to).ok_or(refuse(RejectKind::Recipient, why::ADDRESS_UNUSABLE))?;
        let Some(subject) = &outgoing.subject else {
            return Err(refuse(RejectKind::Message, why::SUBJECT_MISSING));
        };
        if !is_key(&outgoing.key) {
            return Err(refuse(RejectKind::Message, why::KEY_UNUSABLE));
        }
        let return_path = match &self.returns {
            Returns::To(mailbox) => Some(mailbox.clone()),
            Returns::Each(path) => path.of(&outgoing.key),
        };
        let return_path = return_path.ok_or(refuse(RejectKind::Message, why::KEY_UNUSABLE))?;
        let message_id = format!("<{}@{}>", outgoing.key, self.message_id_domain);
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, recipient.clone()))
            .date(SystemTime::from(now))
            .message_id(Some(message_id.clone()))
            .subject(one_line(subject))
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        if let (Purpose::Bulk, Some(uri)) = (outgoing.purpose, &self.unsubscribe) {
            message = message.raw_header(header("List-Unsubscribe", format!("<{uri}>")));
        }
        let message =
            message.header(MIME_VERSION_1_0).header(ContentType::TEXT_PLAIN).body(outgoing.body.clone());
        let message = message.map_err(|_| refuse(RejectKind::Message, why::MESSAGE_REFUSED))?.formatted();
        let signature = match &self.signer {
            None => String::new(),
            Some(signer) => {
                let signature = signer.sign(&message, now);
                signature.ok_or(refuse(RejectKind::Configuration, why::SETTINGS))?
            }
        };
        Ok(Written { return_path, recipient, message_id, content: content(&signature, &message) })
    }
}

/// Reads a mailbox. Letters beyond ASCII would need an extension that few relays carry on.
fn recipient(to: &str) -> Option<Address> {
    to.parse().ok().filter(|_| to.is_ascii())
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}

/// A line break in a subject would begin a header of the writer's choice.
fn one_line(subject: &str) -> String {
    subject.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// RFC 5321 §4.5.2: a line that begins with a dot gets another one, because a dot alone is the end.
fn content(signature: &str, message: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(signature.len() + message.len() + 16);
    content.extend_from_slice(signature.as_bytes());
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            content.push(b'.');
        }
        content.extend_from_slice(line);
    }
    if !content.ends_with(b"\r\n") {
        content.extend_from_slice(b"\r\n");
    }
    content.extend_from_slice(FINAL_DOT);
    content
}

#[cfg(test)]
mod tests {
    use super::super::dkim::Dkim;
    use super::*;
    use crate::channels::Secret;

    fn writer() -> Writer {
        let bounces: Address = "bounces@mail.example.org".parse().unwrap();
        Writer {
            from: "Ysgol Tŷ Gwyn <school@example.org>".parse().unwrap(),
            reply_to: Some("office@example.org".parse().unwrap()),
            message_id_domain: "mail.example.org".to_owned(),
            returns: Returns::Each(ReturnPath::new(&bounces, &Secret::new("secret")).unwrap()),
            unsubscribe: Some("mailto:office@example.org?subject=no%20more%20letters".to_owned()),
            signer: None,
        }
    }

    fn written(writer: &Writer, outgoing: &Outgoing) -> (Written, String) {
        let written = writer.write(outgoing, now()).unwrap_or_else(|outcome| panic!("{outcome:?}"));
        let text = String::from_utf8(written.content.clone()).unwrap();
        (written, text)
    }

    fn outgoing() -> Outgoing {
        Outgoing {
            key: "dlv_0192".to_owned(),
            to: "parent@example.com".to_owned(),
            subject: Some("Absence: Siân".to_owned()),
            body: "Siân is not in school.\n.\nPlease ring – 01632 960001\n".to_owned(),
            purpose: Purpose::Needed,
            lane: crate::routes::Lane::Normal,
        }
    }

    fn now() -> Timestamp {
        "2026-11-23T09:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_message_carries_its_headers_and_is_ascii() {
        let (written, text) = written(&writer(), &outgoing());
        assert!(text.is_ascii());
        assert_eq!(written.message_id, "<dlv_0192@mail.example.org>");
        for header in [
            "To: parent@example.com\r\n",
            "Date: Mon, 23 Nov 2026 09:30:00 +0000\r\n",
            "Message-ID: <dlv_0192@mail.example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Reply-To: office@example.org\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
        ] {
            assert!(text.contains(header), "{header}{text}");
        }
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CRLF");
        assert!(text.ends_with("\r\n.\r\n") && !text.trim_end_matches("\r\n.\r\n").contains("\r\n.\r\n"));
    }

    #[test]
    fn what_comes_back_says_which_message_it_is_about() {
        let (first, _) = written(&writer(), &outgoing());
        let Returns::Each(path) = writer().returns else { panic!("one for all") };
        let read = path.read(first.return_path.as_ref());
        assert_eq!(read, super::super::return_path::Addressed::Delivery("dlv_0192".to_owned()));
        let (again, _) = written(&writer(), &outgoing());
        assert_eq!((first.return_path, first.message_id), (again.return_path, again.message_id));
        let bounces: Address = "postmaster@example.org".parse().unwrap();
        let plain = Writer { returns: Returns::To(bounces.clone()), ..writer() };
        assert_eq!(written(&plain, &outgoing()).0.return_path, bounces);
    }

    #[test]
    fn nobody_unsubscribes_from_what_they_must_know() {
        const HEADER: &str = "List-Unsubscribe: <mailto:office@example.org?subject=no%20more%20letters>\r\n";
        let bulk = Outgoing { purpose: Purpose::Bulk, ..outgoing() };
        assert!(written(&writer(), &bulk).1.contains(HEADER));
        assert!(!written(&writer(), &outgoing()).1.contains("List-"));
        let without = Writer { unsubscribe: None, ..writer() };
        assert!(!written(&without, &bulk).1.contains("List-"));
    }

    #[test]
    fn a_signature_stands_before_the_message_that_it_signs() {
        let dkim = Dkim {
            selector: "s1".to_owned(),
            domain: "example.org".to_owned(),
            private_key: None,
            private_key_file: None,
        };
        let key = Secret::new(include_str!("dkim/ed25519.pem"));
        let signing = Writer { signer: Signer::new(&dkim, &key), ..writer() };
        let bulk = Outgoing { purpose: Purpose::Bulk, ..outgoing() };
        let (_, signed) = written(&signing, &bulk);
        let (_, plain) = written(&writer(), &bulk);
        let signature = signed.strip_suffix(&plain).unwrap();
        assert!(signature.starts_with("DKIM-Signature: ") && signature.ends_with("\r\n"), "{signature}");
        assert!(
            signature
                .contains("h=from:from:to:subject:date:message-id:reply-to:auto-submitted:list-unsubscribe:")
        );
        assert!(signature.contains(&format!("t={};", now().as_second())));
    }

    #[test]
    fn a_dot_at_the_beginning_of_a_line_is_doubled_wherever_it_stands() {
        assert_eq!(content("", b".a\r\n..\r\nb.\r\n"), b"..a\r\n...\r\nb.\r\n.\r\n");
        assert_eq!(content("S: 1\r\n", b"a"), b"S: 1\r\na\r\n.\r\n");
    }

    #[test]
    fn a_subject_cannot_begin_a_header() {
        let subject = Some("Hello\r\nBcc: stranger@example.com".to_owned());
        let (_, text) = written(&writer(), &Outgoing { subject, ..outgoing() });
        assert!(!text.contains("\r\nBcc:"));
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let table = [
            (Outgoing { to: "nobody".to_owned(), ..outgoing() }, RejectKind::Recipient, "ADDRESS_UNUSABLE"),
            (
                Outgoing { to: "siân@example.com".to_owned(), ..outgoing() },
                RejectKind::Recipient,
                "ADDRESS_UNUSABLE",
            ),
            (
                Outgoing { to: "a@example.com\r\nRCPT".to_owned(), ..outgoing() },
                RejectKind::Recipient,
                "ADDRESS_UNUSABLE",
            ),
            (Outgoing { subject: None, ..outgoing() }, RejectKind::Message, "SUBJECT_MISSING"),
            (Outgoing { key: "a@b>".to_owned(), ..outgoing() }, RejectKind::Message, "KEY_UNUSABLE"),
        ];
        for (outgoing, expected, code) in table {
            match writer().write(&outgoing, now()) {
                Err(Outcome::Reject { why, kind }) => assert_eq!((why.code(), kind), (code, expected)),
                Err(other) => panic!("{other:?}"),
                Ok(_) => panic!("written: {code}"),
            }
        }
    }
}
