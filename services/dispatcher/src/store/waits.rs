//! Messages that wait for the directory: the task that says so, and what a person has dealt with.
//!
//! A task is opened once for a pupil and a gathering. Pupils who come to a gathering that waits
//! get a task of their own, because whoever has the first one does not know of them. What a person
//! has dealt with is not sent any more when the directory is back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::ids::{PupilId, SchoolId};
use proto::options::v1::Role;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement};

use super::{among, parsed, rows};
use crate::domain::NoticeKind;

/// How long a message about a child waits for the directory before a person is asked.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// A gathering, or what is left of it, that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The school.
    pub school: SchoolId,
    /// The gathering.
    pub gathering: String,
    /// The pupils about whom somebody is still to be told.
    pub pupils: BTreeSet<PupilId>,
}

/// The task for the pupils who have none yet; nothing when all of them have one.
pub async fn ask_a_person(store: &Store, waiting: &Waiting, now: Timestamp) -> Result<(), Error> {
    let known = rows::waits::Entity::find()
        .filter(rows::waits::Column::GatheringId.eq(waiting.gathering.as_str()))
        .all(store.read())
        .await?;
    let known: BTreeSet<PupilId> =
        known.iter().map(|row| parsed(&row.pupil_id, "pupil of a wait")).collect::<Result<_, _>>()?;
    let fresh: Vec<PupilId> = waiting.pupils.difference(&known).copied().collect();
    let Some(first) = fresh.first() else { return Ok(()) };
    // Each wait has a task of its own: one that was completed earlier says nothing about this one.
    let key = format!("directory_away:{}:{first}:{}", waiting.gathering, micros(now));
    let mut commit = Commit::new();
    for pupil in &fresh {
        let sql =
            "INSERT INTO waits (gathering_id, pupil_id, school, task, since) VALUES ($1, $2, $3, $4, $5)";
        let values = [
            waiting.gathering.clone().into(),
            pupil.to_string().into(),
            waiting.school.to_string().into(),
            key.clone().into(),
            micros(now).into(),
        ];
        commit = commit.execute(store.statement(sql, values));
    }
    let due = (now, SignedDuration::from_mins(10));
    let task = NewTask::new(waiting.school, "directory_away", Role::AttendanceOfficer, due)
        .about(fresh.iter().map(ToString::to_string))
        .because("messages about these pupils wait, because the directory cannot be asked who may be told")
        .once(key);
    match store.commit(commit.task(task)).await {
        // A conflict means that another sweep was faster with one of them; the next one sees that.
        Ok(_) | Err(Error::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The task for a gathering whose scope nobody can name: once, because nothing that a person does
/// about it takes its place.
pub async fn ask_about_many(
    store: &Store,
    (school, gathering): (SchoolId, &str),
    now: Timestamp,
) -> Result<(), Error> {
    let task = about_many((school, gathering), "scope_unknown", now).because(
        "what the school says to many waits, because the directory cannot be asked whom it concerns; the website says it",
    );
    store.commit(Commit::new().task(task)).await.map(|_| ())
}

/// The task for what was to be told to many and could not be in its time.
#[must_use]
pub fn many_not_told(school: SchoolId, gathering: &str, now: Timestamp) -> NewTask {
    about_many((school, gathering), "many_not_told", now).because(
        "what the school had to say to many was over before anybody could be told: see that they know",
    )
}

/// The task for what was said to a scope in which there is nobody: whoever said it meant somebody.
#[must_use]
pub fn nobody_concerned(school: SchoolId, gathering: &str, now: Timestamp) -> NewTask {
    about_many((school, gathering), "nobody_concerned", now).because(
        "what the school had to say concerns classes, year groups or pupils of whom nobody is on roll, so nobody was told: \
         see whom it was meant for",
    )
}

/// The task for a closure that went, without the words about collection, to the addresses that were
/// known: nobody could be asked who may know where a child is.
#[must_use]
pub fn collection_not_told(closure: (SchoolId, &str), now: Timestamp) -> NewTask {
    about_many(closure, "collection_not_told", now).because(
        "families hear of this closure without when and where children are collected, because the directory cannot be \
         asked who may know it: see that those who collect a child know",
    )
}

fn about_many((school, gathering): (SchoolId, &str), kind: &'static str, now: Timestamp) -> NewTask {
    let due = (now, SignedDuration::from_mins(10));
    NewTask::new(school, kind, Role::Office, due)
        .about([gathering.to_owned()])
        .once(format!("{kind}:{gathering}"))
}

/// A gathering does not wait any more. A task that is completed after this stops nothing; one that
/// was completed before keeps its word.
#[must_use]
pub fn over(store: &Store, gathering: &str) -> Statement {
    store.statement(&format!("{OVER} AND waits.gathering_id = $1"), [gathering.into()])
}

/// The same for the gatherings of deliveries that have left. `$1` is a JSON array of their ids.
pub(super) fn over_for_deliveries(backend: DbBackend) -> String {
    let these = among(backend, "id");
    format!("{OVER} AND waits.gathering_id IN (SELECT gathering_id FROM deliveries WHERE {these})")
}

const OVER: &str = "DELETE FROM waits WHERE NOT EXISTS (SELECT 1 FROM tasks \
                    WHERE tasks.tenant = waits.school AND tasks.dedupe = waits.task AND tasks.state = 'done')";

/// The pupils with whom a person has dealt while their messages waited, by gathering.
pub async fn dealt_with<'a>(
    store: &Store,
    gatherings: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, BTreeSet<PupilId>>, Error> {
    let gatherings: BTreeSet<&str> = gatherings.into_iter().collect();
    let these = among(store.backend(), "w.gathering_id");
    let sql = format!(
        "SELECT w.gathering_id AS gathering_id, w.pupil_id AS pupil_id FROM waits w \
         JOIN tasks t ON t.tenant = w.school AND t.dedupe = w.task \
         WHERE {these} AND t.state = 'done'"
    );
    let json = serde_json::json!(gatherings).to_string();
    let mut done: BTreeMap<String, BTreeSet<PupilId>> = BTreeMap::new();
    for row in store.read().query_all_raw(store.statement(&sql, [json.into()])).await? {
        let pupil: String = row.try_get("", "pupil_id")?;
        done.entry(row.try_get("", "gathering_id")?).or_default().insert(parsed(&pupil, "pupil of a wait")?);
    }
    Ok(done)
}

/// What open deliveries about single children are about, by gathering.
pub async fn waiting(store: &Store) -> Result<Vec<Waiting>, Error> {
    let sql = "SELECT DISTINCT d.school AS school, d.gathering_id AS gathering_id, m.pupil_id AS pupil_id \
               FROM deliveries d JOIN members m ON m.delivery_id = d.id JOIN notices n ON n.id = m.notice_id \
               WHERE d.chunk_id IS NOT NULL AND m.why = '' AND n.state <> 'withdrawn' AND n.pupil_id IS NOT NULL";
    let mut waiting: BTreeMap<String, Waiting> = BTreeMap::new();
    for row in store.read().query_all_raw(store.statement(sql, [])).await? {
        let (school, pupil): (String, String) = (row.try_get("", "school")?, row.try_get("", "pupil_id")?);
        let school = parsed(&school, "school of a delivery")?;
        let gathering: String = row.try_get("", "gathering_id")?;
        waiting
            .entry(gathering.clone())
            .or_insert_with(|| Waiting { school, gathering, pupils: BTreeSet::new() })
            .pupils
            .insert(parsed(&pupil, "pupil of a member")?);
    }
    Ok(waiting.into_values().collect())
}

/// The gatherings that say that the school is closed or open and of which something is still open.
/// What holds them up when the directory is away is that the school's own words are not known.
pub async fn waiting_for_many(store: &Store) -> Result<Vec<(SchoolId, String)>, Error> {
    let closing = NoticeKind::ALL.into_iter().filter(|kind| kind.is_about_closing());
    let closing: Vec<String> = closing.map(|kind| format!("'{}'", kind.as_str())).collect();
    let sql = format!(
        "SELECT DISTINCT d.school AS school, d.gathering_id AS gathering_id FROM deliveries d \
         JOIN notices n ON n.gathering_id = d.gathering_id JOIN gatherings g ON g.id = d.gathering_id \
         WHERE NOT g.drill AND d.chunk_id IS NOT NULL AND d.kind IN ({}) AND n.state <> 'withdrawn'",
        closing.join(", ")
    );
    let rows = store.read().query_all_raw(store.statement(&sql, [])).await?;
    rows.iter()
        .map(|row| {
            let school: String = row.try_get("", "school")?;
            Ok((parsed(&school, "school of a delivery")?, row.try_get("", "gathering_id")?))
        })
        .collect()
}
