//! What is kept: the announcements that were sent, and the words that took the place of theirs.
//!
//! [`write()`] puts one into a commit with its fact and [`correct`] a correction; [`one`] and [`newest`] read
//! them in their newest words. Nothing here decides, and nothing is ever deleted.

mod convert;
mod rows;

use std::collections::BTreeMap;

use kit::Tenant;
use kit::clock::micros;
use kit::page::Page;
use kit::store::{Commit, Error, Migration, Store};
use proto::events::{About, Event};
use proto::ids::{AnnouncementId, EventId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::Announcement;
use convert::{read, row};
use rows::{announcements, corrections};

/// The tables, step by step.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "messaging_0001", sql: include_str!("schema.sql") },
    Migration { name: "messaging_0002", sql: include_str!("corrections.sql") },
];

/// Writes an announcement, and says that it was sent.
pub fn write(commit: Commit, school: Tenant, announcement: &Announcement) -> Result<Commit, Error> {
    let about = about(school, announcement, announcement.sent_at);
    let event = Event::new(EventId::generate(), about, announcement.fact());
    let row = row(school, announcement)?.into_active_model();
    commit
        .work(move |tx| {
            let row = row.clone();
            Box::pin(async move {
                row.insert(tx).await?;
                Ok(())
            })
        })
        .fact(&event)
}

/// Writes the words of an announcement that was corrected, and says so. A conflict when somebody else has
/// written this version.
pub fn correct(
    store: &Store,
    commit: Commit,
    school: Tenant,
    announcement: &Announcement,
) -> Result<Commit, Error> {
    let corrected = announcement.corrected.as_ref().ok_or(Error::Corrupt { what: "correction" })?;
    let event =
        Event::new(EventId::generate(), about(school, announcement, corrected.at), announcement.correction());
    let sql = "INSERT INTO corrections (school, announcement_id, version, subject, body, text, corrected_at, \
               corrected_by, tell_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let email = announcement.words.email.as_ref();
    let values = [
        school.to_string().into(),
        announcement.id.to_string().into(),
        convert::stored_version(announcement.version).into(),
        email.map(|letter| letter.subject.clone()).into(),
        email.map(|letter| letter.body.clone()).into(),
        announcement.words.text.clone().into(),
        micros(corrected.at).into(),
        corrected.by.clone().into(),
        micros(announcement.tell_until).into(),
    ];
    commit.guarded(store.statement(sql, values)).fact(&event)
}

fn about(school: Tenant, announcement: &Announcement, time: jiff::Timestamp) -> About {
    About { school, subject: announcement.id.to_string(), version: announcement.version, time }
}

/// An announcement of a school in its newest words; none when the school has no such one.
pub async fn one(store: &Store, school: Tenant, id: AnnouncementId) -> Result<Option<Announcement>, Error> {
    let key = (school.to_string(), id.to_string());
    let found = announcements::Entity::find_by_id(key).one(store.read()).await?;
    let found = as_they_stand(store, school, found.into_iter().collect()).await?;
    Ok(found.into_iter().next())
}

/// The announcements of a school in their newest words, newest first, one more than the page holds.
pub async fn newest(store: &Store, school: Tenant, page: &Page) -> Result<Vec<Announcement>, Error> {
    let mut wanted = announcements::Entity::find()
        .filter(announcements::Column::School.eq(school.to_string()))
        // An id begins with the time at which it was drawn.
        .order_by_desc(announcements::Column::Id)
        .limit(page.size + 1);
    if let Some(after) = &page.after {
        wanted = wanted.filter(announcements::Column::Id.lt(after.as_str()));
    }
    as_they_stand(store, school, wanted.all(store.read()).await?).await
}

async fn as_they_stand(
    store: &Store,
    school: Tenant,
    sent: Vec<announcements::Model>,
) -> Result<Vec<Announcement>, Error> {
    let corrections = corrections::Entity::find()
        .filter(corrections::Column::School.eq(school.to_string()))
        .filter(corrections::Column::AnnouncementId.is_in(sent.iter().map(|row| row.id.as_str())))
        .order_by_asc(corrections::Column::Version)
        .all(store.read())
        .await?;
    let mut newest: BTreeMap<String, corrections::Model> =
        corrections.into_iter().map(|row| (row.announcement_id.clone(), row)).collect();
    sent.into_iter()
        .map(|row| {
            let correction = newest.remove(&row.id);
            read(row, correction)
        })
        .collect()
}
