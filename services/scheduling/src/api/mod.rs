//! `SchedulingService`: each RPC reads its request, asks the directory, reads what stands, lets the
//! domain decide and commits. One file per RPC; none of them knows a rule of the calendar.
//!
//! What cannot ask the directory is refused as `UNAVAILABLE` and can be sent again with the same
//! `request_id`.

mod around;
mod change_closure;
mod count_school_days;
mod declare_closure;
mod end_closure;
mod fields;
mod get_calendar;
mod list_closures;
mod refusal;
mod set_non_school_day;
#[cfg(test)]
mod tests;
mod wire;

use kit::clock::Clock;
use kit::store::Store;
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::scheduling_service_server::SchedulingService;
use tonic::{Request, Response, Status};

use crate::directory::Directory;

/// The gRPC face of the service.
#[derive(Clone)]
pub struct Api {
    /// The service's database.
    pub store: Store,
    /// The schools' clocks, terms and pupils.
    pub directory: Directory,
    /// The schools' time.
    pub clock: Clock,
}

#[tonic::async_trait]
impl SchedulingService for Api {
    async fn declare_closure(
        &self,
        request: Request<pb::DeclareClosureRequest>,
    ) -> Result<Response<pb::DeclareClosureResponse>, Status> {
        declare_closure::answer(self, request).await
    }

    async fn change_closure(
        &self,
        request: Request<pb::ChangeClosureRequest>,
    ) -> Result<Response<pb::ChangeClosureResponse>, Status> {
        change_closure::answer(self, request).await
    }

    async fn end_closure(
        &self,
        request: Request<pb::EndClosureRequest>,
    ) -> Result<Response<pb::EndClosureResponse>, Status> {
        end_closure::answer(self, request).await
    }

    async fn list_closures(
        &self,
        request: Request<pb::ListClosuresRequest>,
    ) -> Result<Response<pb::ListClosuresResponse>, Status> {
        list_closures::answer(self, request).await
    }

    async fn set_non_school_day(
        &self,
        request: Request<pb::SetNonSchoolDayRequest>,
    ) -> Result<Response<pb::SetNonSchoolDayResponse>, Status> {
        set_non_school_day::answer(self, request).await
    }

    async fn get_calendar(
        &self,
        request: Request<pb::GetCalendarRequest>,
    ) -> Result<Response<pb::GetCalendarResponse>, Status> {
        get_calendar::answer(self, request).await
    }

    async fn count_school_days(
        &self,
        request: Request<pb::CountSchoolDaysRequest>,
    ) -> Result<Response<pb::CountSchoolDaysResponse>, Status> {
        count_school_days::answer(self, request).await
    }
}
