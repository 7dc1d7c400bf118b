//! Calls while the database is away: nobody waits for it longer than it takes to be sure.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tonic::{Code, Status};

use crate::identity::Caller;
use crate::rejection::Rejection;
use crate::store::presence::Presence;

/// Ends a call that cannot be answered without the database. What it has begun is written as a whole
/// or not at all, as when its caller goes away. Health and reflection need no database.
pub(super) async fn check(State(mut presence): State<Presence>, request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_none() {
        return next.run(request).await;
    }
    tokio::select! {
        biased;
        () = presence.is_lost() => {
            let away = "the database is away; send the same request again in a moment";
            Status::from(Rejection::new(Code::Unavailable, "TRY_AGAIN", away)).into_http()
        }
        answer = next.run(request) => answer,
    }
}
