//! `CloseRegister`: the school-wide close by command. The decision is [`closing`](crate::closing)'s.

use kit::clock::to_proto;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::absences::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal};
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
    let session = fields::session(&mut fields, request.session);
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
    let (school, roll, calendar) = tokio::try_join!(
        api.directory().school(tenant),
        api.directory().roll(tenant),
        api.scheduling().calendar(tenant, sitting.date..=sitting.date)
    )?;
    let times = calendar.check_now(&school, sitting, api.now()).map_err(refusal::status)?;
    calendar.check_open(sitting).map_err(refusal::status)?;
    let (closes_at, ends_at) = (times.closes, times.ends);
    let wanted = Wanted { sitting, closes_at, ends_at, roll: &roll, calendar: &calendar };
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
