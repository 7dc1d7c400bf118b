//! `IncidentsService`: each RPC reads its request, asks the directory, reads what stands, lets the
//! domain decide and commits. One file per RPC; none of them knows a rule about accidents.
//!
//! A command that cannot ask the directory is refused as `UNAVAILABLE` and can be sent again with
//! the same `request_id`.

mod amend_accident;
mod fields;
mod list_accidents;
mod record_accident;
mod refusal;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use kit::clock::{Clock, from_micros, micros};
use kit::store::Store;
use proto::incidents::v1 as pb;
use proto::incidents::v1::incidents_service_server::IncidentsService;
use tonic::{Request, Response, Status};

use crate::directory::Directory;

/// The gRPC face of the service.
#[derive(Clone)]
pub struct Api {
    /// Where accidents are kept.
    pub store: Store,
    /// Who is on roll, and where the clocks are.
    pub directory: Directory,
    /// The time of the school.
    pub clock: Clock,
}

impl Api {
    /// The time, as exact as the store keeps it, so that an answer says what a list will.
    fn now(&self) -> Timestamp {
        from_micros(micros(self.clock.now()))
    }
}

#[tonic::async_trait]
impl IncidentsService for Api {
    async fn record_accident(
        &self,
        request: Request<pb::RecordAccidentRequest>,
    ) -> Result<Response<pb::RecordAccidentResponse>, Status> {
        record_accident::answer(self, request).await
    }

    async fn amend_accident(
        &self,
        request: Request<pb::AmendAccidentRequest>,
    ) -> Result<Response<pb::AmendAccidentResponse>, Status> {
        amend_accident::answer(self, request).await
    }

    async fn list_accidents(
        &self,
        request: Request<pb::ListAccidentsRequest>,
    ) -> Result<Response<pb::ListAccidentsResponse>, Status> {
        list_accidents::answer(self, request).await
    }
}
