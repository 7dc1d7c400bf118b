//! The way to another service: a connection to the process that serves it or, where this process serves it itself,
//! straight into its routes. Both are gRPC, through the same generated client, gate, limits and services; in one
//! process only the HTTP/2 between them is left out, which cost more than all the rest of a short call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::http::{Extensions, HeaderMap, Request, Response};
use futures::future::BoxFuture;
use futures::{FutureExt, stream};
use http_body_util::StreamBody;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::{Service, ServiceExt};

/// Where calls to a service go.
#[derive(Clone)]
pub struct Way(Kind);

#[derive(Clone)]
enum Kind {
    Connection(Channel),
    Here(Here),
}

/// The routes of this process, for as long as they are served.
#[derive(Clone)]
pub(crate) struct Here(watch::Sender<Served>);

#[derive(Clone)]
enum Served {
    /// Whoever calls waits.
    NotYet,
    By(Router),
    /// Whoever calls is told so.
    NoMore,
}

/// Ends the way into a process when it is dropped: what is called would otherwise hold whoever calls, for ever.
pub(crate) struct Closing(pub Here);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl From<Channel> for Way {
    fn from(channel: Channel) -> Self {
        Self(Kind::Connection(channel))
    }
}

impl From<Here> for Way {
    fn from(here: Here) -> Self {
        Self(Kind::Here(here))
    }
}

impl Service<Request<Body>> for Way {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &mut self.0 {
            Kind::Connection(channel) => channel.poll_ready(context),
            Kind::Here(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match &mut self.0 {
            Kind::Connection(channel) => Box::pin(channel.call(request)),
            Kind::Here(here) => Box::pin(here.clone().call(request).map(Ok)),
        }
    }
}

impl Default for Here {
    fn default() -> Self {
        Self(watch::Sender::new(Served::NotYet))
    }
}

impl Here {
    /// These are the routes.
    pub fn serve(&self, routes: Router) {
        self.0.send_replace(Served::By(routes));
    }

    /// Nobody is answered any more.
    pub fn close(&self) {
        self.0.send_replace(Served::NoMore);
    }

    async fn routes(&self) -> Option<Router> {
        let mut served = self.0.subscribe();
        let served = served.wait_for(|served| !matches!(served, Served::NotYet)).await.ok()?;
        if let Served::By(routes) = &*served { Some(routes.clone()) } else { None }
    }

    /// What does not cross between processes does not cross here: what either side has attached, a panic, and time
    /// beyond the caller's patience.
    async fn call(self, mut request: Request<Body>) -> Response<Body> {
        let patience = patience(request.headers()).unwrap_or(Duration::MAX);
        *request.extensions_mut() = Extensions::new();
        let answering = async {
            match self.routes().await {
                Some(routes) => match routes.oneshot(request).await {
                    Ok(answer) => answer.map(guarded),
                    Err(never) => match never {},
                },
                None => Status::unavailable("the process is stopping").into_http(),
            }
        };
        match tokio::time::timeout(patience, AssertUnwindSafe(answering).catch_unwind()).await {
            Ok(Ok(mut answer)) => {
                *answer.extensions_mut() = Extensions::new();
                answer
            }
            Ok(Err(_)) => Status::internal(FAILED).into_http(),
            Err(_) => Status::deadline_exceeded("the answer took too long").into_http(),
        }
    }
}

const FAILED: &str = "the call failed";

/// An answer on its way. One whose writer panics ends as a failure, and not whoever reads it.
fn guarded(body: axum::body::Body) -> Body {
    let mut left = Some(body);
    Body::new(StreamBody::new(stream::poll_fn(move |context| {
        let Some(body) = &mut left else { return Poll::Ready(None) };
        let Ok(frame) = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context))) else {
            left = None;
            return Poll::Ready(Some(Err(Status::internal(FAILED))));
        };
        frame.map_err(|_| Status::internal(FAILED))
    })))
}

/// How long a caller waits, as gRPC writes it: at most eight digits and a unit.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::routing::post;
    use futures::StreamExt;
    use http_body_util::BodyExt;
    use tonic::metadata::MetadataMap;
    use tonic::{Code, Request as Asked};

    use super::*;

    async fn call(here: &Here, path: &str, patience: Option<&str>) -> Response<Body> {
        let mut request = Request::post(path).body(Body::default()).unwrap();
        request.extensions_mut().insert("attached");
        if let Some(patience) = patience {
            request.headers_mut().insert("grpc-timeout", patience.parse().unwrap());
        }
        Way::from(here.clone()).oneshot(request).await.unwrap()
    }

    fn code(answer: &Response<Body>) -> Option<Code> {
        Status::from_header_map(answer.headers()).map(|status| status.code())
    }

    fn routes() -> Router {
        Router::new()
            .route(
                "/answer",
                post(|request: Request<axum::body::Body>| async move {
                    let mut answer =
                        Response::new(request.extensions().get::<&str>().map_or("", |text| text).to_owned());
                    answer.extensions_mut().insert("attached");
                    answer
                }),
            )
            .route("/fall", post(async || -> () { panic!("fallen") }))
            .route(
                "/break",
                post(async || {
                    let said = stream::iter([Ok::<_, Infallible>("said")]);
                    let fall =
                        stream::poll_fn(|_| -> Poll<Option<Result<&str, Infallible>>> { panic!("fallen") });
                    axum::body::Body::from_stream(said.chain(fall))
                }),
            )
            .route("/never", post(async || std::future::pending::<()>().await))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_in_the_process_meets_what_a_call_to_another_would() {
        let here = Here::default();
        here.serve(routes());
        let answer = call(&here, "/answer", None).await;
        assert!(code(&answer).is_none() && answer.extensions().is_empty());
        let said = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(said, "", "what the caller has attached stays with the caller");
        assert_eq!(code(&call(&here, "/fall", None).await), Some(Code::Internal));
        let mut broken = call(&here, "/break", None).await.into_body();
        let said = broken.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(said, "said");
        assert_eq!(broken.frame().await.unwrap().unwrap_err().code(), Code::Internal);
        assert!(broken.frame().await.is_none());
        assert_eq!(code(&call(&here, "/never", Some("10S")).await), Some(Code::DeadlineExceeded));
    }

    #[tokio::test]
    async fn whoever_calls_before_anything_is_served_waits() {
        let here = Here::default();
        let (answer, ()) = futures::join!(call(&here, "/answer", None), async {
            tokio::task::yield_now().await;
            here.serve(routes());
        });
        assert!(code(&answer).is_none());
        drop(Closing(here.clone()));
        assert_eq!(code(&call(&here, "/answer", None).await), Some(Code::Unavailable), "and nobody for ever");
    }

    #[test]
    fn the_patience_of_a_request_is_read_as_it_was_written() {
        for seconds in [0.000_001, 0.25, 10.0, 100_000.0, 199_999_980.0] {
            let wanted = Duration::from_secs_f64(seconds);
            let mut asked = Asked::new(());
            asked.set_timeout(wanted);
            let headers = MetadataMap::into_headers(asked.metadata().clone());
            assert_eq!(patience(&headers), Some(wanted), "{headers:?}");
        }
        let mut headers = HeaderMap::new();
        for unreadable in ["", "S", "10", "10x", "\u{e9}"] {
            headers
                .insert("grpc-timeout", axum::http::HeaderValue::from_bytes(unreadable.as_bytes()).unwrap());
            assert_eq!(patience(&headers), None, "{unreadable}");
        }
    }
}
