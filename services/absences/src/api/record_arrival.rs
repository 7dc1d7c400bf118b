//! `RecordArrival`: the pupil is here after all. What was told is corrected, if anything was.

use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::absences::v1 as pb;
use proto::ids::PupilId;
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal};
use crate::domain::{Phase, Sitting};
use crate::store::changes::{Hand, Posting};
use crate::store::read;

const RPC: &str = "RecordArrival";

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::RecordArrivalRequest>,
) -> Result<Response<pb::RecordArrivalResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut fields = Fields::default();
    let pupil_id = fields.id::<PupilId>("pupil_id", &request.pupil_id);
    let date = fields.date("date", &request.date);
    let session = fields::session(&mut fields, request.session);
    let sitting = date.zip(session).map(|(date, session)| Sitting { date, session });
    let (pupil_id, sitting) = fields.finish(pupil_id.zip(sitting))?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(api.store(), call, &request, || decide(api, &caller, pupil_id, sitting)).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    pupil_id: PupilId,
    sitting: Sitting,
) -> Result<(Commit, pb::RecordArrivalResponse), Status> {
    let tenant = caller.tenant;
    let (school, pupil, calendar) = tokio::try_join!(
        api.directory().school(tenant),
        api.directory().pupil(tenant, pupil_id),
        api.scheduling().calendar(tenant, sitting.date..=sitting.date)
    )?;
    let pupil = pupil.ok_or_else(refusal::unknown_pupil)?;
    let now = api.now();
    let times = calendar.check_now(&school, sitting, now).map_err(refusal::status)?;
    let session = read::session(api.store(), tenant, sitting).await?;
    let line = read::line(api.store(), tenant, sitting, pupil_id).await?;
    let step = line.in_class(pupil.class_id).arrive(session.phase(), now).map_err(refusal::status)?;
    let hand = Hand { caller, rpc: RPC, at: now };
    let commit = hand.commit(&[pupil_id.to_string()]);
    let commit = match session.phase() {
        Phase::Open => hand.while_open(commit, api.store(), sitting, Posting::Arrival(&times)),
        Phase::Closed => commit,
    };
    let response = pb::RecordArrivalResponse {
        code: step.after.entry.code.map(|code| code.text().to_owned()).unwrap_or_default(),
        case_id: step.closed_case().map(|case_id| case_id.to_string()).unwrap_or_default(),
    };
    let commit = hand.steps(commit, &[step])?;
    Ok((commit, response))
}
