//! Announcements as rows, and back.

use kit::Tenant;
use kit::clock::{from_micros, micros};
use kit::store::Error;
use proto::events::messaging::Letter;

use super::rows::{announcements, corrections};
use crate::domain::{Announcement, Corrected, Words};

const CORRUPT: Error = Error::Corrupt { what: "announcement" };

/// A version as it stands in rows.
pub fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// An announcement as it was sent.
pub fn row(school: Tenant, announcement: &Announcement) -> Result<announcements::Model, Error> {
    let scope = serde_json::to_string(&announcement.scope)
        .map_err(|_| Error::Corrupt { what: "scope of an announcement" })?;
    let letter = announcement.words.email.clone();
    Ok(announcements::Model {
        school: school.to_string(),
        id: announcement.id.to_string(),
        scope,
        subject: letter.as_ref().map(|letter| letter.subject.clone()),
        body: letter.map(|letter| letter.body),
        text: announcement.words.text.clone(),
        sent_at: micros(announcement.sent_at),
        sent_by: announcement.sent_by.clone(),
        tell_until: micros(announcement.tell_until),
    })
}

/// An announcement with its newest correction, if it has any.
pub fn read(
    sent: announcements::Model,
    corrected: Option<corrections::Model>,
) -> Result<Announcement, Error> {
    let first = Announcement {
        id: sent.id.parse().map_err(|_| CORRUPT)?,
        scope: serde_json::from_str(&sent.scope).map_err(|_| CORRUPT)?,
        words: words(sent.subject, sent.body, sent.text)?,
        sent_at: from_micros(sent.sent_at),
        sent_by: sent.sent_by,
        tell_until: from_micros(sent.tell_until),
        version: 1,
        corrected: None,
    };
    let Some(row) = corrected else { return Ok(first) };
    Ok(Announcement {
        words: words(row.subject, row.body, row.text)?,
        tell_until: from_micros(row.tell_until),
        version: u64::try_from(row.version).map_err(|_| CORRUPT)?,
        corrected: Some(Corrected { at: from_micros(row.corrected_at), by: row.corrected_by }),
        ..first
    })
}

fn words(subject: Option<String>, body: Option<String>, text: Option<String>) -> Result<Words, Error> {
    let email = match (subject, body) {
        (Some(subject), Some(body)) => Some(Letter { subject, body }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(CORRUPT),
    };
    Ok(Words { email, text })
}
