//! The directory, as this service asks it: the school's zone, and who is in an audience.
//!
//! When it cannot be asked, nothing is decided and nothing is lost: the caller sends the same
//! request again.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use kit::Tenant;
use kit::asked::{Asked, LARGEST_ANSWER};
use kit::service::Peer;
use kit::way::Way;
use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::events::scope::Scope;
use tonic::Status;

use crate::domain::audience::OnRoll;

const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
const ASKED: Asked =
    Asked { peer: "directory", unavailable: "DIRECTORY_UNAVAILABLE", passed_on: &["NO_ROSTER"] };

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

    /// The zone in which the school's days begin and end.
    pub async fn zone(&self, school: Tenant) -> Result<TimeZone, Status> {
        let request = self.peer.request(school, pb::GetSchoolRequest {}, PATIENCE)?;
        let answer = self.client().get_school(request).await.map_err(|status| ASKED.refused(&status))?;
        let school = answer.into_inner().school.ok_or_else(|| ASKED.unreadable())?;
        TimeZone::get(&school.time_zone).map_err(|_| ASKED.unreadable())
    }

    /// Everybody on roll whom the scope names.
    pub async fn pupils(&self, school: Tenant, scope: &Scope) -> Result<Vec<OnRoll>, Status> {
        let message = pb::CheckPupilsRequest { audience: Some(scope.audience()) };
        let request = self.peer.request(school, message, PATIENCE)?;
        let answer = self.client().check_pupils(request).await.map_err(|status| ASKED.refused(&status))?;
        let pupils: Option<_> = answer.into_inner().pupils.into_iter().map(read_pupil).collect();
        pupils.ok_or_else(|| ASKED.unreadable())
    }

    fn client(&self) -> DirectoryServiceClient<Way> {
        DirectoryServiceClient::new(self.peer.way()).max_decoding_message_size(LARGEST_ANSWER)
    }
}

fn read_pupil(pupil: pb::PupilCheck) -> Option<OnRoll> {
    let class_id = match pupil.class_id.as_str() {
        "" => None,
        class_id => Some(class_id.parse().ok()?),
    };
    Some(OnRoll { pupil_id: pupil.pupil_id.parse().ok()?, class_id, year_group: pupil.year_group })
}
