//! `ReportAbsence`: a reason from home, before the register or after it, for a session or a day.

use jiff::civil::Date;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::absences::v1 as pb;
use proto::events::absences::Session;
use proto::ids::PupilId;
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal};
use crate::domain::{Code, Sitting, Step, calendar};
use crate::store::changes::Hand;
use crate::store::read;

const RPC: &str = "ReportAbsence";

struct Reported {
    pupil_id: PupilId,
    date: Date,
    sessions: Vec<Session>,
    reason: Code,
    note: String,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::ReportAbsenceRequest>,
) -> Result<Response<pb::ReportAbsenceResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let reported = read_request(&request)?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(api.store(), call, &request, || decide(api, &caller, &reported)).await
}

fn read_request(request: &pb::ReportAbsenceRequest) -> Result<Reported, Status> {
    let mut fields = Fields::default();
    let pupil_id = fields.id("pupil_id", &request.pupil_id);
    let date = fields.date("date", &request.date);
    let sessions = fields::sessions(&mut fields, request.session);
    let reason = fields::reason(&mut fields, &request.code);
    let note = fields::note(&mut fields, &request.note);
    let read = match (pupil_id, date, sessions, reason, note) {
        (Some(pupil_id), Some(date), Some(sessions), Some(reason), Some(note)) => {
            Some(Reported { pupil_id, date, sessions, reason, note })
        }
        _ => None,
    };
    fields.finish(read)
}

async fn decide(
    api: &Api,
    caller: &Caller,
    reported: &Reported,
) -> Result<(Commit, pb::ReportAbsenceResponse), Status> {
    let tenant = caller.tenant;
    let (school, pupil) =
        tokio::try_join!(api.directory().school(tenant), api.directory().pupil(tenant, reported.pupil_id))?;
    let pupil = pupil.ok_or_else(refusal::unknown_pupil)?;
    let now = api.now();
    let today = school.today(now);
    let days = calendar::reportable(reported.date, today).map_err(refusal::status)?;
    let calendar = api.scheduling().calendar(tenant, days).await?;
    calendar.check_reportable(reported.date, today).map_err(refusal::status)?;
    let mut steps = Vec::new();
    for session in &reported.sessions {
        let sitting = Sitting { date: reported.date, session: *session };
        let line = read::line(api.store(), tenant, sitting, reported.pupil_id).await?;
        let line = line.in_class(pupil.class_id);
        steps.push(line.report(reported.reason, reported.note.clone(), now).map_err(refusal::status)?);
    }
    let hand = Hand { caller, rpc: RPC, at: now };
    let commit = hand.commit(&[reported.pupil_id.to_string()]);
    let commit = hand.steps(commit, &steps)?;
    let case_ids = steps.iter().filter_map(Step::closed_case).map(|case_id| case_id.to_string()).collect();
    Ok((commit, pb::ReportAbsenceResponse { case_ids }))
}
