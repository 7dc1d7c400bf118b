//! `AmendAccident`: another account takes the place of the one that stood, which is kept.

use kit::clock::to_proto;
use kit::fields::{Fields, Lines};
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::ids::AccidentId;
use proto::incidents::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal};
use crate::domain::{Account, Moment, Rejection};
use crate::store::changes::Hand;
use crate::store::read;

const RPC: &str = "AmendAccident";

struct Amendment {
    accident_id: AccidentId,
    account: Account,
    why: String,
    /// The version that was looked at, if any is named.
    seen: i64,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::AmendAccidentRequest>,
) -> Result<Response<pb::AmendAccidentResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let amendment = read_request(&request)?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, &amendment)).await
}

fn read_request(request: &pb::AmendAccidentRequest) -> Result<Amendment, Status> {
    let mut faults = Fields::default();
    let accident_id = faults.id("accident_id", &request.accident_id);
    let account = fields::read_account(&mut faults, request.account.as_ref());
    let why = faults.text("why", &request.why, 1..=fields::MOST_TEXT, Lines::Many);
    let read = match (accident_id, account, why) {
        (Some(accident_id), Some(account), Some(why)) => {
            Some(Amendment { accident_id, account, why, seen: request.version })
        }
        _ => None,
    };
    faults.finish(read)
}

async fn decide(
    api: &Api,
    caller: &Caller,
    amendment: &Amendment,
) -> Result<(Commit, pb::AmendAccidentResponse), Status> {
    let accident = read::accident(&api.store, caller.tenant, amendment.accident_id).await?;
    let accident = accident.ok_or_else(|| refusal::status(Rejection::UnknownAccident))?;
    if amendment.seen != 0 && u64::try_from(amendment.seen) != Ok(accident.version) {
        return Err(refusal::status(Rejection::AmendedMeanwhile));
    }
    let (zone, roll) =
        tokio::try_join!(api.directory.zone(caller.tenant), api.directory.roll(caller.tenant))?;
    let now = api.now();
    let moment = Moment { now, zone: &zone, roll: &roll };
    let step = accident.amend(amendment.account.clone(), moment).map_err(refusal::status)?;
    let commit = Hand { caller, rpc: RPC, at: now }.amended(&api.store, &step, &amendment.why)?;
    let response = pb::AmendAccidentResponse {
        amended_at: Some(to_proto(now)),
        version: i64::try_from(step.accident.version).unwrap_or(i64::MAX),
    };
    Ok((commit, response))
}
