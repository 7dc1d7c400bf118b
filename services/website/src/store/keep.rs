//! What a fact writes. Each statement settles by itself which of two versions is the later one, so
//! that nothing need be read before and any order of facts ends in the same rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::events::Event;
use proto::events::dispatcher::{AlertKind, Outline, WebsiteAlert};
use proto::events::scheduling::CalendarChanged;
use proto::ids::SchoolId;
use sea_orm::Statement;

use super::{CLOSURE, REOPENING};
use crate::domain::{label, text};

/// Keeps an alert when it is news of its kind: a reopening does not take the place of its closure, which
/// is true until the school opens.
pub fn alert(store: &Store, event: &Event<WebsiteAlert>) -> Result<Commit, Error> {
    let alert = &event.data;
    let headline = match text::line(&alert.headline) {
        // Better one bare word at the top of the page than nothing about a closure.
        headline if headline.is_empty() => label(alert.kind).to_owned(),
        headline => headline,
    };
    let outline = alert.outline.as_ref().map(|outline| {
        let outline = Outline { gist: text::line(&outline.gist), ..outline.clone() };
        serde_json::to_string(&outline).map_err(|_| Error::Corrupt { what: "outline" })
    });
    let outline = outline.transpose()?;
    let sql = "INSERT INTO alerts \
               (school, subject, version, kind, headline, body, outline, published_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
               ON CONFLICT (school, subject, kind) DO UPDATE SET version = excluded.version, \
               headline = excluded.headline, body = excluded.body, outline = excluded.outline, \
               published_at = excluded.published_at, expires_at = excluded.expires_at \
               WHERE alerts.version < excluded.version";
    let values = [
        event.school.to_string().into(),
        text::line(&event.subject).into(),
        stored(event.version).into(),
        kind_text(alert.kind).into(),
        headline.into(),
        text::lines(&alert.body).into(),
        outline.into(),
        micros(event.time).into(),
        micros(alert.expires_at).into(),
    ];
    let commit = Commit::new().execute(store.statement(sql, values));
    Ok(commit.execute(heard(store, event.school, event.time)))
}

/// Keeps a calendar when it is news.
pub fn calendar(store: &Store, event: &Event<CalendarChanged>) -> Result<Commit, Error> {
    let mut days = event.data.clone();
    days.school_name = text::line(&days.school_name);
    for term in &mut days.terms {
        term.title = text::line(&term.title);
    }
    let days = serde_json::to_string(&days).map_err(|_| Error::Corrupt { what: "calendar" })?;
    let sql = "INSERT INTO calendars (school, version, changed_at, calendar) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (school) DO UPDATE SET version = excluded.version, \
               changed_at = excluded.changed_at, calendar = excluded.calendar \
               WHERE calendars.version < excluded.version";
    let values = [
        event.school.to_string().into(),
        stored(event.version).into(),
        micros(event.time).into(),
        days.into(),
    ];
    let commit = Commit::new().execute(store.statement(sql, values));
    Ok(commit.execute(heard(store, event.school, event.time)))
}

/// Keeps when each of those who are heard was last known to be.
pub fn touch(store: &Store, beats: &BTreeMap<&'static str, Timestamp>) -> Commit {
    let sql = "INSERT INTO touch (sayer, at) VALUES ($1, $2) \
               ON CONFLICT (sayer) DO UPDATE SET at = excluded.at";
    let keep = |(sayer, at): (&&str, &Timestamp)| store.statement(sql, [(*sayer).into(), micros(*at).into()]);
    beats.iter().map(keep).fold(Commit::new(), Commit::execute)
}

fn heard(store: &Store, school: SchoolId, said_at: Timestamp) -> Statement {
    let sql = "INSERT INTO schools (school, changed_at, heard_at) VALUES ($1, $2, $3) \
               ON CONFLICT (school) DO UPDATE SET \
               changed_at = CASE WHEN excluded.changed_at > schools.changed_at \
               THEN excluded.changed_at ELSE schools.changed_at END, \
               heard_at = CASE WHEN excluded.heard_at > schools.heard_at \
               THEN excluded.heard_at ELSE schools.heard_at END";
    let now = micros(store.clock().now());
    store.statement(sql, [school.to_string().into(), micros(said_at).into(), now.into()])
}

fn kind_text(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Closure => CLOSURE,
        AlertKind::Reopening => REOPENING,
    }
}

fn stored(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
