//! The settler: writes in batches what starts and what came of it, and hands out the credits that
//! bound what a crash may repeat.

use std::sync::Arc;
use std::time::Duration;

use kit::store::Store;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::flight::Landing;
use super::queue::Way;
use crate::points;
use crate::store::settle::{Finished, settle, start_and_settle};

/// The credit window: how many messages may be in the air or not yet durable.
pub const CREDITS: usize = 512;
/// Of these so many are kept for what is on the way of urgent messages.
const URGENT_CREDITS: usize = 16;
const BATCH: usize = 500;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How many outcomes of a batch that failed are tried alone before the store is taken to be away.
const ALONE: usize = 3;
const MOST_TRIES_WHILE_STOPPING: u32 = 6;

/// What is to be written.
enum Item {
    /// A message that is sent at most once is about to start.
    Start { delivery: String, durable: oneshot::Sender<()> },
    /// Something has ended.
    End(Box<End>),
}

impl Item {
    fn end(finished: Finished, waits: Waits) -> Self {
        Self::End(Box::new(End { finished, waits }))
    }
}

struct End {
    finished: Finished,
    waits: Waits,
}

/// Who is held up until it is durable; let go by being dropped.
enum Waits {
    /// Whoever asked.
    Caller { durable: oneshot::Sender<()> },
    /// Only what the flight holds: nobody waits beside it, and its connection has gone on.
    Flight { _landing: Landing },
}

/// Takes outcomes. Clones share one queue and one window.
#[derive(Clone)]
pub struct Settler {
    queue: mpsc::Sender<Item>,
    credits: Arc<Semaphore>,
    urgent: Arc<Semaphore>,
}

impl Settler {
    /// A settler, and the loop that writes for it.
    pub fn new(
        store: Store,
        planner: Arc<Notify>,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = anyhow::Result<()>> + Send) {
        let (queue, waiting) = mpsc::channel(2 * CREDITS);
        (Self::writing_to(queue), run(store, waiting, planner, stop))
    }

    /// A settler behind which nobody writes.
    #[cfg(test)]
    pub(super) fn that_forgets() -> Self {
        Self::writing_to(mpsc::channel(1).0)
    }

    fn writing_to(queue: mpsc::Sender<Item>) -> Self {
        let credits = Arc::new(Semaphore::new(CREDITS - URGENT_CREDITS));
        Self { queue, credits, urgent: Arc::new(Semaphore::new(URGENT_CREDITS)) }
    }

    /// Waits for a credit.
    pub(super) async fn credit(&self, way: Way) -> OwnedSemaphorePermit {
        let credits = match way {
            Way::Any => &self.credits,
            Way::Urgent => &self.urgent,
        };
        loop {
            // The semaphores are never closed.
            if let Ok(credit) = Arc::clone(credits).acquire_owned().await {
                return credit;
            }
        }
    }

    /// Writes down that a message starts. Returns true when that is durable; when it is not, the
    /// message must not be sent.
    pub(super) async fn start(&self, delivery: &str) -> bool {
        let (durable, written) = oneshot::channel();
        let item = Item::Start { delivery: delivery.to_owned(), durable };
        self.queue.send(item).await.is_ok() && written.await.is_ok()
    }

    /// Takes what came of a flight. What the flight holds is let go when it is durable, or when the
    /// process is stopping and it cannot be.
    pub(super) async fn land(&self, finished: Finished, landing: Landing) {
        // Who is not heard any more is stopping.
        let _ = self.queue.send(Item::end(finished, Waits::Flight { _landing: landing })).await;
    }

    /// Settles many; returns when they are durable, or when the process is stopping and they cannot
    /// be.
    pub async fn settle_all(&self, finished: Vec<Finished>) {
        let mut written = Vec::with_capacity(finished.len());
        for finished in finished {
            let (durable, when) = oneshot::channel();
            if self.queue.send(Item::end(finished, Waits::Caller { durable })).await.is_ok() {
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
    let (mut ends, mut tries_while_stopping) = (Vec::with_capacity(BATCH), 0);
    loop {
        let mut items = Vec::with_capacity(BATCH);
        let taken = if ends.is_empty() {
            waiting.recv_many(&mut items, BATCH).await
        } else {
            // Something is left over from before: it is tried again with what comes meanwhile.
            let taken = waiting.recv_many(&mut items, BATCH);
            tokio::time::timeout(TRY_AGAIN_AFTER, taken).await.unwrap_or(1)
        };
        if taken == 0 && ends.is_empty() {
            return Ok(());
        }
        let mut starts = Vec::new();
        for item in items {
            match item {
                Item::Start { delivery, durable } => starts.push((delivery, durable)),
                Item::End(end) => ends.push(*end),
            }
        }
        // The planner looks by itself for what time alone brings.
        let any_to_follow = ends.iter().any(|end| end.finished.settled.next_address);
        ends = write(&store, starts, std::mem::take(&mut ends)).await;
        if any_to_follow {
            planner.notify_one();
        }
        tries_while_stopping += u32::from(stop.is_cancelled() && !ends.is_empty());
        if taken == 0 || tries_while_stopping > MOST_TRIES_WHILE_STOPPING {
            // Who waits for these is told that they do not become durable here.
            ends.clear();
        }
    }
}

/// Writes a batch, or as much of it as can be written; gives back what could not. A start that
/// could not be written is not tried again: its message is not sent, and comes again.
async fn write(store: &Store, starts: Vec<(String, oneshot::Sender<()>)>, ends: Vec<End>) -> Vec<End> {
    let now = store.clock().now();
    let finished: Vec<Finished> = ends.iter().map(|end| end.finished.clone()).collect();
    let (starting, waiting): (Vec<String>, Vec<_>) = starts.into_iter().unzip();
    let whole = start_and_settle(store, &starting, &finished, now).await;
    if whole.is_ok() && !finished.is_empty() {
        store.faults().at(points::SETTLED).await;
    }
    match &whole {
        // A flight that was given up does not wait any more.
        Ok(()) => {
            for durable in waiting {
                let _ = durable.send(());
            }
        }
        Err(error) => {
            let error = error as &(dyn std::error::Error + 'static);
            tracing::error!(error, outcomes = ends.len(), "outcomes cannot be written");
        }
    }
    let (mut left, mut any_written) = (Vec::new(), false);
    for end in ends {
        let written = match &whole {
            Ok(()) => true,
            // When some fail alone and none goes through, it is the store and not the outcome.
            Err(_) if left.len() >= ALONE && !any_written => false,
            Err(_) => settle(store, std::slice::from_ref(&end.finished), now).await.is_ok(),
        };
        any_written |= written;
        match (written, end.waits) {
            (true, Waits::Caller { durable }) => {
                let _ = durable.send(());
            }
            (true, Waits::Flight { .. }) => {}
            (false, waits) => left.push(End { finished: end.finished, waits }),
        }
    }
    left
}
