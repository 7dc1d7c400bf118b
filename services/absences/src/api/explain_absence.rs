//! `ExplainAbsence`: an open case is given its code, on the day or later.

use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::absences::v1 as pb;
use proto::ids::CaseId;
use tonic::{Request, Response, Status};

use super::{Api, case_to_proto, fields, refusal};
use crate::domain::{Code, Rejection};
use crate::store::changes::Hand;
use crate::store::read;

const RPC: &str = "ExplainAbsence";

struct Explained {
    case_id: CaseId,
    reason: Code,
    note: String,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::ExplainAbsenceRequest>,
) -> Result<Response<pb::ExplainAbsenceResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut fields = Fields::default();
    let case_id = fields.id("case_id", &request.case_id);
    let reason = fields::reason(&mut fields, &request.code);
    let note = fields::note(&mut fields, &request.note);
    let ((case_id, reason), note) = fields.finish(case_id.zip(reason).zip(note))?;
    let explained = Explained { case_id, reason, note };
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(api.store(), call, &request, || decide(api, &caller, &explained)).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    explained: &Explained,
) -> Result<(Commit, pb::ExplainAbsenceResponse), Status> {
    let tenant = caller.tenant;
    let now = api.now();
    let unknown = || refusal::status(Rejection::UnknownCase);
    let case = read::case(api.store(), tenant, explained.case_id).await?.ok_or_else(unknown)?.opening;
    let line = read::line(api.store(), tenant, case.sitting, case.pupil_id).await?;
    let step = line.explain(explained.reason, explained.note.clone(), now).map_err(refusal::status)?;
    let response = pb::ExplainAbsenceResponse { case: step.after.case.as_ref().map(case_to_proto) };
    let hand = Hand { caller, rpc: RPC, at: now };
    let commit = hand.commit(&[case.pupil_id.to_string()]);
    let commit = hand.steps(commit, &[step])?;
    Ok((commit, response))
}
