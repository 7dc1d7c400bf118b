//! Writes an e-mail and signs it: one plain-text message to one recipient, in ASCII on the wire whatever its language.
//!
//! The key becomes the Message-ID, so that a message that has to be repeated is the same message to whoever receives it twice.

use std::path::PathBuf;
use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::Mailbox;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::{Address, Message};
use serde::Deserialize;

use super::{Outcome, Outgoing, RejectKind, Secret, why};

/// DKIM: lets the recipient's server see that the message is from the school's domain and unchanged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The name of the key in the domain's DNS.
    pub selector: String,
    /// The domain that signs.
    pub domain: String,
    /// RSA: PKCS#1 PEM. Ed25519: the 32 bytes of the key in base64.
    pub private_key: Option<Secret>,
    /// The file that holds it instead.
    pub private_key_file: Option<PathBuf>,
    /// Which of the two.
    #[serde(default)]
    pub algorithm: Algorithm,
}

/// The kind of a DKIM key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Understood everywhere.
    #[default]
    Rsa,
    /// RFC 8463; not every receiver checks it yet.
    Ed25519,
}

/// What is the same in every message.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    pub(super) message_id_domain: String,
    pub(super) dkim: Option<DkimConfig>,
}

/// A message as it goes over the wire.
pub(super) struct Written {
    pub(super) recipient: Address,
    pub(super) message_id: String,
    pub(super) bytes: Vec<u8>,
}

const AUTO_SUBMITTED: &str = "Auto-Submitted";

impl Writer {
    /// Writes and signs; the error is the outcome that the message deserves.
    pub(super) fn write(&self, outgoing: &Outgoing, now: Timestamp) -> Result<Written, Outcome> {
        let refuse = |kind, why| Outcome::reject(kind, why);
        let recipient =
            recipient(&outgoing.to).ok_or(refuse(RejectKind::Recipient, why::ADDRESS_UNUSABLE))?;
        let Some(subject) = &outgoing.subject else {
            return Err(refuse(RejectKind::Message, why::SUBJECT_MISSING));
        };
        if !is_key(&outgoing.key) {
            return Err(refuse(RejectKind::Message, why::KEY_UNUSABLE));
        }
        let message_id = format!("<{}@{}>", outgoing.key, self.message_id_domain);
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, recipient.clone()))
            .date(SystemTime::from(now))
            .message_id(Some(message_id.clone()))
            .subject(one_line(subject))
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str(AUTO_SUBMITTED),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        // Not as a part: lettre would list its Content-Type as signed and leave it out of what it signs.
        let message =
            message.header(MIME_VERSION_1_0).header(ContentType::TEXT_PLAIN).body(outgoing.body.clone());
        let mut message = message.map_err(|_| refuse(RejectKind::Message, why::MESSAGE_REFUSED))?;
        if let Some(dkim) = &self.dkim {
            message.sign(dkim);
        }
        Ok(Written { recipient, message_id, bytes: message.formatted() })
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

