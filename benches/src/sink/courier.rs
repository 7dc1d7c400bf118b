//! Receipts on their way back: each text is reported as delivered a moment after it was accepted.
//!
//! Couriers own a connection each and carry their receipts in order, again and again until each is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use kit::clock::Clock;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::http::Connection;

/// Enough that carrying one after the other is not what limits: a provider has as many under way as it wants.
const COURIERS: usize = 512;
/// A phone takes longer; this keeps a receipt from being faster than the answer to its text.
const AFTER: Duration = Duration::from_millis(200);
const AGAIN_AFTER: Duration = Duration::from_millis(200);
const PATH: &str = "/dispatcher/receipts/notify";

struct Receipt {
    run: u64,
    due: Instant,
    body: String,
}

#[derive(Debug, Clone, Default)]
struct Target {
    run: u64,
    place: Option<(String, String)>,
}

#[derive(Default)]
struct Carried {
    taken: AtomicU64,
    refused: AtomicU64,
    last_at: AtomicI64,
}

/// All couriers.
pub struct Couriers {
    bags: Vec<mpsc::UnboundedSender<Receipt>>,
    next: AtomicUsize,
    target: watch::Sender<Target>,
    carried: Arc<Carried>,
}

impl Couriers {
    /// Starts them; they end with their tasks.
    pub fn start(tasks: &mut JoinSet<()>) -> Self {
        let (target, carried) = (watch::Sender::new(Target::default()), Arc::new(Carried::default()));
        let mut bags = Vec::with_capacity(COURIERS);
        for _ in 0..COURIERS {
            let (bag, receipts) = mpsc::unbounded_channel();
            tasks.spawn(carry(receipts, target.subscribe(), Arc::clone(&carried)));
            bags.push(bag);
        }
        Self { bags, next: AtomicUsize::new(0), target, carried }
    }

    /// A new run: what is still carried for the one before is dropped.
    pub fn begin(&self, place: Option<&(String, String)>) {
        let place = place.map(|(host, token)| (host.clone(), format!("Bearer {token}")));
        self.target.send_modify(|target| *target = Target { run: target.run + 1, place });
        self.carried.taken.store(0, Ordering::Relaxed);
        self.carried.refused.store(0, Ordering::Relaxed);
        self.carried.last_at.store(0, Ordering::Relaxed);
    }

    /// Promises a receipt.
    pub fn promise(&self, id: Uuid, reference: &str, number: &str) {
        let body = format!(
            r#"{{"id":"{id}","reference":"{reference}","to":"{number}","status":"delivered","created_at":"2026-11-24T09:00:00.000000Z","completed_at":"2026-11-24T09:00:01.000000Z","sent_at":"2026-11-24T09:00:00.000000Z","notification_type":"sms","template_id":"5c001be1-0000-4000-8000-000000000003","template_version":1}}"#
        );
        let run = self.target.borrow().run;
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(bag) = self.bags.get(turn % COURIERS) {
            // A courier that is gone belongs to a process that ends.
            let _ = bag.send(Receipt { run, due: Instant::now() + AFTER, body });
        }
    }

    /// How many were taken, how many answered otherwise, and when the last was taken.
    pub fn carried(&self) -> (u64, u64, i64) {
        let Carried { taken, refused, last_at } = &*self.carried;
        (taken.load(Ordering::Relaxed), refused.load(Ordering::Relaxed), last_at.load(Ordering::Relaxed))
    }
}

async fn carry(
    mut receipts: mpsc::UnboundedReceiver<Receipt>,
    target: watch::Receiver<Target>,
    carried: Arc<Carried>,
) {
    let (clock, mut connection): (Clock, Option<(u64, Connection)>) = (Clock::system(), None);
    while let Some(receipt) = receipts.recv().await {
        tokio::time::sleep_until(receipt.due).await;
        let body = Bytes::from(receipt.body);
        loop {
            let Target { run, place } = target.borrow().clone();
            let Some((host, bearer)) = place.filter(|_| run == receipt.run) else { break };
            connection = connection.filter(|(of, _)| *of == run);
            if connection.is_none() {
                connection = Connection::open(&host).await.ok().map(|open| (run, open));
            }
            let answered = match &mut connection {
                Some((_, open)) => open.ask(Method::POST, PATH, (Some(&bearer), body.clone())).await.ok(),
                None => None,
            };
            if answered.is_some_and(|(status, _)| status.is_success()) {
                carried.taken.fetch_add(1, Ordering::Relaxed);
                carried.last_at.fetch_max(clock.real().as_microsecond(), Ordering::Relaxed);
                break;
            }
            carried.refused.fetch_add(1, Ordering::Relaxed);
            connection = None;
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}
