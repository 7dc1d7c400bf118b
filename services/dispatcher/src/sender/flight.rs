//! One message on its way to its provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kit::clock::Clock;
use kit::telemetry;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::air::Air;
use super::generation::Generation;
use super::outlet::Outlet;
use super::prepare::Ready;
use super::settler::Settler;
use crate::channels::{Leave, NotSent, Outcome, why};
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
    fn hold(&self, looked: Looked) -> bool {
        looked.is_fresh(MARGIN)
            && self.held.load(Ordering::Acquire)
            && self.generation.fresh() == Some(looked.generation)
            && self.clock.now() < looked.valid_until
    }
}

/// What a message may leave under.
#[derive(Clone, Copy)]
struct Looked {
    cleared_at: Instant,
    generation: i64,
    valid_until: Timestamp,
}

impl Looked {
    fn of(ready: &Ready) -> Self {
        let Ready { cleared_at, generation, .. } = *ready;
        Self { cleared_at, generation, valid_until: ready.delivery.valid_until }
    }

    fn is_fresh(self, margin: Duration) -> bool {
        self.cleared_at.elapsed() + margin < CLEARED_FOR
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
    let looked = Looked::of(&ready);
    if !checks.hold(looked) {
        return;
    }
    let started_at = checks.clock.now();
    // A provider may take long to listen; what has changed meanwhile still stops the message.
    let asked = checks.clone();
    let leave = Leave::while_it_holds(move || asked.hold(looked));
    let span = span(&ready);
    let sent = outlet.send(&ready.outgoing, &leave, checks.clock.real());
    let outcome = sent.instrument(span.clone()).await;
    drop(room);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        // Counted, so that a provider who is always too slow does not keep the next address waiting.
        Err(NotSent) if !looked.is_fresh(MARGIN) => Outcome::Retry { why: why::TOO_SLOW, after: None },
        Err(NotSent) => return,
    };
    let settled = settle(&ready.attempted, outcome, checks.clock.now());
    span.record("outcome", settled.state.as_str());
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

/// One request, in the trace of what it tells.
fn span(ready: &Ready) -> Span {
    let delivery = &ready.delivery;
    let span = tracing::info_span!(
        "send",
        delivery.id = delivery.id,
        channel = delivery.channel.as_str(),
        outcome = tracing::field::Empty
    );
    telemetry::come_of(&span, ready.traces.iter().map(AsRef::as_ref));
    span
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::BoxFuture;
    use jiff::SignedDuration;
    use proto::ids::SchoolId;
    use tokio::task::JoinSet;

    use super::*;
    use crate::channels::{Channel, ChannelName, Found, Limits, Medium, Outgoing};
    use crate::domain::settle::Attempted;
    use crate::domain::{DeliveryState, NoticeKind};
    use crate::sender::outlets;
    use crate::store::chunks::Delivery;

    /// A provider that carries one message at a time and takes its time; remembers when it was asked.
    #[derive(Debug, Clone)]
    struct Slow {
        listens_after: Duration,
        takes: Duration,
        /// The lease that is lost while it is slow to listen.
        loses: Arc<Mutex<Option<Arc<AtomicBool>>>>,
        asked: Arc<Mutex<Vec<Instant>>>,
    }

    impl Channel for Slow {
        fn name(&self) -> ChannelName {
            "sms.slow".parse().unwrap()
        }

        fn limits(&self) -> Limits {
            Limits { characters: 1_000, per_second: 1_000, burst: 1_000, connections: 1 }
        }

        fn send<'a>(
            &'a self,
            outgoing: &'a Outgoing,
            leave: &'a Leave,
            _: Timestamp,
        ) -> BoxFuture<'a, Result<Outcome, NotSent>> {
            Box::pin(async move {
                let never = std::future::pending::<()>();
                let _ = tokio::time::timeout(self.listens_after, never).await;
                if let Some(held) = &*self.loses.lock().unwrap() {
                    held.store(false, Ordering::Release);
                }
                leave.ask()?;
                self.asked.lock().unwrap().push(Instant::now());
                let never = std::future::pending::<()>();
                let _ = tokio::time::timeout(self.takes, never).await;
                Ok(Outcome::Accepted { reference: outgoing.key.clone() })
            })
        }

