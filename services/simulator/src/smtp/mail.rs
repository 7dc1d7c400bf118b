//! What the witness keeps of a mail: sender, subject, words and Message-ID.
//!
//! Pure. A mail that cannot be parsed is taken all the same, as real servers do; its words are then its bytes.

use mail_parser::{Addr, MessageParser};

/// The parts of a mail that people see, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mail {
    pub(super) from: Option<String>,
    pub(super) subject: Option<String>,
    /// Its plain text; of an HTML mail the text in it.
    pub(super) body: String,
    /// Without angle brackets.
    pub(super) message_id: Option<String>,
}

impl Mail {
    pub(super) fn read(raw: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse(raw) else {
            return Self { body: String::from_utf8_lossy(raw).into_owned(), ..Self::default() };
        };
        let body = message.body_text(0).unwrap_or_default().replace("\r\n", "\n");
        Self {
            from: message.from().and_then(|from| from.first()).and_then(written),
            subject: message.subject().map(str::to_owned),
            body: body.trim_end().to_owned(),
            message_id: message.message_id().map(str::to_owned),
        }
    }
}

fn written(address: &Addr<'_>) -> Option<String> {
    let mailbox = address.address()?;
    Some(match address.name() {
        Some(name) => format!("{name} <{mailbox}>"),
        None => mailbox.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_and_bodies_are_read() {
        let raw = "From: =?utf-8?Q?Elm_School?= <office@elm.example.org>\r\nSubject: =?utf-8?B?xbTDqWxpbg==?=\r\n\
                   Message-ID: <dlv_1@elm.example.org>\r\nMIME-Version: 1.0\r\n\
                   Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
                   Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                   Caf=C3=A9=\r\n s\r\nline two\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--b--\r\n";
        let mail = Mail::read(raw.as_bytes());
        assert_eq!(mail.from.as_deref(), Some("Elm School <office@elm.example.org>"));
        assert_eq!(mail.subject.as_deref(), Some("Ŵélin"));
        assert_eq!(mail.body, "Café s\nline two");
        assert_eq!(mail.message_id.as_deref(), Some("dlv_1@elm.example.org"));
    }

    #[test]
    fn a_mail_without_headers_is_still_a_mail() {
        assert_eq!(Mail::read(b"").message_id, None);
        assert_eq!(Mail::read(b"\r\nhello\r\n").body, "hello");
    }
}
