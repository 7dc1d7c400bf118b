//! The group commit: one actor takes a commit, drains what waits behind it and writes all of it
//! in one transaction, so that many callers share one fsync.
//!
//! A batch that fails is rolled back as a whole and tried again one by one, so that a commit is
//! never refused because of its neighbours; only when the database itself is away are all told so
//! at once. What a batch writes to the common tables goes in one statement per table.

use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, Select,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::commit::{Commit, Committed, task_row};
use super::{Error, begin, rows};
use crate::metrics::TASKS_OPENED;

/// How many commits one transaction carries at most.
const MOST: usize = 512;

struct Item {
    commit: Commit,
    reply: oneshot::Sender<Result<Committed, Error>>,
}

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Item>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the actor lives as long as the store, which awaits it when it closes"
    )]
    pub fn start(db: DatabaseConnection, outbox: Arc<Notify>) -> Self {
        let (queue, waiting) = mpsc::channel(4 * MOST);
        let task = tokio::spawn(run(db, waiting, outbox));
        Self { queue: Mutex::new(Some(queue)), task: Mutex::new(Some(task)) }
    }

    pub async fn submit(&self, commit: Commit) -> Result<Committed, Error> {
        let queue = self.queue.lock().ok().and_then(|queue| queue.clone()).ok_or(Error::Stopping)?;
        let (reply, answer) = oneshot::channel();
        queue.send(Item { commit, reply }).await.map_err(|_| Error::Stopping)?;
        answer.await.map_err(|_| Error::Stopping)?
    }

    /// Takes nothing more and waits until what was taken is written.
    pub async fn stop(&self) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
        let task = self.task.lock().ok().and_then(|mut task| task.take());
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the writer of a store ended badly");
        }
    }
}

async fn run(db: DatabaseConnection, mut waiting: mpsc::Receiver<Item>, outbox: Arc<Notify>) {
    let mut batch = Vec::with_capacity(MOST);
    while waiting.recv_many(&mut batch, MOST).await > 0 {
        let commits: Vec<&Commit> = batch.iter().map(|item| &item.commit).collect();
        match attempt(&db, &commits).await {
            Ok(outcomes) => {
                for (item, outcome) in batch.drain(..).zip(outcomes) {
                    item.settle(Ok(outcome), &outbox);
                }
            }
            Err(error) if batch.len() == 1 || error.is_away() => {
                for item in batch.drain(..) {
                    item.settle(Err(error.copy()), &outbox);
                }
            }
            Err(_) => {
                for item in batch.drain(..) {
                    let outcome = attempt(&db, &[&item.commit]).await;
                    let outcome =
                        outcome.map(|outcomes| outcomes.first().copied().unwrap_or(Committed::Before));
                    item.settle(outcome, &outbox);
                }
            }
        }
    }
}

impl Item {
    /// Tells the caller, and wakes whoever waits for what was committed: here, and not where the
    /// caller waits, because a caller may have gone away.
    fn settle(self, outcome: Result<Committed, Error>, outbox: &Notify) {
        if outcome.is_ok() {
            if !self.commit.facts.is_empty() {
                outbox.notify_one();
            }
            self.commit.wakes.iter().for_each(|wake| wake.notify_one());
        }
        // A caller who has gone away finds the answer stored when it asks again.
        let _ = self.reply.send(outcome.map_err(Error::or_conflict));
    }
}

/// A panic in somebody's piece of work must not take the store from everybody else.
async fn attempt(db: &DatabaseConnection, commits: &[&Commit]) -> Result<Vec<Committed>, Error> {
    match AssertUnwindSafe(write(db, commits)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Database(DbErr::Custom("a piece of work panicked".to_owned()))),
    }
}

async fn write(db: &DatabaseConnection, commits: &[&Commit]) -> Result<Vec<Committed>, Error> {
    let tx = begin(db).await?;
    let mut seen = already_written(&tx, commits).await?;
    let mut outcomes = Vec::with_capacity(commits.len());
    let mut fresh = Vec::with_capacity(commits.len());
    for commit in commits {
        if keys(commit).any(|key| !seen.insert(key)) {
            outcomes.push(Committed::Before);
            continue;
        }
        for work in &commit.work {
            work(&tx).await?;
        }
        fresh.push(*commit);
        outcomes.push(Committed::Now);
    }
    let opened = write_common_rows(&tx, &fresh).await?;
    tx.commit().await?;
    for kind in opened {
        metrics::counter!(TASKS_OPENED.name, "kind" => kind).increment(1);
    }
    Ok(outcomes)
}

