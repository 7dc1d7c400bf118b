//! The directory, as this service asks it: the school's times and who is on roll.
//!
//! When it cannot be asked, nothing is decided and nothing is lost: the caller sends the same
//! request again. Answers are not kept, because the next may say "person only".

use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use kit::Tenant;
use kit::rejection::Rejection;
use kit::service::Peer;
use proto::directory::v1 as pb;
use proto::directory::v1::check_pupils_request::Scope;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::ids::PupilId;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::domain::calendar::{RegisterTimes, Term};
use crate::domain::register::Roll;
use crate::domain::{Care, OnRoll, School};

const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// The directory's reason for answering nothing about a school.
const NO_ROSTER: &str = "NO_ROSTER";

/// The directory.
#[derive(Clone)]
pub struct Directory {
    peer: Peer,
}

impl Directory {
    /// The directory behind this peer.
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The school's clock and calendar.
    pub async fn school(&self, school: Tenant) -> Result<School, Status> {
        let request = self.peer.request(school, pb::GetSchoolRequest {}, PATIENCE)?;
        let answer = self.client().get_school(request).await.map_err(|status| refused(&status))?;
        answer.into_inner().school.as_ref().and_then(read_school).ok_or_else(unreadable)
    }

    /// Everybody on roll.
    pub async fn roll(&self, school: Tenant) -> Result<Roll, Status> {
        self.check(school, Scope::WholeSchool(pb::WholeSchool {})).await
    }

    /// One pupil, if on roll.
    pub async fn pupil(&self, school: Tenant, pupil_id: PupilId) -> Result<Option<OnRoll>, Status> {
        let scope = Scope::Pupils(pb::Pupils { pupil_ids: vec![pupil_id.to_string()] });
        Ok(self.check(school, scope).await?.remove(&pupil_id))
    }

    async fn check(&self, school: Tenant, scope: Scope) -> Result<Roll, Status> {
        let message = pb::CheckPupilsRequest { scope: Some(scope) };
        let request = self.peer.request(school, message, PATIENCE)?;
        let answer = self.client().check_pupils(request).await.map_err(|status| refused(&status))?;
        answer.into_inner().pupils.iter().map(read_pupil).collect::<Option<Roll>>().ok_or_else(unreadable)
    }

    fn client(&self) -> DirectoryServiceClient<tonic::transport::Channel> {
        DirectoryServiceClient::new(self.peer.channel())
    }
}

/// A school without a roster is told so, because sending the same request again will not help it.
fn refused(status: &Status) -> Status {
    let reason = status.get_details_error_info().map(|info| info.reason);
    if status.code() == Code::FailedPrecondition && reason.as_deref() == Some(NO_ROSTER) {
        return Rejection::precondition(NO_ROSTER, "no roster has been imported yet").into();
    }
    tracing::warn!(grpc.code = ?status.code(), "the directory cannot be asked");
    let told = "the directory cannot be asked just now; send the same request again";
    Rejection::new(Code::Unavailable, "DIRECTORY_UNAVAILABLE", told).into()
}

fn unreadable() -> Status {
    tracing::error!("the directory answered something that cannot be read");
    let told = "the directory's answer cannot be read; send the same request again";
    Rejection::new(Code::Unavailable, "DIRECTORY_UNAVAILABLE", told).into()
}

fn read_school(school: &pb::School) -> Option<School> {
    Some(School {
        zone: TimeZone::get(&school.time_zone).ok()?,
        morning: read_times(school.morning.as_ref()?)?,
        afternoon: read_times(school.afternoon.as_ref()?)?,
        terms: school.terms.iter().map(read_term).collect::<Option<_>>()?,
    })
}

fn read_times(times: &pb::RegisterTimes) -> Option<RegisterTimes> {
    let time = |text: &str| text.parse::<Time>().ok();
    Some(RegisterTimes {
        opens: time(&times.opens)?,
        closes: time(&times.closes)?,
        ends: time(&times.session_ends)?,
    })
}

fn read_term(term: &pb::Term) -> Option<Term> {
    let date = |text: &str| text.parse::<Date>().ok();
    Some(Term { first: date(&term.first_day)?, last: date(&term.last_day)? })
}

fn read_pupil(pupil: &pb::PupilCheck) -> Option<(PupilId, OnRoll)> {
    let class_id = match pupil.class_id.as_str() {
        "" => None,
        class_id => Some(class_id.parse().ok()?),
    };
    let care = if pupil.person_only { Care::PersonOnly } else { Care::Automatic };
    Some((pupil.pupil_id.parse().ok()?, OnRoll { class_id, care }))
}
