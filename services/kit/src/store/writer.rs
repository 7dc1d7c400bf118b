//! The group commit: one actor takes a commit, drains what waits behind it and writes all of it
//! in one transaction, so that many callers share one fsync.
//!
//! A batch that fails is rolled back as a whole and tried again in halves, so that a commit is never
//! refused because of its neighbours; only when the database itself is away are all told so at once.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Error;
use super::batch::{self, Outcomes};
use super::commit::{Commit, Committed};
use super::kept::Writes;

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
    pub fn start(db: DatabaseConnection, writes: Arc<Writes>, outbox: Arc<Notify>) -> Self {
        let (queue, waiting) = mpsc::channel(4 * MOST);
        let task = tokio::spawn(run(db, waiting, writes, outbox));
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

async fn run(
    db: DatabaseConnection,
    mut waiting: mpsc::Receiver<Item>,
    writes: Arc<Writes>,
    outbox: Arc<Notify>,
) {
    let mut batch = Vec::with_capacity(MOST);
    while waiting.recv_many(&mut batch, MOST).await > 0 {
        let mut parts = vec![std::mem::take(&mut batch)];
        while let Some(mut part) = parts.pop() {
            let commits: Vec<&Commit> = part.iter().map(|item| &item.commit).collect();
            let under_way = commits.iter().any(|commit| !commit.is_a_look()).then(|| writes.begin());
            let attempted = attempt(&db, &commits).await;
            drop(under_way);
            match attempted {
                Ok(outcomes) => {
                    for (item, outcome) in part.into_iter().zip(outcomes) {
                        item.settle(outcome, &outbox);
                    }
                }
                Err(error) if part.len() == 1 || error.is_away() => {
                    for item in part {
                        item.settle(Err(error.copy()), &outbox);
                    }
                }
                Err(_) => {
                    let later = part.split_off(part.len() / 2);
                    parts.extend([later, part]);
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
async fn attempt(db: &DatabaseConnection, commits: &[&Commit]) -> Result<Outcomes, Error> {
    match AssertUnwindSafe(batch::write(db, commits)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Database(DbErr::Custom("a piece of work panicked".to_owned()))),
    }
}
