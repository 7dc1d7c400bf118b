//! What several RPCs read from the wire and write to it.

use kit::clock::to_proto;
use kit::fields::{Fields, Lines};
use proto::messaging::v1 as pb;

use crate::domain::words::{MOST_BODY, MOST_SUBJECT, MOST_TEXT};
use crate::domain::{Announcement, Rejection, Words};

/// The words of a request; none when some of them are faulty, which is noted then.
pub fn read_words(fields: &mut Fields, (subject, body, text): (&str, &str, &str)) -> Option<Words> {
    let subject = fields.words("subject", subject, 0..=MOST_SUBJECT, Lines::One);
    let body = fields.words("body", body, 0..=MOST_BODY, Lines::Many);
    let text = fields.words("text", text, 0..=MOST_TEXT, Lines::One);
    match Words::compose(subject?, body?, text?) {
        Ok(words) => Some(words),
        Err(rejection) => {
            if let Rejection::Faults(faults) = rejection {
                for fault in faults {
                    fields.add(fault);
                }
            }
            None
        }
    }
}

/// An announcement as it stands.
pub fn announcement(announcement: Announcement) -> pb::Announcement {
    let (subject, body) =
        announcement.words.email.map(|letter| (letter.subject, letter.body)).unwrap_or_default();
    let (corrected_at, corrected_by) =
        announcement.corrected.map(|corrected| (to_proto(corrected.at), corrected.by)).unzip();
    pb::Announcement {
        id: announcement.id.to_string(),
        audience: Some(announcement.scope.audience()),
        subject,
        body,
        text: announcement.words.text.unwrap_or_default(),
        sent_at: Some(to_proto(announcement.sent_at)),
        sent_by: announcement.sent_by,
        version: version(announcement.version),
        corrected_at,
        corrected_by: corrected_by.unwrap_or_default(),
    }
}

/// A version.
pub fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
