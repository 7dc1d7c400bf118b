//! `PostRegister`: the marks of one class in one session.

use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::absences::v1 as pb;
use proto::ids::{CaseId, ClassId};
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal};
use crate::closing::count;
use crate::domain::register::{self, Mark, Register, SentMark};
use crate::domain::{CaseEvent, Fault, Phase, Sitting, Step};
use crate::store::changes::{Hand, Posting};
use crate::store::read::{self, Whose};

const RPC: &str = "PostRegister";

struct Posted {
    class_id: ClassId,
    sitting: Sitting,
    marks: Vec<Mark>,
    /// What is wrong with the marks themselves; told together with what the school's roll says.
    faults: Vec<Fault>,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::PostRegisterRequest>,
) -> Result<Response<pb::PostRegisterResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let posted = read_request(&request)?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(api.store(), call, &request, || decide(api, &caller, &posted)).await
}

fn read_request(request: &pb::PostRegisterRequest) -> Result<Posted, Status> {
    let mut fields = Fields::default();
    let class_id = fields.id("class_id", &request.class_id);
    let date = fields.date("date", &request.date);
    let session = fields::session(&mut fields, request.session);
    let sent: Vec<SentMark<'_>> =
        request.marks.iter().map(|mark| SentMark { pupil_id: &mark.pupil_id, code: &mark.code }).collect();
    let (marks, faults) = register::read(&sent, session);
    let (Some(class_id), Some(date), Some(session)) = (class_id, date, session) else {
        for fault in faults {
            fields.add(fault);
        }
        return fields.finish(None);
    };
    Ok(Posted { class_id, sitting: Sitting { date, session }, marks, faults })
}

async fn decide(
    api: &Api,
    caller: &Caller,
    posted: &Posted,
) -> Result<(Commit, pb::PostRegisterResponse), Status> {
    let (tenant, sitting) = (caller.tenant, posted.sitting);
    let (school, roll, calendar) = tokio::try_join!(
        api.directory().school(tenant),
        api.directory().roll(tenant),
        api.scheduling().calendar(tenant, sitting.date..=sitting.date)
    )?;
    let now = api.now();
    let times = calendar.check_now(&school, sitting, now).map_err(refusal::status)?;
    calendar.check_open(sitting).map_err(refusal::status)?;
    let session = read::session(api.store(), tenant, sitting).await?;
    let registers = read::registers(api.store(), tenant, sitting).await?;
    let pupils = register::pupils(&roll, posted.class_id, &posted.marks);
    let lines = read::lines(api.store(), tenant, sitting, Whose::Pupils(&pupils)).await?;
    let register = Register {
        class_id: posted.class_id,
        sitting,
        ends_at: times.ends,
        phase: session.phase(),
        roll: &roll,
        calendar: &calendar,
        lines: &lines,
    };
    let steps = register
        .post(&posted.marks, posted.faults.clone(), now, CaseId::generate)
        .map_err(refusal::status)?;

    let hand = Hand { caller, rpc: RPC, at: now };
    let subjects: Vec<String> = steps.iter().map(|step| step.after.pupil_id.to_string()).collect();
    let commit = hand.commit(&subjects);
    let commit = match register.phase {
        Phase::Open => hand.while_open(commit, api.store(), sitting, Posting::Register(&times)),
        Phase::Closed => commit,
    };
    let version = registers.get(&posted.class_id).copied().unwrap_or(0);
    let commit = hand.register(commit, api.store(), sitting, (posted.class_id, version));
    let commit = hand.steps(commit, &steps)?;
    let response = pb::PostRegisterResponse {
        marks: count(steps.len()),
        cases_opened: count(steps.iter().filter(|step| opens_case(step)).count()),
        pupils_without_mark: register.without_mark(&steps).iter().map(ToString::to_string).collect(),
    };
    Ok((commit, response))
}

fn opens_case(step: &Step) -> bool {
    step.events.iter().any(|event| match event {
        CaseEvent::Opened(_) | CaseEvent::Reopened => true,
        CaseEvent::Announced
        | CaseEvent::HandedToPerson(_)
        | CaseEvent::Explained(_)
        | CaseEvent::Arrived
        | CaseEvent::Withdrawn
        | CaseEvent::Closed => false,
    })
}
