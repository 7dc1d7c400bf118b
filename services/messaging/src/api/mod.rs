//! `MessagingService`: each RPC reads its request, asks the directory, lets the domain decide and
//! commits. One file per RPC; none of them knows what may be written, or to whom.
//!
//! A command that cannot ask the directory is refused as `UNAVAILABLE` and can be sent again with
//! the same `request_id`.

mod correct_announcement;
mod get_announcement;
mod list_announcements;
mod send_announcement;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeSet;

use kit::clock::Clock;
use kit::fields;
use kit::rejection;
use kit::store::Store;
use proto::events::scope::Scope;
use proto::messaging::v1 as pb;
use proto::messaging::v1::messaging_service_server::MessagingService;
use tonic::{Request, Response, Status};

use crate::directory::Directory;
use crate::domain::Rejection;

/// The gRPC face of the service.
#[derive(Clone)]
pub struct Api {
    /// What is kept.
    pub store: Store,
    /// Who is on roll.
    pub directory: Directory,
    /// The school's time.
    pub clock: Clock,
}

#[tonic::async_trait]
impl MessagingService for Api {
    async fn send_announcement(
        &self,
        request: Request<pb::SendAnnouncementRequest>,
    ) -> Result<Response<pb::SendAnnouncementResponse>, Status> {
        send_announcement::answer(self, request).await
    }

    async fn correct_announcement(
        &self,
        request: Request<pb::CorrectAnnouncementRequest>,
    ) -> Result<Response<pb::CorrectAnnouncementResponse>, Status> {
        correct_announcement::answer(self, request).await
    }

    async fn get_announcement(
        &self,
        request: Request<pb::GetAnnouncementRequest>,
    ) -> Result<Response<pb::GetAnnouncementResponse>, Status> {
        get_announcement::answer(self, request).await
    }

    async fn list_announcements(
        &self,
        request: Request<pb::ListAnnouncementsRequest>,
    ) -> Result<Response<pb::ListAnnouncementsResponse>, Status> {
        list_announcements::answer(self, request).await
    }
}

fn status(rejection: Rejection) -> Status {
    let text = rejection.to_string();
    let refusal = match rejection {
        Rejection::Faults(faults) => fields::of_faults(faults),
        Rejection::UnknownAnnouncement => rejection::Rejection::not_found("UNKNOWN_ANNOUNCEMENT", text),
        Rejection::CorrectedMeanwhile => rejection::Rejection::precondition("CORRECTED_MEANWHILE", text),
        Rejection::TooOld => rejection::Rejection::precondition("TOO_OLD", text),
    };
    refusal.into()
}

/// The pupils whom these scopes name one by one, each once: whose data an audit entry is about.
fn named<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> Vec<String> {
    let pupils: BTreeSet<_> = scopes
        .into_iter()
        .flat_map(|scope| match scope {
            Scope::Pupils(pupils) => pupils.as_slice(),
            Scope::WholeSchool | Scope::YearGroups(_) | Scope::Classes(_) => &[],
        })
        .collect();
    pupils.into_iter().map(ToString::to_string).collect()
}
