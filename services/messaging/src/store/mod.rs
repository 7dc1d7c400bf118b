//! What is kept: the announcements that were sent.
//!
//! [`write()`] puts one into a commit with its fact, [`newest`] lists them. Nothing here decides, and
//! nothing is ever deleted.

mod rows;

use kit::Tenant;
use kit::clock::{from_micros, micros};
use kit::page::Page;
use kit::store::{Commit, Error, Migration, Store};
use proto::events::messaging::Letter;
use proto::events::{About, Event};
use proto::ids::EventId;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::{Announcement, Words};
use rows::announcements;

/// The tables, step by step.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "messaging_0001", sql: include_str!("schema.sql") }];

/// An announcement is said once and never changed.
const VERSION: u64 = 1;

/// Writes an announcement, and says that it was sent.
pub fn write(commit: Commit, school: Tenant, announcement: &Announcement) -> Result<Commit, Error> {
    let about =
        About { school, subject: announcement.id.to_string(), version: VERSION, time: announcement.sent_at };
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

/// The announcements of a school, newest first, one more than the page holds.
pub async fn newest(store: &Store, school: Tenant, page: &Page) -> Result<Vec<Announcement>, Error> {
    let mut wanted = announcements::Entity::find()
        .filter(announcements::Column::School.eq(school.to_string()))
        // An id begins with the time at which it was drawn.
        .order_by_desc(announcements::Column::Id)
        .limit(page.size + 1);
    if let Some(after) = &page.after {
        wanted = wanted.filter(announcements::Column::Id.lt(after.as_str()));
    }
    wanted.all(store.read()).await?.into_iter().map(read).collect()
}

fn row(school: Tenant, announcement: &Announcement) -> Result<announcements::Model, Error> {
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

fn read(row: announcements::Model) -> Result<Announcement, Error> {
    let corrupt = || Error::Corrupt { what: "announcement" };
    let email = match (row.subject, row.body) {
        (Some(subject), Some(body)) => Some(Letter { subject, body }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(corrupt()),
    };
    Ok(Announcement {
        id: row.id.parse().map_err(|_| corrupt())?,
        scope: serde_json::from_str(&row.scope).map_err(|_| corrupt())?,
        words: Words { email, text: row.text },
        sent_at: from_micros(row.sent_at),
        sent_by: row.sent_by,
        tell_until: from_micros(row.tell_until),
    })
}
