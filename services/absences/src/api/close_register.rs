//! `CloseRegister`: the school-wide close by command. The decision is [`closing`](crate::closing)'s.

use kit::clock::to_proto;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::absences::v1 as pb;
use tonic::{Request, Response, Status};

use super::fields::Fields;
use super::{Api, refusal};
use crate::closing::{Wanted, When};
use crate::domain::Sitting;

const RPC: &str = "CloseRegister";

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::CloseRegisterRequest>,
) -> Result<Response<pb::CloseRegisterResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut fields = Fields::default();
    let date = fields.date("date", &request.date);
    let session = fields.session("session", request.session);
    let sitting = fields.finish(date.zip(session))?;
    let sitting = Sitting { date: sitting.0, session: sitting.1 };
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(api.store(), call, &request, || decide(api, &caller, sitting)).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    sitting: Sitting,
) -> Result<(Commit, pb::CloseRegisterResponse), Status> {
    let tenant = caller.tenant;
    let (school, roll) = tokio::try_join!(api.directory().school(tenant), api.directory().roll(tenant))?;
    let times = school.check_now(sitting, api.now()).map_err(refusal::status)?;
    let wanted = Wanted { sitting, closes_at: times.closes, ends_at: times.ends, roll: &roll };
    let (commit, outcome) = api.closer.decide(caller, RPC, wanted).await?;
    let response = pb::CloseRegisterResponse {
        closed_at: Some(to_proto(outcome.at)),
        already_closed: outcome.when == When::Before,
        announced: outcome.closed.announced,
        person_only: outcome.closed.person_only,
        classes_without_register: outcome.closed.classes_without_register,
        pupils_without_mark: outcome.closed.pupils_without_mark,
    };
    Ok((commit, response))
}
