//! A sender's loop: one chunk after the other, each drained in rounds under a lease that is renewed
//! for as long as the chunk is worked on.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::prepare::{Prepared, Round};
use super::{Error, LOOPS, Sender};
use crate::points;
use crate::store::chunks::{self, Chunk, Line};
use crate::store::waits;

const RENEW_EVERY: Duration = Duration::from_secs(4);
/// A round is so many messages at most: what is urgent shares the processors with it.
const ROUND: u64 = 500;
/// A round waits for its turns for so many seconds, of the five that its clearance lasts.
const WAITS_FOR: u64 = 3;

impl Sender {
    /// One line of chunks, one after the other.
    pub(super) async fn serve(&self, line: &Line, wake: &Notify, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.next_chunk(line, stop).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &(dyn std::error::Error + 'static), "sending waits");
                    let now = self.store.clock().now();
                    if self.silence.has_lasted(waits::PATIENCE, now) {
                        self.ask_a_person(now).await;
                    }
                }
            }
            tokio::select! {
                () = wake.notified() => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Takes a chunk and works on it; false when there is none.
    async fn next_chunk(&self, line: &Line, stop: &CancellationToken) -> Result<bool, Error> {
        let Some(chunk) = chunks::claim(&self.store, line, &self.owner).await? else {
            return Ok(false);
        };
        self.store.faults().at(points::CHUNK_LEASED).await;
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
        loop {
            if stop.is_cancelled() || !held.load(Ordering::Acquire) {
                return Ok(());
            }
            let open = chunks::open_deliveries(&self.store, &chunk.id, self.round_size(chunk)).await?;
            if open.is_empty() {
                return Ok(());
            }
            let (lasts, mut over) = mpsc::channel::<Infallible>(1);
            let round = Round { chunk, held, lasts };
            let Prepared { ready, held_up } = self.prepare(round, open, stop).await?;
            if !ready.is_empty() {
                self.store.faults().at(points::WORDED).await;
            }
            for message in ready {
                if let Some(outlet) = self.outlets.get(&message.delivery.channel) {
                    outlet.push(chunk.lane, message);
                }
            }
            // Every message of the round holds a sender until what came of it is durable, or until it
            // turns out that it may not leave now. The channel is closed when the last is gone.
            over.recv().await;
            if let Some(error) = held_up {
                return Err(error.into());
            }
        }
    }

    /// As many as can be started while their clearance is fresh.
    fn round_size(&self, chunk: &Chunk) -> u64 {
        let per_second = self.outlets.get(&chunk.channel).map_or(1, |outlet| outlet.per_second());
        let loops = u64::try_from(LOOPS).unwrap_or(1);
        (u64::from(per_second).saturating_mul(WAITS_FOR) / loops).clamp(25, ROUND)
    }
}
