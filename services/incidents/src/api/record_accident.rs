//! `RecordAccident`: an accident of one child is written down and said.

use kit::clock::to_proto;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::ids::{AccidentId, PupilId};
use proto::incidents::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal};
use crate::domain::{Accident, Account, Moment};
use crate::store::changes::Hand;

const RPC: &str = "RecordAccident";

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::RecordAccidentRequest>,
) -> Result<Response<pb::RecordAccidentResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut faults = Fields::default();
    let pupil_id = faults.id::<PupilId>("pupil_id", &request.pupil_id);
    let account = fields::read_account(&mut faults, request.account.as_ref());
    let (pupil_id, account) = faults.finish(pupil_id.zip(account))?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, pupil_id, &account)).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    pupil_id: PupilId,
    account: &Account,
) -> Result<(Commit, pb::RecordAccidentResponse), Status> {
    let (zone, roll) =
        tokio::try_join!(api.directory.zone(caller.tenant), api.directory.roll(caller.tenant))?;
    let now = api.now();
    let moment = Moment { now, zone: &zone, roll: &roll };
    let step = Accident::record(AccidentId::generate(), pupil_id, account.clone(), moment)
        .map_err(refusal::status)?;
    let commit = Hand { caller, rpc: RPC, at: now }.recorded(&step)?;
    let response = pb::RecordAccidentResponse {
        accident_id: step.accident.id.to_string(),
        recorded_at: Some(to_proto(step.accident.recorded_at)),
    };
    Ok((commit, response))
}
