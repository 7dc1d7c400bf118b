//! The sender: leases what is due, clears it, words it, hands it to its channel and settles what
//! came of it.
//!
//! Each channel has a loop of its own, so that a provider that hangs holds up nobody else's
//! messages. One chunk after the other is drained in rounds. A round reads what is still open, asks the
//! directory, reads the recall generation and the members, and lets each message fly; a message
//! whose clearance or generation is no longer fresh when its turn comes is not sent but looked at
//! again in the next round. No transaction is open while a provider or the directory is called.

mod air;
mod flight;
mod generation;
mod look;
mod outlet;
mod prepare;
mod settler;
mod silence;
mod stopped;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kit::store::{Error as StoreError, Store};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use air::Air;
pub use generation::{FRESH_FOR, Generation};
pub use outlet::{Outlet, outlets};
pub use settler::{CREDITS, Settler};
pub use silence::Silence;

use flight::Checks;
use prepare::Prepared;

use crate::channels::ChannelName;
use crate::directory::{self, Directory};
use crate::domain::{Choices, NoticeKind};
use crate::render::Renderer;
use crate::routes::Timing;
use crate::store::chunks::{self, Chunk, Line};
use crate::store::waits;

const SWEEP: Duration = Duration::from_secs(1);
const RENEW_EVERY: Duration = Duration::from_secs(4);

/// Why a chunk could not be worked on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Directory(#[from] directory::Error),
}

/// What the sender stands on.
pub struct Sender {
    /// The store.
    pub store: Store,
    /// The directory.
    pub directory: Arc<Directory>,
    /// The ways out.
    pub outlets: HashMap<ChannelName, Arc<Outlet>>,
    /// The words.
    pub renderer: Arc<Renderer>,
    /// The school's timings.
    pub timing: Timing,
    /// What the school has chosen about who is told.
    pub choices: Choices,
    /// What may stop a message.
    pub generation: Generation,
    /// Where outcomes are written.
    pub settler: Settler,
    /// What is in the air.
    pub air: Air,
    /// For how long the directory has not answered.
    pub silence: Silence,
    /// Signalled when something may be due.
    pub wake: Arc<Notify>,
    /// This process, as the holder of leases.
    pub owner: String,
}