fn keys(commit: &Commit) -> impl Iterator<Item = (String, String)> {
    let answer = commit.answer.as_ref().map(|answer| (answer.tenant.clone(), answer.request_id.clone()));
    let inbox = commit.inbox.as_ref().map(|inbox| (String::new(), inbox.event_id.clone()));
    answer.into_iter().chain(inbox)
}

async fn already_written(
    tx: &DatabaseTransaction,
    commits: &[&Commit],
) -> Result<HashSet<(String, String)>, Error> {
    let mut seen = HashSet::new();
    let requests = commits.iter().filter_map(|commit| commit.answer.as_ref());
    let requests: Vec<_> =
        requests.map(|answer| (answer.tenant.as_str(), answer.request_id.as_str())).collect();
    if !requests.is_empty() {
        let found = answers_to(&requests).all(tx).await?;
        seen.extend(found.into_iter().map(|answer| (answer.tenant, answer.request_id)));
    }
    let events: Vec<&str> = commits
        .iter()
        .filter_map(|commit| commit.inbox.as_ref().map(|inbox| inbox.event_id.as_str()))
        .collect();
    if !events.is_empty() {
        let found =
            rows::inbox::Entity::find().filter(rows::inbox::Column::EventId.is_in(events)).all(tx).await?;
        seen.extend(found.into_iter().map(|inbox| (String::new(), inbox.event_id)));
    }
    Ok(seen)
}

/// The answers that these requests have had. Asked by tenant, with which the table's key begins: all
/// answers of two weeks would be read for each commit otherwise.
pub(super) fn answers_to(requests: &[(&str, &str)]) -> Select<rows::answers::Entity> {
    let mut of_tenants: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (tenant, request) in requests {
        of_tenants.entry(tenant).or_default().push(request);
    }
    let of_one = |(tenant, requests)| {
        let requests = rows::answers::Column::RequestId.is_in::<&str, Vec<&str>>(requests);
        Condition::all().add(rows::answers::Column::Tenant.eq::<&str>(tenant)).add(requests)
    };
    let wanted = of_tenants.into_iter().map(of_one).fold(Condition::any(), Condition::add);
    rows::answers::Entity::find().filter(wanted)
}

/// The kinds of the tasks that were not there before are the answer.
async fn write_common_rows(tx: &DatabaseTransaction, commits: &[&Commit]) -> Result<Vec<String>, Error> {
    let facts: Vec<_> = commits.iter().flat_map(|commit| &commit.facts).map(super::Outgoing::row).collect();
    let tasks: Vec<_> = commits.iter().flat_map(|commit| &commit.tasks).map(task_row).collect();
    let audit: Vec<_> = commits.iter().flat_map(|commit| commit.audit.iter().cloned()).collect();
    let answers: Vec<_> = commits
        .iter()
        .filter_map(|commit| commit.answer.clone().map(IntoActiveModel::into_active_model))
        .collect();
    let inbox: Vec<_> = commits
        .iter()
        .filter_map(|commit| commit.inbox.clone().map(IntoActiveModel::into_active_model))
        .collect();
    // Chunks keep a statement below the number of parameters that the databases take.
    for rows in chunks(facts) {
        rows::outbox::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    let mut opened = Vec::new();
    for rows in chunks(tasks) {
        let known = OnConflict::columns([rows::tasks::Column::Tenant, rows::tasks::Column::Dedupe])
            .do_nothing()
            .to_owned();
        let inserted =
            rows::tasks::Entity::insert_many(rows).on_conflict(known).exec_with_returning(tx).await?;
        opened.extend(inserted.into_iter().map(|task| task.kind));
    }
    for rows in chunks(audit) {
        rows::audit::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    for rows in chunks(answers) {
        rows::answers::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    for rows in chunks(inbox) {
        rows::inbox::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(opened)
}

fn chunks<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter().peekable();
    std::iter::from_fn(move || {
        rows.peek()?;
        Some(rows.by_ref().take(1_000).collect())
    })
}
