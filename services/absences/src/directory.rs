//! The directory, as this service asks it: the school's times and who is on roll. Answers are not
//! kept, because the next may say "person only".

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use kit::Tenant;
use kit::asked::{Asked, LARGEST_ANSWER};
use kit::service::Peer;
use kit::way::Way;
use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::events::scope::Scope;
use proto::ids::PupilId;
use tonic::Status;

use crate::domain::register::Roll;
use crate::domain::school::RegisterTimes;
use crate::domain::{Care, OnRoll, School};

const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// The reason of a refusal because the directory is away.
pub const UNAVAILABLE: &str = "DIRECTORY_UNAVAILABLE";
const ASKED: Asked = Asked { peer: "directory", unavailable: UNAVAILABLE, passed_on: &["NO_ROSTER"] };

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

    /// The school's clock.
    pub async fn school(&self, school: Tenant) -> Result<School, Status> {
        let request = self.peer.request(school, pb::GetSchoolRequest {}, PATIENCE)?;
        let answer = self.client().get_school(request).await.map_err(|status| ASKED.refused(&status))?;
        answer.into_inner().school.as_ref().and_then(read_school).ok_or_else(|| ASKED.unreadable())
    }

    /// Everybody on roll.
    pub async fn roll(&self, school: Tenant) -> Result<Roll, Status> {
        self.check(school, &Scope::WholeSchool).await
    }

    /// One pupil, if on roll.
    pub async fn pupil(&self, school: Tenant, pupil_id: PupilId) -> Result<Option<OnRoll>, Status> {
        Ok(self.check(school, &Scope::Pupils(vec![pupil_id])).await?.remove(&pupil_id))
    }

    async fn check(&self, school: Tenant, scope: &Scope) -> Result<Roll, Status> {
        let message = pb::CheckPupilsRequest { audience: Some(scope.audience()) };
        let request = self.peer.request(school, message, PATIENCE)?;
        let answer = self.client().check_pupils(request).await.map_err(|status| ASKED.refused(&status))?;
        answer
            .into_inner()
            .pupils
            .iter()
            .map(read_pupil)
            .collect::<Option<Roll>>()
            .ok_or_else(|| ASKED.unreadable())
    }

    fn client(&self) -> DirectoryServiceClient<Way> {
        DirectoryServiceClient::new(self.peer.way()).max_decoding_message_size(LARGEST_ANSWER)
    }
}

fn read_school(school: &pb::School) -> Option<School> {
    Some(School {
        zone: TimeZone::get(&school.time_zone).ok()?,
        morning: read_times(school.morning.as_ref()?)?,
        afternoon: read_times(school.afternoon.as_ref()?)?,
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

fn read_pupil(pupil: &pb::PupilCheck) -> Option<(PupilId, OnRoll)> {
    let class_id = match pupil.class_id.as_str() {
        "" => None,
        class_id => Some(class_id.parse().ok()?),
    };
    let care = if pupil.person_only { Care::PersonOnly } else { Care::Automatic };
    Some((pupil.pupil_id.parse().ok()?, OnRoll { class_id, year_group: pupil.year_group.clone(), care }))
}
