//! What all parts of the outside world share: the witness, what was told to go wrong, and the stop signal.
//!
//! Providers hold it in an `Arc`. It owns every task that outlives a request, so that stopping leaves none behind.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::behaviour::Behaviours;
use crate::clock;
use crate::log::{Event, Provider, Refused};
use crate::witness::Witness;

pub(crate) struct World {
    pub(crate) witness: Witness,
    pub(crate) behaviours: Behaviours,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl World {
    pub(crate) fn new(witness: Witness) -> Self {
        Self {
            witness,
            behaviours: Behaviours::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Dawdles as told; returns early when the world stops.
    pub(crate) async fn dawdle(&self, provider: Provider) {
        let pause = self.behaviours.slow(provider);
        if !pause.is_zero() {
            self.pause(pause).await;
        }
    }

    /// Never answers: returns only when the world stops. A client that hangs up drops the caller.
    pub(crate) async fn silence(&self) {
        self.stopping.cancelled().await;
    }

    /// Waits; false when the world stopped first.
    pub(crate) async fn pause(&self, pause: Duration) -> bool {
        self.stopping.run_until_cancelled(tokio::time::sleep(pause)).await.is_some()
    }

    /// Writes a refusal down. A witness that cannot write is reported once here and by the missing line to every test.
    pub(crate) fn refused(&self, refused: Refused) {
        if let Err(error) = self.witness.record(Event::Refused(refused), clock::now()) {
            tracing::error!(error = &error as &dyn std::error::Error, "the witness log could not be written");
        }
    }
}

/// A provider's id for something accepted now: UUIDv7. Real ones are random, and clients must read nothing out of them.
pub(crate) fn provider_id(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds))
}
