//! Sessions: begun, found by what the browser has, touched by a click, ended.

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::identity::Caller;
use kit::store::{Commit, Error, Kind, Store, Together};
use proto::ids::SchoolId;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder,
};

use super::rows::sessions;
use super::{read, roles_of, roles_text};
use crate::domain::session::Session;

/// Writes a new one.
pub fn begin(commit: Commit, session: &Session) -> Commit {
    let row = sessions::Model {
        id: session.id.clone(),
        subject: session.caller.subject.clone(),
        school: session.caller.tenant.to_string(),
        roles: roles_text(&session.caller.roles),
        name: session.name.clone(),
        mark: session.mark.clone(),
        device: session.device.clone(),
        began_at: micros(session.began_at),
        seen_at: micros(session.seen_at),
    };
    commit.work(move |tx| {
        let row = row.clone().into_active_model();
        Box::pin(async move {
            row.insert(tx).await?;
            Ok(())
        })
    })
}

/// Writes one in the place of another, which ends; a conflict when that has ended already.
pub fn replace(commit: Commit, store: &Store, before: &Session, session: &Session) -> Commit {
    let end = "DELETE FROM sessions WHERE id = $1";
    begin(commit.guarded(store.statement(end, [before.id.as_str().into()])), session)
}

/// A session as it is found.
#[derive(Clone)]
pub struct Found {
    /// The session.
    pub session: Session,
    /// The person may do something in other schools too.
    pub has_others: bool,
}

/// Asked for every page.
static SESSION: Together = Together::new(
    "SELECT j.place, sessions.*, (SELECT COUNT(*) FROM grants WHERE grants.person_id = sessions.subject \
     AND grants.school <> sessions.school AND grants.roles <> '[]') AS others \
     FROM {{rows}} CROSS JOIN sessions WHERE sessions.id = j.id",
    &[("id", Kind::Text)],
);

/// The session of this id, whether or not it still stands.
pub async fn find(store: &Store, id: &str) -> Result<Option<Found>, Error> {
    let read = || async {
        let found = store.ask(&SESSION, [id.into()]).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let others: i64 = row.try_get("", "others")?;
        let session = session_of(sessions::Model::from_query_result(row, "")?)?;
        Ok(Some(Found { session, has_others: others > 0 }))
    };
    let found = store.kept(("session", id.as_bytes().to_vec()), read).await;
    found.map(|found| found.answer.clone())
}

/// All of somebody's in a school, the last click first.
pub async fn of_person(store: &Store, caller: &Caller) -> Result<Vec<Session>, Error> {
    let rows = sessions::Entity::find()
        .filter(sessions::Column::School.eq(caller.tenant.to_string()))
        .filter(sessions::Column::Subject.eq(caller.subject.as_str()))
        .order_by_desc(sessions::Column::SeenAt)
        .all(store.read())
        .await?;
    rows.into_iter().map(session_of).collect()
}

/// Somebody has clicked.
pub async fn touch(store: &Store, id: &str, now: Timestamp) -> Result<(), Error> {
    let touch = "UPDATE sessions SET seen_at = $1 WHERE id = $2";
    let values = [micros(now).into(), id.into()];
    store.commit(Commit::new().execute(store.statement(touch, values))).await.map(drop)
}

/// Ends one of somebody's.
pub async fn end(store: &Store, caller: &Caller, id: &str) -> Result<(), Error> {
    let end = "DELETE FROM sessions WHERE id = $1 AND school = $2 AND subject = $3";
    let values = [id.into(), caller.tenant.to_string().into(), caller.subject.as_str().into()];
    store.commit(Commit::new().execute(store.statement(end, values))).await.map(drop)
}

/// Ends all of somebody's in a school: what that person may do there has changed.
pub fn end_all(commit: Commit, store: &Store, (school, subject): (SchoolId, &str)) -> Commit {
    let end = "DELETE FROM sessions WHERE school = $1 AND subject = $2";
    commit.execute(store.statement(end, [school.to_string().into(), subject.into()]))
}

/// Removes those that began before this and stand no longer, whoever clicks.
pub async fn forget(store: &Store, before: Timestamp) -> Result<(), Error> {
    let forget = "DELETE FROM sessions WHERE began_at < $1";
    store.commit(Commit::new().execute(store.statement(forget, [micros(before).into()]))).await.map(drop)
}

fn session_of(row: sessions::Model) -> Result<Session, Error> {
    let tenant = read("school of a session", row.school.parse().ok())?;
    Ok(Session {
        caller: Caller { subject: row.subject, tenant, roles: roles_of(&row.roles)? },
        id: row.id,
        name: row.name,
        mark: row.mark,
        device: row.device,
        began_at: from_micros(row.began_at),
        seen_at: from_micros(row.seen_at),
    })
}
