//! The recall generation, as every sender sees it: a copy that is at most a second old.
//!
//! Whatever may stop a message (a recall, an arrival, a restriction) raises the generation in its
//! own transaction. A message is worded under one generation and leaves only under the same.

use std::sync::Arc;
use std::time::Duration;

use kit::store::Store;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How old the copy may be when a request is started.
pub const FRESH_FOR: Duration = Duration::from_secs(1);
/// When what stops a message was durable for so long, no sender starts it any more: every look that one may have had
/// before is over, and a little.
pub const NOTHING_STARTS_AFTER: Duration = FRESH_FOR.saturating_add(Duration::from_millis(200));
const READ_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy)]
struct Seen {
    value: i64,
    at: Option<Instant>,
}

/// A copy of the generation.
#[derive(Clone)]
pub struct Generation {
    seen: watch::Sender<Seen>,
    wake: Arc<Notify>,
}

impl Default for Generation {
    fn default() -> Self {
        Self { seen: watch::Sender::new(Seen { value: -1, at: None }), wake: Arc::new(Notify::new()) }
    }
}

impl Generation {
    /// Signal this after a commit that may have raised it, so that the copy follows at once.
    #[must_use]
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// The generation, if the copy is fresh.
    #[must_use]
    pub fn fresh(&self) -> Option<i64> {
        let seen = *self.seen.borrow();
        seen.at.filter(|at| at.elapsed() < FRESH_FOR).map(|_| seen.value)
    }

    /// A copy that follows nothing and stays fresh for an hour.
    #[cfg(test)]
    pub(super) fn standing_at(value: i64) -> Self {
        let generation = Self::default();
        let far = Instant::now() + Duration::from_hours(1);
        generation.seen.send_replace(Seen { value, at: Some(far) });
        generation
    }

    /// Waits for a fresh copy.
    pub async fn wait_fresh(&self) -> i64 {
        let mut changes = self.seen.subscribe();
        loop {
            if let Some(value) = self.fresh() {
                return value;
            }
            // The sender lives in self, so the channel cannot be closed.
            let _ = changes.changed().await;
        }
    }

    /// Reads the store again and again until `stop`. A store that cannot be read leaves the copy
    /// to grow stale, and then nothing is started.
    pub async fn follow(self, store: Store, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            let asked_at = Instant::now();
            match crate::store::generation(&store).await {
                Ok(value) => {
                    self.seen.send_replace(Seen { value, at: Some(asked_at) });
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &(dyn std::error::Error + 'static),
                        "the recall generation cannot be read"
                    );
                }
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(READ_EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }
}
