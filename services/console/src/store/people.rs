//! People, by what they sign in, and what they may do in which school.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    Statement,
};

use super::rows::{accounts, grants, identities, people};
use super::{read, roles_of, roles_text, sessions};
use crate::openid::Identity;

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id, by which the services know the person.
    pub id: String,
    /// What the person is called.
    pub name: String,
}

/// By which somebody signs in here.
#[derive(Clone)]
pub struct Account {
    /// What the person types, in small letters.
    pub username: String,
    /// Argon2id, as a PHC string.
    pub password: String,
    /// Of the codes of an app, in base32.
    pub secret: String,
    /// The step of the last code that was used.
    pub last_step: i64,
}

/// By which somebody signs in.
#[derive(Clone)]
pub enum Key {
    /// A password and a code.
    Account(Account),
    /// An account elsewhere.
    Identity(Identity),
}

/// What somebody may do in a school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose.
    pub person_id: String,
    /// What that person is called.
    pub name: String,
    /// With which roles.
    pub roles: Vec<Role>,
}

/// Whether there is nobody yet.
pub async fn is_empty(store: &Store) -> Result<bool, Error> {
    Ok(people::Entity::find().count(store.read()).await? == 0)
}

/// Writes a new one; two who take one user name, or come with one identity, at once are refused as a conflict.
pub fn make(commit: Commit, person: &Person, key: Key, now: Timestamp) -> Commit {
    let row = people::Model { id: person.id.clone(), name: person.name.clone(), made_at: micros(now) };
    let commit = commit.work(move |tx| {
        let row = row.clone();
        Box::pin(async move {
            row.into_active_model().insert(tx).await?;
            Ok(())
        })
    });
    unlock(commit, &person.id, key)
}

/// Gives somebody another key instead of every one before: what was lost with a telephone opens nothing any more.
pub fn change_key(commit: Commit, store: &Store, person_id: &str, key: Key) -> Commit {
    let gone = |table: &str| {
        store.statement(&format!("DELETE FROM {table} WHERE person_id = $1"), [person_id.into()])
    };
    unlock(commit.execute(gone("accounts")).execute(gone("identities")), person_id, key)
}

fn unlock(commit: Commit, person_id: &str, key: Key) -> Commit {
    let person_id = person_id.to_owned();
    commit.work(move |tx| {
        let (person_id, key) = (person_id.clone(), key.clone());
        Box::pin(async move {
            match key {
                Key::Account(Account { username, password, secret, last_step }) => {
                    let row = accounts::Model { person_id, username, password, secret, last_step };
                    row.into_active_model().insert(tx).await?;
                }
                Key::Identity(Identity { issuer, subject }) => {
                    identities::Model { issuer, subject, person_id }.into_active_model().insert(tx).await?;
                }
            }
            Ok(())
        })
    })
}

/// Somebody by the id; nobody when it is of a link of the command line.
pub async fn by_id(store: &Store, id: &str) -> Result<Option<Person>, Error> {
    let row = people::Entity::find_by_id(id).one(store.read()).await?;
    Ok(row.map(|row| Person { id: row.id, name: row.name }))
}

/// Somebody who must be there.
pub async fn find(store: &Store, id: &str) -> Result<Person, Error> {
    read("person", by_id(store, id).await?)
}

/// The one who types this.
pub async fn by_username(store: &Store, username: &str) -> Result<Option<(Person, Account)>, Error> {
    let wanted = accounts::Entity::find().filter(accounts::Column::Username.eq(username));
    let Some(row) = wanted.one(store.read()).await? else { return Ok(None) };
    let person = find(store, &row.person_id).await?;
    let (password, secret, last_step) = (row.password, row.secret, row.last_step);
    Ok(Some((person, Account { username: row.username, password, secret, last_step })))
}

/// The one for whom an issuer has vouched.
pub async fn by_identity(store: &Store, known: &Identity) -> Result<Option<Person>, Error> {
    let key = (known.issuer.clone(), known.subject.clone());
    let Some(row) = identities::Entity::find_by_id(key).one(store.read()).await? else { return Ok(None) };
    find(store, &row.person_id).await.map(Some)
}

/// A code was used; a conflict when it, or a later one, has been used meanwhile.
pub fn use_step(commit: Commit, store: &Store, person: &Person, step: i64) -> Commit {
    let used = "UPDATE accounts SET last_step = $1 WHERE person_id = $2 AND last_step < $1";
    commit.guarded(store.statement(used, [step.into(), person.id.as_str().into()]))
}