/// Reads the key; `None` where it is not one. Signs all that a reader relies on, and the Message-ID that receivers dedupe by.
pub(super) fn signer(dkim: &Dkim, private_key: &Secret, reply_to: Option<&Mailbox>) -> Option<DkimConfig> {
    let algorithm = match dkim.algorithm {
        Algorithm::Rsa => DkimSigningAlgorithm::Rsa,
        Algorithm::Ed25519 => DkimSigningAlgorithm::Ed25519,
    };
    let key = DkimSigningKey::new(private_key.reveal().trim(), algorithm).ok()?;
    let mut headers =
        vec!["From", "To", "Subject", "Date", "Message-ID", AUTO_SUBMITTED, "MIME-Version", "Content-Type"];
    if reply_to.is_some() {
        headers.push("Reply-To");
    }
    Some(DkimConfig::new(
        dkim.selector.clone(),
        dkim.domain.clone(),
        key,
        headers.into_iter().map(HeaderName::new_from_ascii_str).collect(),
        DkimCanonicalization {
            header: DkimCanonicalizationType::Relaxed,
            body: DkimCanonicalizationType::Relaxed,
        },
    ))
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    fn writer(dkim: Option<&Dkim>) -> Writer {
        let reply_to: Mailbox = "office@example.org".parse().unwrap();
        Writer {
            from: "Ysgol Tŷ Gwyn <school@example.org>".parse().unwrap(),
            dkim: dkim.map(|dkim| signer(dkim, &Secret::new(PRIVATE), Some(&reply_to)).unwrap()),
            reply_to: Some(reply_to),
            message_id_domain: "mail.example.org".to_owned(),
        }
    }

    fn outgoing() -> Outgoing {
        Outgoing {
            key: "dlv_0192".to_owned(),
            to: "parent@example.com".to_owned(),
            subject: Some("Absence: Siân".to_owned()),
            body: "Siân is not in school.\n.\nPlease ring – 01632 960001\n".to_owned(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-23T09:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_message_carries_its_headers_and_is_ascii() {
        let written = writer(None).write(&outgoing(), now()).unwrap_or_else(|outcome| panic!("{outcome:?}"));
        let text = String::from_utf8(written.bytes).unwrap();
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
    }

    #[test]
    fn a_subject_cannot_begin_a_header() {
        let subject = Some("Hello\r\nBcc: stranger@example.com".to_owned());
        let written = writer(None).write(&Outgoing { subject, ..outgoing() }, now());
        let text = String::from_utf8(written.unwrap_or_else(|outcome| panic!("{outcome:?}")).bytes).unwrap();
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
            match writer(None).write(&outgoing, now()) {
                Err(Outcome::Reject { why, kind }) => assert_eq!((why.code(), kind), (code, expected)),
                Err(other) => panic!("{other:?}"),
                Ok(_) => panic!("written: {code}"),
            }
        }
    }

    const PRIVATE: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
    const PUBLIC: &str = "L4xhKdgWz1HDdLx_CMPmPtFWz3iu-0plUNl7h5l5d-4";

    /// A receiver's check of the signed headers, written from RFC 6376 with relaxed canonicalization.
    fn receiver_accepts(mail: &str) -> bool {
        let (headers, _) = mail.split_once("\r\n\r\n").unwrap();
        let headers = headers.replace("\r\n ", " ");
        let headers: Vec<(String, &str)> = headers
            .split("\r\n")
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim()))
            .collect();
        let value_of = |name: &str| headers.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
        let signature = value_of("dkim-signature").unwrap();
        let tag = |tag: &str| signature.split("; ").find_map(|part| part.strip_prefix(tag)).unwrap();
        let mut signed: String = tag("h=")
            .split(':')
            .filter_map(|name| value_of(name).map(|value| [name, ":", value, "\r\n"].concat()))
            .collect();
        signed += "dkim-signature:";
        signed += signature.strip_suffix(tag("b=")).unwrap().trim_end();
        let digest = sha2::Sha256::digest(signed.as_bytes());
        let signature = tag("b=").replace('+', "-").replace('/', "_").replace('=', "");
        let key = jsonwebtoken::DecodingKey::from_ed_components(PUBLIC).unwrap();
        jsonwebtoken::crypto::verify(&signature, &digest, &key, jsonwebtoken::Algorithm::EdDSA).unwrap()
    }

    #[test]
    fn a_signature_holds_at_the_receiver_and_covers_what_a_reader_relies_on() {
        let dkim = Dkim {
            selector: "s1".to_owned(),
            domain: "example.org".to_owned(),
            private_key: None,
            private_key_file: None,
            algorithm: Algorithm::Ed25519,
        };
        let written =
            writer(Some(&dkim)).write(&outgoing(), now()).unwrap_or_else(|outcome| panic!("{outcome:?}"));
        let mail = String::from_utf8(written.bytes).unwrap();
        assert!(receiver_accepts(&mail), "{mail}");
        for (right, wrong) in [
            ("Message-ID: <dlv_0192@", "Message-ID: <dlv_0193@"),
            ("text/plain", "text/html"),
            ("Reply-To: office", "Reply-To: stranger"),
            ("auto-generated", "no"),
            ("To: parent@", "To: somebody@"),
        ] {
            assert!(mail.contains(right), "{right}");
            assert!(!receiver_accepts(&mail.replace(right, wrong)), "{wrong}");
        }
        assert!(signer(&dkim, &Secret::new("nonsense"), None).is_none());
    }
}