        fn find<'a>(&'a self, _: &'a str, _: Timestamp) -> BoxFuture<'a, Found> {
            Box::pin(async { Found::CannotAsk })
        }
    }

    fn ready(number: usize, generation: i64) -> Ready {
        let valid_until: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        Ready {
            delivery: Delivery {
                id: format!("dlv_{number}"),
                kind: NoticeKind::AbsenceUnexplained,
                gathering: "gth_1".to_owned(),
                channel: "sms.slow".parse().unwrap(),
                address: "+447700900001".to_owned(),
                state: DeliveryState::Due,
                attempts: 0,
                valid_until,
                patience_until: None,
                general: None,
            },
            school: SchoolId::generate(),
            lane: 1,
            outgoing: Outgoing {
                key: format!("dlv_{number}"),
                to: "+447700900001".to_owned(),
                subject: None,
                body: "words".to_owned(),
            },
            attempted: Attempted {
                attempts: 1,
                valid_until,
                patience: SignedDuration::from_mins(10),
                patience_until: None,
                medium: Medium::Text,
            },
            cleared_at: Instant::now(),
            generation,
            traces: Vec::new(),
        }
    }

    /// Lets messages fly that were cleared just now; says how long after it each was started.
    async fn starts(messages: usize, change: impl Fn(&Checks, &mut Ready)) -> Vec<Duration> {
        let channel = Slow {
            listens_after: Duration::ZERO,
            takes: Duration::from_millis(1_500),
            loses: Arc::default(),
            asked: Arc::default(),
        };
        starts_at(channel, messages, change).await
    }

    async fn starts_at(
        channel: Slow,
        messages: usize,
        change: impl Fn(&Checks, &mut Ready),
    ) -> Vec<Duration> {
        let outlet = outlets(vec![Arc::new(channel.clone())]).into_values().next().unwrap();
        let checks = Checks {
            generation: Generation::standing_at(7),
            air: Air::default(),
            held: Arc::new(AtomicBool::new(true)),
            clock: Clock::fixed("2026-11-24T09:16:00Z".parse().unwrap()),
        };
        let settler = Settler::that_forgets();
        let begun = Instant::now();
        let mut flights = JoinSet::new();
        for number in 0..messages {
            let mut message = ready(number, 7);
            change(&checks, &mut message);
            let settling = (settler.clone(), settler.credit().await);
            flights.spawn(fly(message, Arc::clone(&outlet), checks.clone(), settling));
        }
        flights.join_all().await;
        assert!(checks.air.deliveries().is_empty());
        channel.asked.lock().unwrap().iter().map(|asked| asked.duration_since(begun)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_starts_later_than_five_seconds_after_the_directory_was_asked() {
        let starts = starts(6, |_, _| {}).await;
        assert_eq!(starts.len(), 4, "at 0, 1.5, 3 and 4.5 seconds: {starts:?}");
        assert!(starts.iter().all(|start| *start < CLEARED_FOR));
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_while_a_provider_is_slow_to_listen_stops_the_message_all_the_same() {
        let slow = |seconds| Slow {
            listens_after: Duration::from_secs(seconds),
            takes: Duration::ZERO,
            loses: Arc::default(),
            asked: Arc::default(),
        };
        assert_eq!(starts_at(slow(3), 1, |_, _| {}).await.len(), 1);
        assert!(starts_at(slow(5), 1, |_, _| {}).await.is_empty());
        let slow = slow(3);
        let lost = Arc::clone(&slow.loses);
        let lease = |checks: &Checks, _: &mut Ready| *lost.lock().unwrap() = Some(Arc::clone(&checks.held));
        assert!(starts_at(slow, 1, lease).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_of_an_old_clearance_another_generation_or_a_lost_lease_does_not_start() {
        let old = |_: &Checks, ready: &mut Ready| {
            ready.cleared_at = Instant::now().checked_sub(CLEARED_FOR).unwrap();
        };
        let recalled = |_: &Checks, ready: &mut Ready| ready.generation = 6;
        let lost = |checks: &Checks, _: &mut Ready| checks.held.store(false, Ordering::Release);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(starts(1, old).await.is_empty());
        assert!(starts(1, recalled).await.is_empty());
        assert!(starts(1, lost).await.is_empty());
        assert_eq!(starts(1, |_, _| {}).await.len(), 1);
    }
}
