//! Delivery receipts: what Notify reports back to the sender, some time after it accepted a message.
//!
//! Each accepted message gets one task, which waits until its receipt is due, ends the notification and calls the sender
//! back. As the provider does it: 5 seconds for an answer, again only after a connection error, 5xx or 429, and given up for
//! good after any other 4xx or five repeats. At most [`AT_ONCE`] calls are in the air. A receipt that is due before anybody
//! asked for receipts waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use super::render;
use super::store::{Notification, Status, Store, TEMPLATE_VERSION, instant};
use crate::behaviour::Travel;
use crate::clock;
use crate::log::{Event, Receipt};
use crate::world::World;

/// Receipts in the air at the same time.
const AT_ONCE: usize = 16;
/// How long the sender's callback may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a receipt is repeated before it is given up.
const REPEATS: u32 = 5;

/// Where receipts go and when.
#[derive(Debug, Clone)]
pub struct ReceiptsTo {
    /// The callback; `https` needs [`NotifyOptions::receipts_authorities`](super::NotifyOptions).
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub bearer_token: String,
    /// How long after acceptance a receipt is due.
    pub after: Duration,
    /// How long until a receipt that could not be delivered is tried again (300 s in reality).
    pub retry_every: Duration,
}

/// Carries receipts to the sender.
pub(crate) struct Courier {
    client: reqwest::Client,
    target: watch::Sender<Option<ReceiptsTo>>,
    permits: Semaphore,
    world: Arc<World>,
    store: Arc<Mutex<Store>>,
}

impl Courier {
    pub(crate) fn new(
        world: Arc<World>,
        store: Arc<Mutex<Store>>,
        target: Option<ReceiptsTo>,
        believed: rustls::RootCertStore,
    ) -> Result<Self, reqwest::Error> {
        // No certificate but those of the test is ever believed, and no process-wide TLS provider is needed.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_root_certificates(believed).with_no_client_auth());
        let builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let client = match tls {
            Ok(tls) => builder.tls_backend_preconfigured(tls).build()?,
            Err(_) => builder.build()?,
        };
        let target = watch::Sender::new(target);
        Ok(Self { client, target, permits: Semaphore::new(AT_ONCE), world, store })
    }

    /// From now on receipts go there, those that are waiting included.
    pub(crate) fn send_to(&self, target: ReceiptsTo) {
        self.target.send_replace(Some(target));
    }

    /// Promises a receipt for an accepted message.
    pub(crate) fn promise(self: &Arc<Self>, id: Uuid, status: Status) {
        let courier = Arc::clone(self);
        self.world.tasks.spawn(async move {
            let stopping = courier.world.stopping.clone();
            stopping.run_until_cancelled(courier.carry(id, status)).await;
        });
    }

    async fn carry(&self, id: Uuid, status: Status) {
        let due = self.target.borrow().as_ref().map_or(Duration::ZERO, |target| target.after);
        tokio::time::sleep(due).await;
        let travel = self.released().await;
        if let Travel::Late { milliseconds } = travel {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        let completed =
            self.store.lock().unwrap_or_else(PoisonError::into_inner).complete(id, status, clock::now());
        let Some(notification) = completed else { return };
        let Some(target) = self.target().await else { return };
        let body = body(&notification);
        let copies = if travel == Travel::Twice { 2 } else { 1 };
        for _ in 0..copies {
            self.deliver(&target, &notification, &body).await;
        }
    }

    async fn released(&self) -> Travel {
        let mut travel = self.world.behaviours.travel();
        // The sender lives as long as the world, so the wait ends only by a change or a stop.
        travel.wait_for(|travel| *travel != Travel::Withheld).await.map(|travel| *travel).unwrap_or_default()
    }

    async fn target(&self) -> Option<ReceiptsTo> {
        let mut target = self.target.subscribe();
        target.wait_for(Option::is_some).await.ok().and_then(|target| target.clone())
    }

    async fn deliver(&self, target: &ReceiptsTo, notification: &Notification, body: &Value) {
        for attempt in 1..=REPEATS + 1 {
            if attempt > 1 {
                tokio::time::sleep(target.retry_every).await;
            }
            let answered = self.call(target, body).await;
            let receipt = Receipt {
                id: notification.id.to_string(),
                status: notification.status.text().to_owned(),
                attempt,
                answered,
            };
            if let Err(error) = self.world.witness.record(Event::Receipt(receipt), clock::now()) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the witness log could not be written"
                );
            }
            if !worth_repeating(answered) {
                return;
            }
        }
    }

    /// The status that the callback answered; `None` when it could not be reached or took too long.
    async fn call(&self, target: &ReceiptsTo, body: &Value) -> Option<u16> {
        let _permit = self.permits.acquire().await.ok()?;
        let request = self
            .client
            .post(&target.url)
            .header(AUTHORIZATION, format!("Bearer {}", target.bearer_token))
            .json(body);
        request.send().await.ok().map(|response| response.status().as_u16())
    }
}

/// The provider repeats only what another try may mend.
fn worth_repeating(answered: Option<u16>) -> bool {
    answered.is_none_or(|status| status == 429 || status >= 500)
}

fn body(notification: &Notification) -> Value {
    let draft = &notification.draft;
    json!({
        "id": notification.id,
        "reference": draft.reference,
        "to": draft.written_to,
        "status": notification.status,
        "created_at": instant(notification.created_at),
        "completed_at": notification.completed_at.map(instant),
        "sent_at": instant(notification.created_at),
        "notification_type": render::name(draft.medium),
        "template_id": draft.template_id,
        "template_version": TEMPLATE_VERSION,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_repeated_only_after_trouble_that_may_pass() {
        let table = [
            (None, true),
            (Some(500), true),
            (Some(503), true),
            (Some(429), true),
            (Some(200), false),
            (Some(204), false),
            (Some(301), false),
            (Some(400), false),
            (Some(401), false),
            (Some(404), false),
        ];
        for (answered, repeated) in table {
            assert_eq!(worth_repeating(answered), repeated, "{answered:?}");
        }
    }
}
