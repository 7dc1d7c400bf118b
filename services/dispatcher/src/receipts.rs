//! What comes back from providers: receipts on the dispatcher's own HTTP.
//!
//! A receipt is durable before it is answered; what many of them write is written together. One that
//! cannot be read, or that is about a message that nobody here sent, is put aside and answered kindly,
//! because a provider drops for ever what is answered with an error of the caller's; only a wrong
//! token is refused.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use kit::bus::{Handled, Handler, Raw, Verdict, take_in};
use kit::store::{Error, Store};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::channels::Secret;
use crate::channels::notify_receipt::{Receipt, bearer_matches, receipt};
use crate::metrics::{self as measured, NOT_DURABLE, RECEIPTS_PUT_OFF, RECEIPTS_REFUSED, STORE_AWAY};
use crate::points;
use crate::store::receipts::{self, News, Said};

/// Who puts aside what cannot be read.
pub const NOTIFY: &str = "dispatcher--notify-receipts";
const MOST_BYTES: usize = 64 * 1024;
/// How many receipts are written together.
const MOST: usize = 500;

/// What a receipt says about one of our messages, by our reference.
struct Waiting {
    reference: String,
    receipt: Receipt,
    answer: oneshot::Sender<Result<About, Verdict>>,
}

/// Whose a receipt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Us,
    Strangers,
}

/// Takes receipts, and has them written together.
#[derive(Clone)]
pub struct Receipts {
    queue: mpsc::Sender<Waiting>,
}

#[derive(Clone)]
struct Intake {
    store: Store,
    receipts: Receipts,
    handler: Handler,
    token: Secret,
}

impl Receipts {
    /// Where receipts are taken, and the loop that writes them.
    pub fn new(
        store: Store,
        planner: Arc<Notify>,
    ) -> (Self, impl Future<Output = anyhow::Result<()>> + Send) {
        let (queue, waiting) = mpsc::channel(2 * MOST);
        (Self { queue }, write(store, waiting, planner))
    }

    /// Returns when it is durable.
    async fn take(&self, receipt: Receipt) -> Result<About, Verdict> {
        let Some(reference) = receipt.reference.clone() else { return Ok(About::Strangers) };
        let stopping = || Verdict::Away("the service is stopping".to_owned());
        let (answer, written) = oneshot::channel();
        self.queue.send(Waiting { reference, receipt, answer }).await.map_err(|_| stopping())?;
        written.await.map_err(|_| stopping())?
    }
}

/// Writes until nobody can bring a receipt any more.
async fn write(
    store: Store,
    mut waiting: mpsc::Receiver<Waiting>,
    planner: Arc<Notify>,
) -> anyhow::Result<()> {
    let mut batch = Vec::with_capacity(MOST);
    while waiting.recv_many(&mut batch, MOST).await > 0 {
        let said: Vec<(String, Receipt)> =
            batch.iter().map(|waiting| (waiting.reference.clone(), waiting.receipt.clone())).collect();
        let taken = take_all(&store, &said, &planner).await;
        for (place, waiting) in batch.drain(..).enumerate() {
            let about = match &taken {
                Ok(about) => Ok(about.get(place).copied().unwrap_or(About::Strangers)),
                Err(verdict) => Err(verdict.clone()),
            };
            // A provider that has gone away sends it again.
            let _ = waiting.answer.send(about);
        }
    }
    Ok(())
}

/// What each of them is about; what is about us is durable.
async fn take_all(
    store: &Store,
    receipts: &[(String, Receipt)],
    planner: &Arc<Notify>,
) -> Result<Vec<About>, Verdict> {
    let references: Vec<&str> = receipts.iter().map(|(reference, _)| reference.as_str()).collect();
    let channels = receipts::channels_of(store, &references).await?;
    let said = |(reference, receipt): &(String, Receipt)| {
        let channel = channels.get(reference)?.clone();
        measured::receipt(&channel, receipt.status);
        Some(Said { delivery: reference.clone(), channel, news: receipt.status.into() })
    };
    let said: Vec<Said> = receipts.iter().filter_map(said).collect();
    keep(store, &said, planner).await?;
    let about = |reference: &str| if channels.contains_key(reference) { About::Us } else { About::Strangers };
    Ok(references.into_iter().map(about).collect())
}

async fn keep(store: &Store, said: &[Said], planner: &Arc<Notify>) -> Result<(), Error> {
    if said.is_empty() {
        return Ok(());
    }
    let commit = receipts::apply(store, said, store.clock().now())?;
    // Of what did not get there, the next address is wanted at once.
    let any_failed = said.iter().any(|said| matches!(said.news, News::Failed(_)));
    store.faults().at(points::RECEIPTS_TAKEN).await;
    store.commit(if any_failed { commit.wake(planner) } else { commit }).await?;
    store.faults().at(points::RECEIPTS_KEPT).await;
    Ok(())
}

/// The receipts' endpoint for GOV.UK Notify.
pub fn routes(store: Store, (receipts, handler): (Receipts, Handler), token: Secret) -> Router {
    Router::new()
        .route("/dispatcher/receipts/notify", post(take))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(Intake { store, receipts, handler, token })
}

/// How a receipt that was put aside has its effect; and why it is put aside.
#[must_use]
pub fn handler(store: Store, planner: Arc<Notify>) -> Handler {
    Arc::new(move |raw: Raw| {
        let (store, planner) = (store.clone(), Arc::clone(&planner));
        Box::pin(async move {
            let receipt = receipt(&raw.body).map_err(|error| Verdict::Poison(error.to_string()))?;
            let stranger = || Verdict::Poison("a receipt for a message that nobody here sent".to_owned());
            let delivery = receipt.reference.clone().ok_or_else(stranger)?;
            let channel = receipts::channel_of(&store, &delivery).await?.ok_or_else(stranger)?;
            measured::receipt(&channel, receipt.status);
            let id = format!("{delivery}:{:?}", receipt.status);
            let said = Said { delivery, channel, news: receipt.status.into() };
            let commit = receipts::apply(&store, &[said], store.clock().now())?.wake(&planner);
            Ok(Handled { id, commit })
        })
    })
}

async fn take(State(intake): State<Intake>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization = headers.get(AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    if !bearer_matches(authorization, &intake.token) {
        metrics::counter!(RECEIPTS_REFUSED.name).increment(1);
        return StatusCode::UNAUTHORIZED;
    }
    let taken = match receipt(&body) {
        Ok(receipt) => intake.receipts.take(receipt).await,
        Err(_) => Ok(About::Strangers),
    };
    let kept = match taken {
        Ok(About::Us) => Ok(()),
        Ok(About::Strangers) => {
            let raw = Raw { subject: "receipts.notify".to_owned(), body: body.to_vec() };
            take_in(&intake.store, NOTIFY, &intake.handler, raw).await
        }
        Err(verdict) => Err(verdict),
    };
    match kept {
        Ok(()) => StatusCode::NO_CONTENT,
        // The provider tries again on this. What went wrong is named without its words, which could
        // repeat what was received.
        Err(verdict) => {
            let reason = match verdict {
                Verdict::Away(_) => STORE_AWAY,
                Verdict::Retry(_) | Verdict::Poison(_) => NOT_DURABLE,
            };
            metrics::counter!(RECEIPTS_PUT_OFF.name, "reason" => reason).increment(1);
            tracing::warn!(reason, "a receipt could not be kept, and its provider is asked to send it again");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