impl Sender {
    /// Runs until `stop`; what is in the air then is settled first.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let channels: Vec<ChannelName> = self.outlets.keys().cloned().collect();
        let lines = channels.iter().cloned().map(Line::Of).chain([Line::Beside(channels.clone())]);
        let lines: Vec<(Line, Notify)> = lines.map(|line| (line, Notify::new())).collect();
        let loops = lines.iter().map(|(line, wake)| self.serve(line, wake, &stop));
        let pass_on = async {
            loop {
                self.wake.notified().await;
                for (_, wake) in &lines {
                    wake.notify_one();
                }
            }
        };
        tokio::select! {
            _ = futures::future::join_all(loops) => {}
            () = pass_on => {}
        }
        Ok(())
    }

    /// One line of chunks, one after the other.
    async fn serve(&self, line: &Line, wake: &Notify, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.next_chunk(line, stop).await {
                Ok(true) => {}
                Ok(false) => self.wait(line, wake, stop).await,
                Err(error) => {
                    tracing::warn!(error = &error as &(dyn std::error::Error + 'static), "sending waits");
                    let now = self.store.clock().now();
                    if self.silence.has_lasted(waits::PATIENCE, now) {
                        self.ask_a_person(now).await;
                    }
                    self.wait(line, wake, stop).await;
                }
            }
        }
    }

    async fn wait(&self, line: &Line, wake: &Notify, stop: &CancellationToken) {
        let now = self.store.clock().now();
        let due = match chunks::next_due(&self.store, line).await {
            Ok(Some(due_at)) if due_at > now => due_at.duration_since(now).unsigned_abs(),
            _ => SWEEP,
        };
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(due.min(SWEEP)) => {}
            () = stop.cancelled() => {}
        }
    }

    /// Takes a chunk and works on it; false when there is none.
    async fn next_chunk(&self, line: &Line, stop: &CancellationToken) -> Result<bool, Error> {
        let Some(chunk) = chunks::claim(&self.store, line, &self.owner).await? else {
            return Ok(false);
        };
        let held = Arc::new(AtomicBool::new(true));
        let outcome = tokio::select! {
            outcome = self.drain(&chunk, &held, stop) => outcome,
            () = self.keep(&chunk, &held) => Ok(()),
        };
        match outcome {
            Ok(()) => {
                if !chunks::close(&self.store, &chunk.id, &self.owner).await? {
                    let now = self.store.clock().now();
                    chunks::release(&self.store, &chunk.id, &self.owner, now).await?;
                }
                Ok(true)
            }
            Err(error) => {
                let now = self.store.clock().now();
                let later = now.saturating_add(SignedDuration::from_secs(2)).unwrap_or(now);
                chunks::release(&self.store, &chunk.id, &self.owner, later).await?;
                Err(error)
            }
        }
    }

    /// Renews the lease for as long as the chunk is worked on. When it cannot, nothing more of the
    /// chunk is started; never returns, so that what is in the air is settled by the drain.
    async fn keep(&self, chunk: &Chunk, held: &AtomicBool) {
        let mut renewed = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match chunks::renew(&self.store, &chunk.id, &self.owner).await {
                Ok(true) => {
                    renewed = tokio::time::Instant::now();
                    held.store(true, Ordering::Release);
                }
                Ok(false) => held.store(false, Ordering::Release),
                Err(_) => {
                    let lease = chunks::LEASE.unsigned_abs().saturating_sub(RENEW_EVERY);
                    held.store(renewed.elapsed() < lease, Ordering::Release);
                }
            }
        }
    }

    /// Rounds over a chunk until nothing of it is open, or until it may not be worked on.
    async fn drain(
        &self,
        chunk: &Chunk,
        held: &Arc<AtomicBool>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let checks = Checks {
            generation: self.generation.clone(),
            air: self.air.clone(),
            held: Arc::clone(held),
            clock: self.store.clock().clone(),
        };
        loop {
            if stop.is_cancelled() || !held.load(Ordering::Acquire) {
                return Ok(());
            }
            let open = chunks::open_deliveries(&self.store, &chunk.id, self.round_size(chunk)).await?;
            if open.is_empty() {
                return Ok(());
            }
            let Prepared { ready, held_up } = self.prepare(chunk, open, stop).await?;
            let mut flights = JoinSet::new();
            for message in ready {
                let Some(outlet) = self.outlets.get(&message.delivery.channel).cloned() else { continue };
                if stop.is_cancelled() || !held.load(Ordering::Acquire) {
                    break;
                }
                let settling = (self.settler.clone(), self.settler.credit().await);
                flights.spawn(flight::fly(message, outlet, checks.clone(), settling));
            }
            // Every flight ends when what came of it is durable.
            while let Some(ended) = flights.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(
                        error = &error as &(dyn std::error::Error + 'static),
                        "a flight panicked"
                    );
                    return Ok(());
                }
            }
            if let Some(error) = held_up {
                return Err(error.into());
            }
            if chunks::something_overtakes(&self.store, chunk).await? {
                return Ok(());
            }
        }
    }

    /// As many as can be started while their clearance is fresh.
    fn round_size(&self, chunk: &Chunk) -> u64 {
        let per_second = self.outlets.get(&chunk.channel).map_or(1, |outlet| outlet.per_second());
        u64::from(per_second).saturating_mul(3).clamp(50, 1_000)
    }

    async fn ask_a_person(&self, now: Timestamp) {
        let asked = async {
            for waiting in waits::waiting(&self.store).await? {
                waits::ask_a_person(&self.store, &waiting, now).await?;
            }
            for (school, gathering) in waits::waiting_for_many(&self.store).await? {
                waits::ask_about_many(&self.store, (school, &gathering), now).await?;
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = asked.await {
            tracing::error!(error = &error as &(dyn std::error::Error + 'static), "no task could be opened");
        }
    }

    fn patience(&self, kind: NoticeKind) -> SignedDuration {
        crate::routes::route(kind, &self.timing).patience
    }
}
