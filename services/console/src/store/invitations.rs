//! Links by which somebody makes an account, once.

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Commit, Error, Store};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use super::rows::invitations;
use super::{read, roles_of, roles_text};

/// Who is invited to do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The fingerprint of what stands in the link.
    pub id: String,
    /// Where.
    pub school: SchoolId,
    /// What the person is called; empty when the person says so.
    pub name: String,
    /// With which roles.
    pub roles: Vec<Role>,
    /// Who has invited.
    pub invited_by: String,
    /// Of the form that made it.
    pub request_id: String,
    /// Who gets another key; none when it makes somebody new.
    pub person_id: Option<String>,
    /// Until when it is good.
    pub ends_at: Timestamp,
}

/// Writes a new one, in the place of one that the same form has made.
pub fn make(commit: Commit, store: &Store, invitation: &Invitation) -> Commit {
    let before = "DELETE FROM invitations WHERE school = $1 AND request_id = $2 AND used_at IS NULL";
    let values = [invitation.school.to_string().into(), invitation.request_id.as_str().into()];
    let commit = commit.execute(store.statement(before, values));
    let row = invitations::Model {
        id: invitation.id.clone(),
        school: invitation.school.to_string(),
        name: invitation.name.clone(),
        roles: roles_text(&invitation.roles),
        invited_by: invitation.invited_by.clone(),
        request_id: invitation.request_id.clone(),
        person_id: invitation.person_id.clone(),
        ends_at: micros(invitation.ends_at),
        used_at: None,
    };
    commit.work(move |tx| {
        let row = row.clone().into_active_model();
        Box::pin(async move {
            row.insert(tx).await?;
            Ok(())
        })
    })
}

/// The one of this link, if it can still be used.
pub async fn find(store: &Store, id: &str, now: Timestamp) -> Result<Option<Invitation>, Error> {
    let row = invitations::Entity::find_by_id(id).one(store.read()).await?;
    let row = row.filter(|row| row.used_at.is_none() && from_micros(row.ends_at) > now);
    row.map(invitation).transpose()
}

fn invitation(row: invitations::Model) -> Result<Invitation, Error> {
    Ok(Invitation {
        school: read("school of an invitation", row.school.parse().ok())?,
        roles: roles_of(&row.roles)?,
        id: row.id,
        name: row.name,
        invited_by: row.invited_by,
        request_id: row.request_id,
        person_id: row.person_id,
        ends_at: from_micros(row.ends_at),
    })
}

/// Those of a school that can still be used and that somebody there has made, those that end first first.
pub async fn open(store: &Store, school: SchoolId, now: Timestamp) -> Result<Vec<Invitation>, Error> {
    let rows = invitations::Entity::find()
        .filter(invitations::Column::School.eq(school.to_string()))
        .filter(invitations::Column::UsedAt.is_null())
        .filter(invitations::Column::EndsAt.gt(micros(now)))
        .filter(invitations::Column::InvitedBy.ne(""))
        .order_by_asc(invitations::Column::EndsAt)
        .all(store.read())
        .await?;
    rows.into_iter().map(invitation).collect()
}

/// Takes one back; a conflict when it was used meanwhile, or is none of this school.
pub fn withdraw(commit: Commit, store: &Store, school: SchoolId, id: &str) -> Commit {
    let sql = "DELETE FROM invitations WHERE id = $1 AND school = $2 AND used_at IS NULL";
    commit.guarded(store.statement(sql, [id.into(), school.to_string().into()]))
}

/// Whether somebody has come by this one of a school.
pub async fn was_used(store: &Store, school: SchoolId, id: &str) -> Result<bool, Error> {
    let row = invitations::Entity::find_by_id(id).one(store.read()).await?;
    Ok(row.is_some_and(|row| row.school == school.to_string() && row.used_at.is_some()))
}

/// It was used; a conflict when somebody was faster.
pub fn use_up(commit: Commit, store: &Store, id: &str, now: Timestamp) -> Commit {
    // Of the links to the first account one is used, however many processes have said one.
    let used = "UPDATE invitations SET used_at = $1 WHERE id = $2 AND used_at IS NULL \
                AND (invited_by <> '' OR NOT EXISTS (SELECT 1 FROM people))";
    commit.guarded(store.statement(used, [micros(now).into(), id.into()]))
}

/// Ends those by which nobody came yet and which nobody invited: the first person's link is made again at
/// each start.
pub fn end_the_first(commit: Commit, store: &Store) -> Commit {
    commit.execute(store.statement("DELETE FROM invitations WHERE invited_by = '' AND used_at IS NULL", []))
}
