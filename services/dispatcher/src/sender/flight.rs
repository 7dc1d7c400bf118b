//! One message on its way to its provider.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kit::clock::Clock;
use kit::faults::Faults;
use kit::telemetry;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::air::{Air, InTheAir};
use super::generation::Generation;
use super::outlet::{Outlet, Turn};
use super::prepare::Ready;
use super::settler::Settler;
use crate::channels::{Leave, NotSent, Outcome, why};
use crate::domain::settle::{Semantics, settle, started_in_vain};
use crate::metrics;
use crate::points;
use crate::store::settle::Finished;

/// How old a clearance may be when a request is started. Promised to every restricted family.
const CLEARED_FOR: Duration = Duration::from_secs(5);
/// A request that is about to start must be on its way well within that.
const MARGIN: Duration = Duration::from_millis(250);

/// What every flight of this process stands on.
#[derive(Clone)]
pub(super) struct Desk {
    pub generation: Generation,
    pub air: Air,
    pub clock: Clock,
    pub settler: Settler,
    pub faults: Faults,
}

impl Desk {
    /// Whether a message that waited for its turn may still leave.
    pub(super) fn may_leave(&self, ready: &Ready) -> bool {
        self.holds(&Looked::of(ready))
    }

    fn holds(&self, looked: &Looked) -> bool {
        looked.is_fresh(MARGIN)
            && looked.held.load(Ordering::Acquire)
            && self.generation.fresh() == Some(looked.generation)
            && self.clock.now() < looked.valid_until
    }
}

/// What a message may leave under.
#[derive(Clone)]
struct Looked {
    cleared_at: Instant,
    generation: i64,
    valid_until: Timestamp,
    held: Arc<AtomicBool>,
}

impl Looked {
    fn of(ready: &Ready) -> Self {
        let (valid_until, held) = (ready.delivery.valid_until, Arc::clone(&ready.held));
        Self { cleared_at: ready.cleared_at, generation: ready.generation, valid_until, held }
    }

    fn is_fresh(&self, margin: Duration) -> bool {
        self.cleared_at.elapsed() + margin < CLEARED_FOR
    }
}

/// What a flight holds until what came of it is durable.
pub(super) struct Landing {
    /// A crash repeats at most as many as there are credits.
    _credit: OwnedSemaphorePermit,
    /// A recall sees it.
    _in_the_air: InTheAir,
    /// Its round is not over.
    _round: mpsc::Sender<Infallible>,
}

/// Sends one message, and has what came of it written down. A message that is no longer fresh stays
/// as it is and is looked at again in the next round.
pub(super) async fn fly(ready: Ready, outlet: &Outlet, desk: &Desk, turn: Turn<'_>) {
    // Before the last look: a recall that has waited for every look then sees this flight.
    let in_the_air = desk.air.take_off(&ready.delivery.id);
    let looked = Looked::of(&ready);
    let at_most_once = ready.attempted.semantics == Semantics::AtMostOnce;
    let turn = if at_most_once { outlet.start(turn, desk, &ready.delivery.id).await } else { Some(turn) };
    let Some(turn) = turn else { return };
    if at_most_once {
        desk.faults.at(points::START_DURABLE).await;
    }
    desk.faults.at(points::BEFORE_REQUEST).await;
    let started_at = desk.clock.now();
    // A provider may take long to listen; what has changed meanwhile still stops the message.
    let (asked, look) = (desk.clone(), looked.clone());
    let leave = Leave::while_it_holds(move || asked.holds(&look));
    let span = span(&ready);
    let (asked_at, real) = (Instant::now(), desk.clock.real());
    let sent = outlet.send(&ready.outgoing, &leave, real);
    let outcome = match sent.instrument(span.clone()).await {
        Ok(outcome) => Some(outcome),
        // Counted, so that a provider who is always too slow does not keep the next address waiting.
        Err(NotSent::MayNot) if !looked.is_fresh(MARGIN) => {
            Some(Outcome::Retry { why: why::TOO_SLOW, after: None })
        }
        // It stands there as started, and nothing of it has left.
        Err(NotSent::MayNot | NotSent::NoTurn) if at_most_once => None,
        Err(NotSent::MayNot | NotSent::NoTurn) => return,
    };
    desk.faults.at(points::ANSWERED).await;
    let now = desk.clock.now();
    let (settled, attempts, started_at) = match outcome {
        Some(outcome) => {
            metrics::answered(&ready.delivery.channel, asked_at.elapsed(), &outcome, real);
            (settle(&ready.attempted, outcome, now), ready.attempted.attempts, Some(started_at))
        }
        None => (started_in_vain(&ready.attempted, now), ready.delivery.attempts, None),
    };
    span.record("outcome", settled.state.as_str());
    metrics::attempted(&ready.delivery.channel, settled.state);
    let finished = Finished {
        delivery: ready.delivery.id,
        school: ready.school,
        channel: ready.delivery.channel,
        lane: ready.lane,
        attempts,
        settled,
        started_at,
        dropped: None,
    };
    let landing = Landing { _credit: turn.into_credit(), _in_the_air: in_the_air, _round: ready.round };
    desk.settler.land(finished, landing).await;
}

