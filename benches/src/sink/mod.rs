//! A provider of texts that does nothing but count: GOV.UK Notify's `POST /v2/notifications/sms` and its receipts.
//!
//! It answers as Notify does, refuses beyond a limit when it is given one, and calls back a moment later. It keeps no
//! message: the simulator, which writes each down, would be what is measured. `wrk` takes the limit of this machine on
//! the same process. It runs in a process of its own, which ends when its standard input does.

mod bucket;
mod courier;
mod seen;

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kit::clock::Clock;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use courier::Couriers;
use seen::Book;
pub use seen::{NOBODY, Run, Seen, URGENT, number};

/// Where it is asked when one of those whose time counts was told.
pub const URGENT_AT: &str = "/bench/urgent/";

/// What a message costs to read: only what a receipt repeats is kept.
#[derive(Deserialize)]
struct Text<'a> {
    phone_number: &'a str,
    reference: &'a str,
}

/// What stands behind every connection.
struct Sink {
    book: Book,
    couriers: Couriers,
    clock: Clock,
}

/// Serves until the standard input ends.
pub async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut tasks = JoinSet::new();
    let sink = Arc::new(Sink {
        book: Book::default(),
        couriers: Couriers::start(&mut tasks),
        clock: Clock::system(),
    });
    crate::tools::print(&format!("listening {address}\n"))?;
    let mut left_alone = std::pin::pin!(crate::tools::is_left_alone());
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.context("no connection can be taken")?;
                stream.set_nodelay(true)?;
                let sink = Arc::clone(&sink);
                tasks.spawn(async move {
                    let answer = service_fn(move |request| answer(Arc::clone(&sink), request));
                    let mut server = http1::Builder::new();
                    // Whoever leads the run says nothing while a million contacts are imported.
                    server.header_read_timeout(None).pipeline_flush(true);
                    // A client that hangs up is no news.
                    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
            () = &mut left_alone => return Ok(()),
        }
    }
}

async fn answer(sink: Arc<Sink>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let (status, text) = match (head.method, head.uri.path()) {
        (Method::POST, "/v2/notifications/sms") => sink.take(&body),
        // Nothing is kept, so nothing is found; the sender then sends again.
        (Method::GET, "/v2/notifications") => {
            (StatusCode::OK, r#"{"notifications":[],"links":{}}"#.to_owned())
        }
        (Method::GET, "/bench/seen") => (StatusCode::OK, sink.seen()),
        (Method::POST, "/bench/run") => sink.begin(&body),
        (Method::GET, path) => match path.strip_prefix(URGENT_AT).and_then(|contact| contact.parse().ok()) {
            Some(contact) => (StatusCode::OK, serde_json::json!(sink.book.urgent_at(contact)).to_string()),
            None => (StatusCode::NOT_FOUND, String::new()),
        },
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

impl Sink {
    fn take(&self, body: &[u8]) -> (StatusCode, String) {
        let Ok(text) = serde_json::from_slice::<Text<'_>>(body) else {
            return (StatusCode::BAD_REQUEST, refusal(400, "ValidationError", "this is no text"));
        };
        if !self.book.take(text.phone_number, self.clock.real()) {
            let words = "Exceeded rate limit for key type LIVE";
            return (StatusCode::TOO_MANY_REQUESTS, refusal(429, "RateLimitError", words));
        }
        let id = Uuid::now_v7();
        if self.book.wants_receipts() {
            self.couriers.promise(id, text.reference, text.phone_number);
        }
        (StatusCode::CREATED, created(id, text.reference))
    }

    fn seen(&self) -> String {
        let mut seen = self.book.seen();
        (seen.receipts, seen.receipts_refused, seen.last_receipt_at) = self.couriers.carried();
        serde_json::to_string(&seen).unwrap_or_default()
    }

    fn begin(&self, body: &[u8]) -> (StatusCode, String) {
        match serde_json::from_slice::<Run>(body) {
            Ok(run) => {
                self.couriers.begin(run.receipts_to.as_ref());
                self.book.begin(&run);
                (StatusCode::OK, "{}".to_owned())
            }
            Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
        }
    }
}

fn refusal(status: u16, class: &str, words: &str) -> String {
    format!(r#"{{"status_code":{status},"errors":[{{"error":"{class}","message":"{words}"}}]}}"#)
}

/// As long as Notify's own answer.
fn created(id: Uuid, reference: &str) -> String {
    format!(
        r#"{{"id":"{id}","reference":"{reference}","content":{{"body":"Hillside School: the words of the text","from_number":"GOVUK"}},"uri":"https://api.notifications.service.gov.uk/v2/notifications/{id}","template":{{"id":"5c001be1-0000-4000-8000-000000000003","version":1,"uri":"https://api.notifications.service.gov.uk/v2/template/5c001be1-0000-4000-8000-000000000003"}},"scheduled_for":null}}"#
    )
}
