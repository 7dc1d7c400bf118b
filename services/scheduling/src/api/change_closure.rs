//! `ChangeClosure`: a closure that has not ended is longer, shorter, or in other words.

use kit::clock::to_proto;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::ids::ClosureId;
use proto::scheduling::v1 as pb;
use tonic::{Request, Response, Status};

use super::around::Standing;
use super::{Api, fields, wire};
use crate::domain::closure::{Change, Command};
use crate::store::changes::Hand;

const RPC: &str = "ChangeClosure";

struct Asked {
    closure_id: ClosureId,
    change: Change,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::ChangeClosureRequest>,
) -> Result<Response<pb::ChangeClosureResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let asked = read(&request)?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, &asked)).await
}

fn read(request: &pb::ChangeClosureRequest) -> Result<Asked, Status> {
    let mut wrong = Fields::default();
    let closure_id = wrong.id("closure_id", &request.closure_id);
    // What is faulty reads as unset, and `finish` refuses all of it.
    let change = Change {
        last_day: request.last_day.as_ref().and_then(|day| wrong.date("last_day", day)),
        reason: request.reason.as_ref().and_then(|text| fields::reason(&mut wrong, text)),
        collection: request.collection.as_ref().and_then(|text| fields::collection(&mut wrong, text)),
    };
    Ok(Asked { closure_id: wrong.finish(closure_id)?, change })
}

async fn decide(
    api: &Api,
    caller: &Caller,
    asked: &Asked,
) -> Result<(Commit, pb::ChangeClosureResponse), Status> {
    let now = api.clock.now();
    let standing = Standing::of(api, caller, asked.closure_id).await?;
    let hand = Hand { caller, rpc: RPC, at: now };
    let before = standing.closure.as_ref().map_or(0, |closure| closure.version);
    let (commit, version) = match standing.decide(Command::Change(asked.change.clone()), now)? {
        None => (hand.commit(asked.closure_id.to_string()), before),
        Some(event) => {
            let (commit, after) = standing.commit(api, hand, event)?;
            (commit, after.version)
        }
    };
    let version = wire::version(version);
    Ok((commit, pb::ChangeClosureResponse { changed_at: Some(to_proto(now)), version }))
}
