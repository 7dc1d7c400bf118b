//! `GetAttendance`: a pupil's marks of the last weeks, and how those of one day came about.

use jiff::ToSpan;
use kit::audit;
use kit::clock::to_proto;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::rejection::{self, Rejection};
use proto::absences::v1 as pb;
use proto::events::absences::Session;
use proto::ids::PupilId;
use tonic::{Request, Response, Status};

use super::Api;
use crate::domain::Code;
use crate::domain::codes::Class;
use crate::store::attendance::{self, Change, Marked};

const RPC: &str = "GetAttendance";
const DEFAULT_WEEKS: i32 = 12;
/// A school year.
const MOST_WEEKS: i32 = 39;

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::GetAttendanceRequest>,
) -> Result<Response<pb::GetAttendanceResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let pupil: PupilId = rejection::id(&request.pupil_id, "pupil_id")?;
    let mut fields = Fields::default();
    let date = fields.date("date", &request.date);
    let date = fields.finish(date)?;
    let weeks = match request.weeks {
        0 => DEFAULT_WEEKS,
        weeks if weeks < 0 => {
            return Err(Rejection::invalid("INVALID_WEEKS", "weeks", "must not be negative").into());
        }
        weeks => weeks.min(MOST_WEEKS),
    };
    let since = date.saturating_sub(weeks.weeks());
    audit::show(api.store(), &caller, (RPC, &request, ""), || async {
        let marks = attendance::marks(api.store(), (caller.tenant, pupil), (since, date)).await?;
        let changes = attendance::changes_of(api.store(), (caller.tenant, pupil), date).await?;
        let marks = marks.into_iter().map(mark).collect();
        let changes = changes.into_iter().map(change).collect();
        Ok((pb::GetAttendanceResponse { marks, changes }, vec![pupil.to_string()]))
    })
    .await
}

fn mark(marked: Marked) -> pb::SessionMark {
    pb::SessionMark {
        date: marked.sitting.date.to_string(),
        session: session(marked.sitting.session).into(),
        code: marked.code.text().to_owned(),
        attendance: counts_as(marked.code).into(),
    }
}

fn change(change: Change) -> pb::MarkChange {
    pb::MarkChange {
        at: Some(to_proto(change.at)),
        session: session(change.session).into(),
        code: change.code.text().to_owned(),
        meaning: change.code.meaning().to_owned(),
    }
}

fn session(session: Session) -> pb::Session {
    match session {
        Session::Morning => pb::Session::Morning,
        Session::Afternoon => pb::Session::Afternoon,
    }
}

/// An arrival after the close counts as an absence, whatever else it is.
fn counts_as(code: Code) -> pb::Attendance {
    match (code, code.class()) {
        (Code::Late, _) => pb::Attendance::Late,
        (_, Class::Present | Class::ApprovedEducationalActivity) => pb::Attendance::Present,
        (_, Class::AuthorisedAbsence) => pb::Attendance::AuthorisedAbsence,
        (_, Class::UnauthorisedAbsence) => pb::Attendance::UnauthorisedAbsence,
        (_, Class::NotPossible | Class::Administrative) => pb::Attendance::NotPossible,
    }
}