/// One request, in the trace of what it tells.
fn span(ready: &Ready) -> Span {
    if !telemetry::is_collected() {
        return Span::none();
    }
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
    use kit::testing::{TestStore, stores};
    use proto::ids::SchoolId;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::channels::{Channel, ChannelName, Found, Limits, Medium, Outgoing};
    use crate::domain::settle::Attempted;
    use crate::domain::{DeliveryState, NoticeKind, Purpose};
    use crate::routes::Lane;
    use crate::sender::queue::Way;
    use crate::sender::work;
    use crate::store::chunks::Delivery;

    /// A provider that takes its time; remembers when it was asked.
    #[derive(Debug, Clone)]
    struct Slow {
        listens_after: Duration,
        takes: Duration,
        connections: usize,
        /// The lease that is lost while it is slow to listen.
        loses: Arc<Mutex<Option<Arc<AtomicBool>>>>,
        asked: Arc<Mutex<Vec<Instant>>>,
    }

    impl Channel for Slow {
        fn name(&self) -> ChannelName {
            "sms.slow".parse().unwrap()
        }

        fn limits(&self) -> Limits {
            Limits { characters: 1_000, per_second: 1_000, burst: 1_000, connections: self.connections }
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

    fn ready(number: usize, generation: i64, round: mpsc::Sender<Infallible>) -> Ready {
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
            lane: Lane::Normal,
            outgoing: Outgoing {
                key: format!("dlv_{number}"),
                to: "+447700900001".to_owned(),
                subject: None,
                body: "words".to_owned(),
                purpose: Purpose::Needed,
                lane: Lane::Normal,
            },
            attempted: Attempted {
                attempts: 1,
                valid_until,
                patience: SignedDuration::from_mins(10),
                patience_until: None,
                medium: Medium::Text,
                semantics: Semantics::AtLeastOnce,
            },
            cleared_at: Instant::now(),
            generation,
            traces: Vec::new(),
            held: Arc::new(AtomicBool::new(true)),
            round,
        }
    }

    fn desk(settler: Settler) -> Desk {
        Desk {
            generation: Generation::standing_at(7),
            air: Air::default(),
            clock: Clock::fixed("2026-11-24T09:16:00Z".parse().unwrap()),
            settler,
            faults: Faults::default(),
        }
    }

    fn slow(listens_after: u64) -> Slow {
        Slow {
            listens_after: Duration::from_secs(listens_after),
            takes: Duration::ZERO,
            connections: 1,
            loses: Arc::default(),
            asked: Arc::default(),
        }
    }

    /// Lets messages fly that were cleared just now; says how long after it each was started.
    async fn starts(test: &TestStore, messages: usize, change: impl Fn(&mut Ready)) -> Vec<Duration> {
        let channel = Slow {
            listens_after: Duration::ZERO,
            takes: Duration::from_millis(1_500),
            connections: 1,
            loses: Arc::default(),
            asked: Arc::default(),
        };
        starts_at(test, channel, messages, change).await
    }

    /// A store that nobody asks, and time that passes only when everybody waits.
    async fn stands_still() -> TestStore {
        let test = stores("dispatcher", crate::store::MIGRATIONS).await.remove(0);
        tokio::time::pause();
        tokio::time::advance(Duration::from_mins(1)).await;
        test
    }

    async fn starts_at(
        test: &TestStore,
        channel: Slow,
        messages: usize,
        change: impl Fn(&mut Ready),
    ) -> Vec<Duration> {
        let outlet = Outlet::unlimited(Arc::new(channel.clone()), &test.store);
        let desk = desk(Settler::that_forgets());
        let begun = Instant::now();
        let (in_round, mut over) = mpsc::channel(1);
        for number in 0..messages {
            let mut message = ready(number, 7, in_round.clone());
            change(&mut message);
            outlet.push(Lane::Normal, message);
        }
        drop(in_round);
        let stop = CancellationToken::new();
        let worker = work((Arc::clone(&outlet), Way::Any), desk.clone(), stop.clone());
        tokio::select! {
            () = worker => unreachable!("it ends with the stop only"),
            ended = over.recv() => assert!(ended.is_none()),
        }
        assert!(desk.air.deliveries().is_empty());
        let asked = channel.asked.lock().unwrap();
        asked.iter().map(|asked| asked.duration_since(begun)).collect()
    }

    #[tokio::test]
    async fn no_request_starts_later_than_five_seconds_after_the_directory_was_asked() {
        let test = stands_still().await;
        let starts = starts(&test, 6, |_| {}).await;
        assert_eq!(starts.len(), 4, "at 0, 1.5, 3 and 4.5 seconds: {starts:?}");
        assert!(starts.iter().all(|start| *start < CLEARED_FOR));
    }

    #[tokio::test]
    async fn while_a_start_is_written_down_another_message_uses_the_connection() {
        let test = stands_still().await;
        let channel = slow(0);
        let outlet = Outlet::unlimited(Arc::new(channel.clone()), &test.store);
        let stop = CancellationToken::new();
        // Its loop is not run, so no start ever becomes durable.
        let (settler, _nobody_writes) = Settler::new(test.store.clone(), Arc::default(), stop.clone());
        let desk = desk(settler);
        let (in_round, _over) = mpsc::channel(1);
        for (number, semantics) in [Semantics::AtMostOnce, Semantics::AtLeastOnce].into_iter().enumerate() {
            let mut message = ready(number, 7, in_round.clone());
            message.attempted.semantics = semantics;
            outlet.push(Lane::Normal, message);
        }
        let worker = || work((Arc::clone(&outlet), Way::Any), desk.clone(), stop.clone());
        // Time stands still, and passes when nobody has anything left to do.
        let in_the_air = async {
            let never = std::future::pending::<()>();
            let _ = tokio::time::timeout(Duration::from_secs(2), never).await;
            desk.air.deliveries()
        };
        let in_the_air = tokio::select! {
            () = worker() => unreachable!("it ends with the stop only"),
            () = worker() => unreachable!("it ends with the stop only"),
            in_the_air = in_the_air => in_the_air,
        };
        assert_eq!(channel.asked.lock().unwrap().len(), 1);
        assert!(in_the_air.contains("dlv_0"), "a recall sees what waits for its start: {in_the_air:?}");
    }

    #[tokio::test]
    async fn what_is_urgent_leaves_while_every_connection_of_the_others_hangs() {
        let test = stands_still().await;
        let channel = Slow { takes: Duration::from_mins(1), connections: 4, ..slow(0) };
        let outlet = Outlet::unlimited(Arc::new(channel.clone()), &test.store);
        let (desk, stop) = (desk(Settler::that_forgets()), CancellationToken::new());
        let (in_round, _over) = mpsc::channel(1);
        for number in 0..9 {
            outlet.push(Lane::Bulk, ready(number, 7, in_round.clone()));
        }
        let worker = |way| work((Arc::clone(&outlet), way), desk.clone(), stop.clone());
        let workers = futures::future::join_all(outlet.workers().map(worker));
        let story = async {
            let moment = || tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>());
            let _ = moment().await;
            let before = channel.asked.lock().unwrap().len();
            outlet.push(Lane::Urgent, ready(9, 7, in_round.clone()));
            let _ = moment().await;
            (before, channel.asked.lock().unwrap().len(), desk.air.deliveries())
        };
        let (before, after, in_the_air) = tokio::select! {
            _ = workers => unreachable!("they end with the stop only"),
            story = story => story,
        };
        assert_eq!((before, after), (3, 4));
        assert!(in_the_air.contains("dlv_9"), "{in_the_air:?}");
    }

    #[tokio::test]
    async fn more_letters_than_may_be_started_ahead_all_leave() {
        let test = stores("dispatcher", crate::store::MIGRATIONS).await.remove(0);
        let channel = slow(0);
        let outlet = Outlet::unlimited(Arc::new(channel.clone()), &test.store);
        let stop = CancellationToken::new();
        let (settler, writes) = Settler::new(test.store.clone(), Arc::default(), stop.clone());
        let desk = desk(settler);
        let (in_round, mut over) = mpsc::channel(1);
        for number in 0..600 {
            let mut message = ready(number, 7, in_round.clone());
            message.attempted.semantics = Semantics::AtMostOnce;
            outlet.push(Lane::Normal, message);
        }
        drop(in_round);
        let worker = |way| work((Arc::clone(&outlet), way), desk.clone(), stop.clone());
        let workers = futures::future::join_all(outlet.workers().map(worker));
        tokio::select! {
            _ = workers => unreachable!("they end with the stop only"),
            _ = writes => unreachable!("it ends with the workers only"),
            ended = tokio::time::timeout(Duration::from_secs(30), over.recv()) => {
                assert!(ended.is_ok(), "{} of 600 have left", channel.asked.lock().unwrap().len());
            }
        }
        assert_eq!(channel.asked.lock().unwrap().len(), 600);
    }

    #[tokio::test]
    async fn what_changes_while_a_provider_is_slow_to_listen_stops_the_message_all_the_same() {
        let test = stands_still().await;
        assert_eq!(starts_at(&test, slow(3), 1, |_| {}).await.len(), 1);
        assert!(starts_at(&test, slow(5), 1, |_| {}).await.is_empty());
        let losing = slow(3);
        let lost = Arc::clone(&losing.loses);
        let lease = |ready: &mut Ready| *lost.lock().unwrap() = Some(Arc::clone(&ready.held));
        assert!(starts_at(&test, losing, 1, lease).await.is_empty());
    }

    #[tokio::test]
    async fn a_message_of_an_old_clearance_another_generation_or_a_lost_lease_does_not_start() {
        let old = |ready: &mut Ready| {
            ready.cleared_at = Instant::now().checked_sub(CLEARED_FOR).unwrap();
        };
        let recalled = |ready: &mut Ready| ready.generation = 6;
        let lost = |ready: &mut Ready| ready.held.store(false, Ordering::Release);
        let test = stands_still().await;
        assert!(starts(&test, 1, old).await.is_empty());
        assert!(starts(&test, 1, recalled).await.is_empty());
        assert!(starts(&test, 1, lost).await.is_empty());
        assert_eq!(starts(&test, 1, |_| {}).await.len(), 1);
    }
}
