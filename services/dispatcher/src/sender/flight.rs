//! One message on its way to its provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kit::clock::Clock;
use tokio::sync::OwnedSemaphorePermit;

use super::air::Air;
use super::generation::Generation;
use super::outlet::Outlet;
use super::prepare::Ready;
use super::settler::Settler;
use crate::domain::settle::settle;
use crate::store::settle::Finished;

/// How old a clearance may be when a request is started. Promised to every restricted family.
const CLEARED_FOR: Duration = Duration::from_secs(5);
/// A request that is about to start must be on its way well within that.
const MARGIN: Duration = Duration::from_millis(250);

/// What is looked at right before the request.
#[derive(Clone)]
pub(super) struct Checks {
    pub generation: Generation,
    pub air: Air,
    /// Whether the chunk is still ours.
    pub held: Arc<AtomicBool>,
    pub clock: Clock,
}

impl Checks {
    fn hold(&self, ready: &Ready) -> bool {
        ready.cleared_at.elapsed() + MARGIN < CLEARED_FOR
            && self.held.load(Ordering::Acquire)
            && self.generation.fresh() == Some(ready.generation)
    }
}

/// Sends one message and sees it settled. A message that is no longer fresh stays as it is and is
/// looked at again in the next round.
pub(super) async fn fly(
    ready: Ready,
    outlet: Arc<Outlet>,
    checks: Checks,
    settling: (Settler, OwnedSemaphorePermit),
) {
    let (settler, credit) = settling;
    let left = CLEARED_FOR.saturating_sub(ready.cleared_at.elapsed() + MARGIN);
    let Some(room) = outlet.room(left).await else { return };
    // Before the last look: a recall that has waited for every look then sees this flight.
    let _in_the_air = checks.air.take_off(&ready.delivery.id);
    if !checks.hold(&ready) {
        return;
    }
    let started_at = checks.clock.now();
    let outcome = outlet.send(&ready.outgoing, checks.clock.real()).await;
    drop(room);
    let settled = settle(&ready.attempted, outcome, checks.clock.now());
    metrics::counter!(
        "dispatcher_attempts_total",
        "channel" => ready.delivery.channel.to_string(),
        "outcome" => settled.state.as_str()
    )
    .increment(1);
    let finished = Finished {
        delivery: ready.delivery.id,
        school: ready.school,
        channel: ready.delivery.channel,
        lane: ready.lane,
        attempts: ready.attempted.attempts,
        settled,
        started_at: Some(started_at),
        dropped: None,
    };
    settler.settle(finished).await;
    // What is not durable holds its credit: a crash repeats at most as many as there are credits.
    drop(credit);
}
