//! `SetNonSchoolDay`: the school sets a day of a term aside, or takes that back.

use jiff::civil::Date;
use kit::clock::to_proto;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::scheduling::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal};
use crate::domain::{Calendar, SetAside};
use crate::store::changes::{Decided, Hand};
use crate::store::read;

const RPC: &str = "SetNonSchoolDay";

#[derive(Debug, Clone, Copy)]
struct Asked {
    date: Date,
    set_aside: Option<SetAside>,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::SetNonSchoolDayRequest>,
) -> Result<Response<pb::SetNonSchoolDayResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut wrong = Fields::default();
    let date = wrong.date("date", &request.date);
    let set_aside = fields::set_aside(&mut wrong, request.kind);
    let (date, set_aside) = wrong.finish(date.zip(set_aside))?;
    let asked = Asked { date, set_aside };
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, asked)).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    Asked { date, set_aside }: Asked,
) -> Result<(Commit, pb::SetNonSchoolDayResponse), Status> {
    let (school, now) = (caller.tenant, api.clock.now());
    let on = read::school(&api.store, school).await?;
    let described = api.directory.school(school).await?;
    let set_asides = read::set_asides(&api.store, school).await?;
    let calendar = Calendar::new(described.described, set_asides);
    let first_not_begun = described.clocks.first_day_not_begun(now).map_err(refusal::status)?;
    calendar.check_can_be_set(date, first_not_begun).map_err(refusal::status)?;
    let hand = Hand { caller, rpc: RPC, at: now };
    let commit = hand.commit(date.to_string());
    let response = pb::SetNonSchoolDayResponse { set_at: Some(to_proto(now)) };
    if calendar.set_aside(date) == set_aside {
        return Ok((commit, response));
    }
    let public = calendar.with(date, set_aside).public();
    let decided = Decided { school, on, at: now };
    let commit = decided.calendar(commit, &api.store, on.described_version, public)?;
    Ok((hand.set_aside(commit, &api.store, (date, set_aside)), response))
}
