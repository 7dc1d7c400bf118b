//! The directory, as this service asks it: where the school's clocks are, and who is on roll under
//! which first name.
//!
//! When it cannot be asked, nothing is decided and nothing is lost: the caller sends the same
//! request again. Answers are used for one decision and never kept, so no name is stored here.

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

use crate::domain::Roll;

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

    /// Where the school's clocks are.
    pub async fn zone(&self, school: Tenant) -> Result<TimeZone, Status> {
        let request = self.peer.request(school, pb::GetSchoolRequest {}, PATIENCE)?;
        let answer = self.client().get_school(request).await.map_err(|status| ASKED.refused(&status))?;
        let zone = answer.into_inner().school.and_then(|school| TimeZone::get(&school.time_zone).ok());
        zone.ok_or_else(|| ASKED.unreadable())
    }

    /// Everybody on roll.
    pub async fn roll(&self, school: Tenant) -> Result<Roll, Status> {
        let message = pb::CheckPupilsRequest { audience: Some(Scope::WholeSchool.audience()) };
        let request = self.peer.request(school, message, PATIENCE)?;
        let answer = self.client().check_pupils(request).await.map_err(|status| ASKED.refused(&status))?;
        let pupils = answer.into_inner().pupils.into_iter();
        pupils
            .map(|pupil| Some((pupil.pupil_id.parse().ok()?, pupil.first_name)))
            .collect::<Option<Roll>>()
            .ok_or_else(|| ASKED.unreadable())
    }

    fn client(&self) -> DirectoryServiceClient<Way> {
        DirectoryServiceClient::new(self.peer.way()).max_decoding_message_size(LARGEST_ANSWER)
    }
}
