//! What a provider says later: calls to the sender's own HTTP, some time after something was accepted.
//!
//! The patience is a provider's: 5 seconds for an answer, again only after a connection error, 5xx or 429, and given up for good after
//! any other 4xx or five repeats. At most [`AT_ONCE`] calls of one provider are in the air. What is due before anybody asked for it waits.
//! What is said is the provider's; this module never looks into it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use tokio::sync::{Semaphore, watch};

use crate::behaviour::Travel;
use crate::clock;
use crate::log::{Event, Receipt};
use crate::world::World;

/// Calls in the air at the same time.
const AT_ONCE: usize = 16;
/// How long the sender may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a call is repeated before it is given up.
const REPEATS: u32 = 5;

/// Where receipts, or bounces, go and when.
#[derive(Debug, Clone)]
pub struct ReceiptsTo {
    /// The callback; `https` needs [`NotifyOptions::receipts_authorities`](crate::NotifyOptions).
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub bearer_token: String,
    /// How long after acceptance one is due.
    pub after: Duration,
    /// How long until one that could not be delivered is tried again (300 s in reality).
    pub retry_every: Duration,
}

/// What is said in one call, and how the witness log names it.
pub(crate) struct Report {
    pub(crate) id: String,
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

/// One provider's way back to the sender.
pub(crate) struct Callback {
    client: reqwest::Client,
    target: watch::Sender<Option<ReceiptsTo>>,
    permits: Semaphore,
    world: Arc<World>,
}

impl Callback {
    /// With `https`, only a certificate from one of `believed` is accepted.
    pub(crate) fn new(
        world: Arc<World>,
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
        Ok(Self { client, target, permits: Semaphore::new(AT_ONCE), world })
    }

    /// From now on reports go there, those that are waiting included.
    pub(crate) fn send_to(&self, target: ReceiptsTo) {
        self.target.send_replace(Some(target));
    }

    /// Returns when a report of something accepted just now is to leave, and says how often.
    pub(crate) async fn due(&self) -> usize {
        let after = self.target.borrow().as_ref().map_or(Duration::ZERO, |target| target.after);
        tokio::time::sleep(after).await;
        match self.released().await {
            Travel::Late { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                1
            }
            Travel::Twice => 2,
            Travel::Prompt | Travel::Withheld => 1,
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

    /// Says it so many times, each time until it is answered or given up.
    pub(crate) async fn say(&self, report: &Report, copies: usize) {
        let Some(target) = self.target().await else { return };
        for _ in 0..copies {
            self.deliver(&target, report).await;
        }
    }

    async fn deliver(&self, target: &ReceiptsTo, report: &Report) {
        for attempt in 1..=REPEATS + 1 {
            if attempt > 1 {
                tokio::time::sleep(target.retry_every).await;
            }
            let answered = self.call(target, report).await;
            let receipt =
                Receipt { id: report.id.clone(), status: report.status.to_owned(), attempt, answered };
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
    async fn call(&self, target: &ReceiptsTo, report: &Report) -> Option<u16> {
        let _permit = self.permits.acquire().await.ok()?;
        let request = self
            .client
            .post(&target.url)
            .header(AUTHORIZATION, format!("Bearer {}", target.bearer_token))
            .header(CONTENT_TYPE, report.content_type)
            .body(report.body.clone());
        request.send().await.ok().map(|response| response.status().as_u16())
    }
}

/// The provider repeats only what another try may mend.
fn worth_repeating(answered: Option<u16>) -> bool {
    answered.is_none_or(|status| status == 429 || status >= 500)
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