/// The same code signs the same person in once more: a second click. A conflict when a later one has been used
/// meanwhile.
pub fn use_step_again(commit: Commit, store: &Store, person: &Person, step: i64) -> Commit {
    let used = "UPDATE accounts SET last_step = $1 WHERE person_id = $2 AND last_step <= $1";
    commit.guarded(store.statement(used, [step.into(), person.id.as_str().into()]))
}

/// Gives somebody these roles in a school instead of those before, and ends the sessions that have those.
pub fn grant(
    commit: Commit,
    store: &Store,
    (school, person_id): (SchoolId, &str),
    roles: &[Role],
    by: (&str, Timestamp),
) -> Commit {
    let commit = commit.execute(granted(store, (school, person_id), roles, by, ""));
    sessions::end_all(commit, store, (school, person_id))
}

/// Gives somebody roles in one more school; a conflict when that person has some there.
pub fn grant_more(
    commit: Commit,
    store: &Store,
    (school, person_id): (SchoolId, &str),
    roles: &[Role],
    by: (&str, Timestamp),
) -> Commit {
    // Roles that were taken away are a row without any.
    commit.guarded(granted(store, (school, person_id), roles, by, " WHERE grants.roles = '[]'"))
}

fn granted(
    store: &Store,
    (school, person_id): (SchoolId, &str),
    roles: &[Role],
    (by, now): (&str, Timestamp),
    instead_of: &str,
) -> Statement {
    let values = [
        person_id.into(),
        school.to_string().into(),
        roles_text(roles).into(),
        by.into(),
        micros(now).into(),
    ];
    let write = "INSERT INTO grants (person_id, school, roles, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (person_id, school) DO UPDATE SET roles = excluded.roles, \
                 granted_by = excluded.granted_by, granted_at = excluded.granted_at";
    store.statement(&format!("{write}{instead_of}"), values)
}

/// Somebody still has these roles; a conflict when they were changed or taken away meanwhile.
pub fn still(commit: Commit, store: &Store, (school, person_id): (SchoolId, &str), roles: &[Role]) -> Commit {
    let still = "UPDATE grants SET roles = $3 WHERE person_id = $1 AND school = $2 AND roles = $3";
    let values = [person_id.into(), school.to_string().into(), roles_text(roles).into()];
    commit.guarded(store.statement(still, values))
}

/// Somebody works in so many schools; a conflict when it is another number meanwhile.
pub fn works_in(commit: Commit, store: &Store, person_id: &str, schools: usize) -> Commit {
    let still = "UPDATE people SET name = name WHERE id = $1 \
                 AND (SELECT COUNT(*) FROM grants WHERE person_id = $1 AND roles <> '[]') = $2";
    let schools = i64::try_from(schools).unwrap_or(i64::MAX);
    commit.guarded(store.statement(still, [person_id.into(), schools.into()]))
}

/// The schools in which somebody may do something, with the roles there.
pub async fn schools_of(store: &Store, person_id: &str) -> Result<Vec<(SchoolId, Vec<Role>)>, Error> {
    let rows = grants::Entity::find()
        .filter(grants::Column::PersonId.eq(person_id))
        .order_by_asc(grants::Column::School)
        .all(store.read())
        .await?;
    let mut schools = Vec::new();
    for row in rows {
        let roles = roles_of(&row.roles)?;
        if !roles.is_empty() {
            schools.push((read("school of a grant", row.school.parse().ok())?, roles));
        }
    }
    Ok(schools)
}

/// Everybody who may do something in a school, by name.
pub async fn staff(store: &Store, school: SchoolId) -> Result<Vec<Grant>, Error> {
    let rows = grants::Entity::find()
        .filter(grants::Column::School.eq(school.to_string()))
        .all(store.read())
        .await?;
    let ids = rows.iter().map(|row| row.person_id.as_str());
    let people = people::Entity::find().filter(store.among("id", ids)).all(store.read()).await?;
    let mut staff = Vec::new();
    for row in rows {
        let person = people.iter().find(|person| person.id == row.person_id);
        let name = read("person of a grant", person)?.name.clone();
        staff.push(Grant { person_id: row.person_id, name, roles: roles_of(&row.roles)? });
    }
    staff.sort_by_key(|grant| grant.name.to_lowercase());
    Ok(staff)
}
