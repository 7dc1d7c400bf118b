//! How many gRPC calls of a process may be under way at once; more are turned away at once, with a
//! hint when to come back.
//!
//! It stands behind the gate, so that nobody takes room who may not call, and before a request's
//! body is read. Health and reflection, which need no token, always have room. People and services
//! are counted apart: a call of a person that asks another service of this process must find room
//! there. A call is under way until the last of its answer has gone.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use proto::options::v1::Role;
use tokio::sync::Semaphore;
use tonic::{Code, Status};

use crate::identity::Caller;
use crate::metrics::CALLS_TURNED_AWAY;
use crate::rejection::Rejection;

/// As many as a group commit writes together: more would only wait.
pub(super) const PEOPLE: usize = 512;
/// Each of a person's calls may wait for a service that waits for another.
pub(super) const SERVICES: usize = 2 * PEOPLE;
/// Streams of one connection. More than calls, so that a caller hears that there are too many and does
/// not wait for a free stream; not endless, because health is for everybody.
pub(super) const STREAMS: u32 = 2_048;
const COME_BACK_IN: Duration = Duration::from_secs(1);

/// The room that there is.
#[derive(Clone)]
pub(super) struct CallLimit {
    people: Arc<Semaphore>,
    services: Arc<Semaphore>,
}

impl CallLimit {
    /// Room for so many calls of either.
    pub(super) fn of(people: usize, services: usize) -> Self {
        for who in ["people", "services"] {
            metrics::counter!(CALLS_TURNED_AWAY.name, "who" => who).increment(0);
        }
        Self { people: Arc::new(Semaphore::new(people)), services: Arc::new(Semaphore::new(services)) }
    }
}

/// Lets a call in, or turns it away without having looked at what it asks.
pub(super) async fn check(State(limit): State<CallLimit>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>() else { return next.run(request).await };
    let service = caller.is(Role::Service);
    let (who, room) = if service { ("services", limit.services) } else { ("people", limit.people) };
    let Ok(place) = room.try_acquire_owned() else {
        metrics::counter!(CALLS_TURNED_AWAY.name, "who" => who).increment(1);
        let full = "too many calls are under way; send the same request again in a moment";
        let full = Rejection::new(Code::Unavailable, "TOO_MANY_CALLS", full).retry_in(COME_BACK_IN);
        return Status::from(full).into_http();
    };
    let answer = next.run(request).await;
    answer.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _taken_until_the_end = &place;
            frame
        }))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::get;
    use futures::stream;
    use tower::ServiceExt;

    use super::*;
    use crate::Tenant;
    use crate::fixtures::caller;

    async fn ask(port: &Router, who: Option<Role>) -> Response {
        let mut request = Request::new(Body::empty());
        if let Some(role) = who {
            request.extensions_mut().insert(caller(Tenant::generate(), role));
        }
        port.clone().oneshot(request).await.unwrap()
    }

    fn turned_away(answer: &Response) -> bool {
        answer.headers().contains_key("grpc-status")
    }

    #[tokio::test]
    async fn an_answer_takes_room_until_its_end_and_services_have_room_of_their_own() {
        let endless = || async { Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()) };
        let port = Router::new()
            .route("/", get(endless))
            .layer(axum::middleware::from_fn_with_state(CallLimit::of(2, 1), check));
        let [person, service] = [Role::Office, Role::Service].map(Some);
        let (first, second) = (ask(&port, person).await, ask(&port, person).await);
        assert!(!turned_away(&first) && !turned_away(&second));
        assert!(turned_away(&ask(&port, person).await), "answers that nobody has taken yet count");
        let asked = ask(&port, service).await;
        assert!(!turned_away(&asked));
        assert!(turned_away(&ask(&port, service).await));
        assert!(!turned_away(&ask(&port, None).await), "who needs no token has room");
        drop(first);
        assert!(!turned_away(&ask(&port, person).await));
    }
}
