//! The sender: leases what is due, clears it, words it, hands it to its channel and settles what
//! came of it.
//!
//! Each channel and lane has loops of its own, so that neither a provider that hangs nor a bulk run
//! holds up anybody else's messages. A loop drains one chunk after the other in rounds: a round
//! reads what is still open, asks the directory, reads the recall generation and the members, and
//! queues each message for its channel; a message whose clearance or generation is no longer fresh
//! when its turn comes is not sent but looked at again in the next round. A channel has
//! workers that take what is most urgent from its queue, each with a connection. No transaction is open
//! while a provider or the directory is called.

mod air;
mod budget;
mod chunk;
mod flight;
mod generation;
mod look;
mod outlet;
mod prepare;
mod queue;
mod settler;
mod silence;
mod stopped;
mod words;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use kit::store::{Error as StoreError, Store};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use air::Air;
pub use generation::{Generation, NOTHING_STARTS_AFTER};
pub use outlet::{Outlet, outlets};
pub use settler::{CREDITS, Settler};
pub use silence::Silence;

use flight::Desk;
use queue::Way;

use crate::channels::ChannelName;
use crate::directory::{self, Directory};
use crate::domain::{Choices, NoticeKind};
use crate::render::Renderer;
use crate::routes::{Lane, Route, Timing};
use crate::store::chunks::{self, Line};
use crate::store::waits;

const SWEEP: Duration = Duration::from_secs(1);
/// While one loop's round is on its way, the other prepares the next.
const LOOPS: usize = 2;

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
        let mut workers = JoinSet::new();
        for outlet in self.outlets.values() {
            for way in outlet.workers() {
                workers.spawn(work((Arc::clone(outlet), way), self.desk(), stop.clone()));
            }
        }
        let channels: Vec<ChannelName> = self.outlets.keys().cloned().collect();
        let of = |channel: &ChannelName| Lane::ALL.map(|lane| Line::Of(channel.clone(), lane));
        let lines = channels.iter().flat_map(of).chain([Line::Beside(channels.clone())]);
        let lines: Vec<(Line, Notify)> =
            lines.flat_map(|line| (0..LOOPS).map(move |_| (line.clone(), Notify::new()))).collect();
        let loops = lines.iter().map(|(line, wake)| self.serve(line, wake, &stop));
        let close = async {
            stop.cancelled().await;
            // What waits for its turn is not sent any more, and holds up no loop.
            self.outlets.values().for_each(|outlet| outlet.close());
        };
        tokio::join!(futures::future::join_all(loops), self.watch(&lines, &stop), close);
        while let Some(ended) = workers.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Wakes the loops for which something is due.
    async fn watch(&self, lines: &[(Line, Notify)], stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let now = self.store.clock().now();
            let mut rest = SWEEP;
            match chunks::waiting(&self.store).await {
                Ok(waiting) => {
                    for waiting in waiting {
                        if waiting.due_at > now {
                            rest = rest.min(waiting.due_at.duration_since(now).unsigned_abs());
                            continue;
                        }
                        lines
                            .iter()
                            .filter(|(line, _)| line.takes(&waiting))
                            .for_each(|(_, wake)| wake.notify_one());
                    }
                }
                // The loops say why, and what waits for how long.
                Err(_) => lines.iter().for_each(|(_, wake)| wake.notify_one()),
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(rest) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    fn desk(&self) -> Desk {
        Desk {
            generation: self.generation.clone(),
            air: self.air.clone(),
            clock: self.store.clock().clone(),
            settler: self.settler.clone(),
            faults: self.store.faults().clone(),
        }
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

    fn route(&self, kind: NoticeKind) -> Route {
        crate::routes::route(kind, &self.timing)
    }
}

/// One worker: a message after the other.
async fn work((outlet, way): (Arc<Outlet>, Way), desk: Desk, stop: CancellationToken) {
    while let Some((ready, turn)) = stop.run_until_cancelled(outlet.next(&desk, way)).await {
        // A channel that panics about one message goes on with the next; this one is looked at again.
        if AssertUnwindSafe(flight::fly(ready, &outlet, &desk, turn)).catch_unwind().await.is_err() {
            tracing::error!("a flight panicked");
        }
    }
}
