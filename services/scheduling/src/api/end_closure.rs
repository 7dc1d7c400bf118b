//! `EndClosure`: children are expected again.

use jiff::civil::Date;
use kit::clock::to_proto;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::ids::ClosureId;
use proto::scheduling::v1 as pb;
use tonic::{Request, Response, Status};

use super::around::Standing;
use super::{Api, refusal, wire};
use crate::domain::Rejection;
use crate::domain::closure::Command;
use crate::store::changes::Hand;

const RPC: &str = "EndClosure";

struct Asked {
    closure_id: ClosureId,
    open_on: Option<Date>,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::EndClosureRequest>,
) -> Result<Response<pb::EndClosureResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut wrong = Fields::default();
    let closure_id = wrong.id("closure_id", &request.closure_id);
    let open_on = match request.open_on.as_str() {
        "" => Some(None),
        day => wrong.date("open_on", day).map(Some),
    };
    let (closure_id, open_on) = wrong.finish(closure_id.zip(open_on))?;
    let asked = Asked { closure_id, open_on };
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, &asked)).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    asked: &Asked,
) -> Result<(Commit, pb::EndClosureResponse), Status> {
    let now = api.clock.now();
    let standing = Standing::of(api, caller, asked.closure_id).await?;
    let event = standing.decide(Command::End(asked.open_on), now)?;
    let event = event.ok_or_else(|| refusal::status(Rejection::ClosureEnded))?;
    let (commit, after) = standing.commit(api, Hand { caller, rpc: RPC, at: now }, event)?;
    let version = wire::version(after.version);
    Ok((commit, pb::EndClosureResponse { ended_at: Some(to_proto(now)), version }))
}
