//! The settler: writes outcomes in batches, and hands out the credits that bound what a crash may
//! repeat.

use std::sync::Arc;
use std::time::Duration;

use kit::store::Store;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::store::settle::{Finished, settle};

/// The credit window: how many messages may be in the air or not yet durable.
pub const CREDITS: usize = 512;
const BATCH: usize = 500;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How many outcomes of a batch that failed are tried alone before the store is taken to be away.
const ALONE: usize = 3;
const MOST_TRIES_WHILE_STOPPING: u32 = 6;

struct Item {
    finished: Finished,
    durable: oneshot::Sender<()>,
}

/// Takes outcomes. Clones share one queue and one window.
#[derive(Clone)]
pub struct Settler {
    queue: mpsc::Sender<Item>,
    credits: Arc<Semaphore>,
}

impl Settler {
    /// A settler, and the loop that writes for it.
    pub fn new(
        store: Store,
        planner: Arc<Notify>,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = anyhow::Result<()>> + Send) {
        let (queue, waiting) = mpsc::channel(2 * CREDITS);
        let settler = Self { queue, credits: Arc::new(Semaphore::new(CREDITS)) };
        (settler, run(store, waiting, planner, stop))
    }

    /// A settler behind which nobody writes.
    #[cfg(test)]
    pub(super) fn that_forgets() -> Self {
        Self { queue: mpsc::channel(1).0, credits: Arc::new(Semaphore::new(CREDITS)) }
    }

    /// Waits for a credit.
    pub async fn credit(&self) -> OwnedSemaphorePermit {
        loop {
            // The semaphore is never closed.
            if let Ok(credit) = Arc::clone(&self.credits).acquire_owned().await {
                return credit;
            }
        }
    }

    /// Returns when the outcome is durable, or when the process is stopping and it cannot be.
    pub async fn settle(&self, finished: Finished) {
        let (durable, written) = oneshot::channel();
        if self.queue.send(Item { finished, durable }).await.is_ok() {
            let _ = written.await;
        }
    }

    /// Settles many.
    pub async fn settle_all(&self, finished: Vec<Finished>) {
        let mut written = Vec::with_capacity(finished.len());
        for finished in finished {
            let (durable, when) = oneshot::channel();
            if self.queue.send(Item { finished, durable }).await.is_ok() {
                written.push(when);
            }
        }
        for when in written {
            let _ = when.await;
        }
    }
}

/// Runs until every sender is gone. A store that is away is tried again: what was sent must not
/// be forgotten while the process lives. One outcome that cannot be written does not hold up the
/// others, and keeps its credit while it is tried again.
async fn run(
    store: Store,
    mut waiting: mpsc::Receiver<Item>,
    planner: Arc<Notify>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (mut batch, mut tries_while_stopping) = (Vec::with_capacity(BATCH), 0);
    loop {
        let fresh = if batch.is_empty() {
            waiting.recv_many(&mut batch, BATCH).await
        } else {
            // Something is left over from before: it is tried again with what comes meanwhile.
            let taken = waiting.recv_many(&mut batch, BATCH);
            tokio::time::timeout(TRY_AGAIN_AFTER, taken).await.unwrap_or(1)
        };
        if fresh == 0 && batch.is_empty() {
            return Ok(());
        }
        batch = write(&store, std::mem::take(&mut batch)).await;
        planner.notify_one();
        tries_while_stopping += u32::from(stop.is_cancelled() && !batch.is_empty());
        if fresh == 0 || tries_while_stopping > MOST_TRIES_WHILE_STOPPING {
            // Who waits for these is told that they do not become durable here.
            batch.clear();
        }
    }
}

/// Writes a batch, or as much of it as can be written; gives back what could not.
async fn write(store: &Store, batch: Vec<Item>) -> Vec<Item> {
    let now = store.clock().now();
    let finished: Vec<Finished> = batch.iter().map(|item| item.finished.clone()).collect();
    let whole = settle(store, &finished, now).await;
    if let Err(error) = &whole {
        let error = error as &(dyn std::error::Error + 'static);
        tracing::error!(error, outcomes = batch.len(), "outcomes cannot be written");
    }
    let (mut left, mut any_written) = (Vec::new(), false);
    for item in batch {
        let written = match &whole {
            Ok(()) => true,
            // When some fail alone and none goes through, it is the store and not the outcome.
            Err(_) if left.len() >= ALONE && !any_written => false,
            Err(_) => settle(store, std::slice::from_ref(&item.finished), now).await.is_ok(),
        };
        any_written |= written;
        if written {
            // A flight that was given up does not wait any more.
            let _ = item.durable.send(());
        } else {
            left.push(item);
        }
    }
    left
}
