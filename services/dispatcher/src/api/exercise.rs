//! `Exercise`: a notice that takes the whole way from its fact to the last step, and of which nothing leaves.
//!
//! It is one notice and not a time, so that a child who is really hurt meanwhile is told of like any other; and it
//! says nothing to the other services, because a closure that is none must not keep anybody from following up an
//! absence.

use jiff::SignedDuration;
use kit::identity::Caller;
use kit::rejection::Rejection;
use kit::store::{Call, once};
use proto::dispatcher::v1 as pb;
use proto::events::scope::Scope;
use proto::ids::EventId;
use tonic::{Response, Status};

use super::Api;
use super::preview::{as_preview, what, words};
use crate::routes::route;
use crate::store::facts::{Told, exercise};

/// For so long it is worth going on with.
const LASTS: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn run(
    api: &Api,
    caller: &Caller,
    request: &pb::ExerciseRequest,
) -> Result<Response<pb::ExerciseResponse>, Status> {
    let asked = as_preview(request);
    let (kind, _) = what(&asked)?;
    let scope = Scope::read(asked.audience.as_ref())
        .map_err(|error| Rejection::invalid("INVALID_AUDIENCE", "audience", error.to_string()))?;
    let about = words::about(kind, &scope, &asked)?;
    let about = about.ok_or_else(|| Rejection::invalid("REQUIRED", "words", "say what it would say"))?;
    let call = Call { caller, rpc: "Exercise", request_id: &request.request_id };
    once(&api.store, call, request, || async {
        let now = api.store.clock().now();
        let event = EventId::generate();
        let told = Told {
            school: caller.tenant,
            event,
            subject: event.to_string(),
            version: 1,
            pupil: None,
            topic: format!("exercise/{event}"),
            about: about.clone(),
            valid_until: now.saturating_add(LASTS).unwrap_or(now),
        };
        let (commit, gathering_id) = exercise(&api.store, &told, &route(kind, &api.timing), now)?;
        let commit = commit.audit(caller, "Exercise", &[], now).wake(&api.planner);
        Ok((commit, pb::ExerciseResponse { gathering_id }))
    })
    .await
}
