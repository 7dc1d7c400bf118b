//! What comes back from providers: receipts on the dispatcher's own HTTP.
//!
//! A receipt is durable before it is answered. One that cannot be read, or that is about a
//! message that nobody here sent, is put aside and answered kindly, because a provider drops for
//! ever what is answered with an error of the caller's; only a wrong token is refused.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use kit::bus::{Handled, Handler, Raw, Verdict, take_in};
use kit::store::Store;
use tokio::sync::Notify;

use crate::channels::Secret;
use crate::channels::notify_receipt::{ReceiptStatus, bearer_matches, receipt};
use crate::metrics::{self as measured, NOT_DURABLE, RECEIPTS_PUT_OFF, RECEIPTS_REFUSED, STORE_AWAY};
use crate::store::receipts;

/// Who puts aside what cannot be read.
pub const NOTIFY: &str = "dispatcher--notify-receipts";
const MOST_BYTES: usize = 64 * 1024;

#[derive(Clone)]
struct Intake {
    store: Store,
    handler: Handler,
    token: Secret,
}

/// The receipts' endpoint for GOV.UK Notify.
pub fn routes(store: Store, handler: Handler, token: Secret) -> Router {
    Router::new()
        .route("/dispatcher/receipts/notify", post(take))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(Intake { store, handler, token })
}

/// How a receipt has its effect; also for the ones that were put aside.
#[must_use]
pub fn handler(store: Store, planner: Arc<Notify>) -> Handler {
    Arc::new(move |raw: Raw| {
        let (store, planner) = (store.clone(), Arc::clone(&planner));
        Box::pin(async move {
            let receipt = receipt(&raw.body).map_err(|error| Verdict::Poison(error.to_string()))?;
            let about = receipts::delivery_of(&store, receipt.reference.as_deref()).await?;
            let (delivery, channel) = about
                .ok_or_else(|| Verdict::Poison("a receipt for a message that nobody here sent".to_owned()))?;
            measured::receipt(&channel, receipt.status);
            let now = store.clock().now();
            let commit = receipts::apply(&store, (&channel, &delivery), receipt.status, now);
            let commit = match receipt.status {
                ReceiptStatus::Delivered => commit,
                // The next address is wanted at once.
                ReceiptStatus::PermanentFailure
                | ReceiptStatus::TemporaryFailure
                | ReceiptStatus::TechnicalFailure => commit.wake(&planner),
            };
            Ok(Handled { id: format!("{delivery}:{:?}", receipt.status), commit })
        })
    })
}

async fn take(State(intake): State<Intake>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization = headers.get(AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    if !bearer_matches(authorization, &intake.token) {
        metrics::counter!(RECEIPTS_REFUSED.name).increment(1);
        return StatusCode::UNAUTHORIZED;
    }
    let raw = Raw { subject: "receipts.notify".to_owned(), body: body.to_vec() };
    match take_in(&intake.store, NOTIFY, &intake.handler, raw).await {
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
