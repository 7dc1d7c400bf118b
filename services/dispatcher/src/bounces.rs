//! Bounces over HTTP: what the school's mail server posts to us of the mail that comes back to return addresses.
//!
//! A mail is read in [`channels::bounce`](crate::channels::bounce), and only what it means is kept, never the mail itself. Like a
//! receipt, a bounce is durable before it is answered. What is no bounce of ours is answered kindly with the reason, because a mail
//! server would only try again, or bounce it; nothing is kept of it, because anybody can send it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use kit::bus::{Handled, Handler, Raw, Verdict, take_in};
use kit::store::Store;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::channels::Secret;
use crate::channels::bounce::{self, Fate};
use crate::channels::email_smtp::ReturnPath;
use crate::channels::notify_receipt::bearer_matches;
use crate::domain::Reason;
use crate::store::receipts::{self, News};

/// Who puts aside what has no delivery.
pub const BOUNCES: &str = "dispatcher--bounces";
/// A report quotes at most the message, which is far smaller.
const MOST_BYTES: usize = 1024 * 1024;

#[derive(Clone)]
struct Intake {
    store: Store,
    handler: Handler,
    token: Secret,
    path: ReturnPath,
}

/// What is kept of a bounce.
#[derive(Serialize, Deserialize)]
struct Kept {
    delivery: String,
    code: String,
}

/// The endpoint for bounces.
pub fn routes(store: Store, handler: Handler, (token, path): (Secret, ReturnPath)) -> Router {
    Router::new()
        .route("/dispatcher/bounces", post(take))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(Intake { store, handler, token, path })
}

/// How a bounce has its effect; also for the ones that were put aside.
#[must_use]
pub fn handler(store: Store, planner: Arc<Notify>) -> Handler {
    Arc::new(move |raw: Raw| {
        let (store, planner) = (store.clone(), Arc::clone(&planner));
        Box::pin(async move {
            let unreadable = || Verdict::Poison("not what is kept of a bounce".to_owned());
            let kept: Kept = serde_json::from_slice(&raw.body).map_err(|_| unreadable())?;
            let news = Reason::by_code(&kept.code).and_then(news).ok_or_else(unreadable)?;
            let channel = receipts::channel_of(&store, &kept.delivery).await?;
            let channel = channel
                .ok_or_else(|| Verdict::Poison("a bounce of a message that nobody here sent".to_owned()))?;
            let id = format!("{}:{}", kept.delivery, kept.code);
            let said = receipts::Said { delivery: kept.delivery, channel, news };
            let commit = receipts::apply(&store, &[said], store.clock().now())?.wake(&planner);
            Ok(Handled { id, commit })
        })
    })
}

/// What a fate is called in rows and in sentences.
fn reason(fate: Fate) -> Reason {
    match fate {
        Fate::Delayed => Reason::Delayed,
        Fate::GivenUp => Reason::TemporaryFailure,
        Fate::Refused => Reason::Bounced,
        Fate::NoSuchMailbox => Reason::PermanentFailure,
    }
}

/// A message that a server has given up has not got there, whatever the server calls it. One that is only late may still do.
fn news(reason: Reason) -> Option<News> {
    match reason {
        Reason::Delayed => Some(News::Noted(reason)),
        Reason::TemporaryFailure | Reason::Bounced | Reason::PermanentFailure => Some(News::Failed(reason)),
        _ => None,
    }
}

async fn take(State(intake): State<Intake>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let authorization = headers.get(AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    if !bearer_matches(authorization, &intake.token) {
        metrics::counter!("dispatcher_receipts_refused_total").increment(1);
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let bounce = match bounce::read(&body, &intake.path) {
        Ok(bounce) => bounce,
        Err(why) => {
            metrics::counter!("dispatcher_bounces_ignored_total", "reason" => why.code()).increment(1);
            tracing::info!(reason = why.code(), "a mail to the mailbox for bounces was ignored");
            return (StatusCode::OK, format!("ignored: {why}\n"));
        }
    };
    let kept = Kept { delivery: bounce.delivery, code: reason(bounce.fate).code().to_owned() };
    let kept = serde_json::to_vec(&kept).unwrap_or_default();
    let raw = Raw { subject: "bounces".to_owned(), body: kept };
    match take_in(&intake.store, BOUNCES, &intake.handler, raw).await {
        Ok(()) => (StatusCode::OK, "taken\n".to_owned()),
        // The mail server tries again on this.
        Err(verdict) => {
            let reason = match verdict {
                Verdict::Away(_) => "store_away",
                Verdict::Retry(_) | Verdict::Poison(_) => "not_durable",
            };
            metrics::counter!("dispatcher_receipts_put_off_total", "reason" => reason).increment(1);
            tracing::warn!(reason, "a bounce could not be kept, and its server is asked to send it again");
            (StatusCode::SERVICE_UNAVAILABLE, "try again\n".to_owned())
        }
    }
}
