//! `AbsencesService`: each RPC reads its request, asks directory and calendar, reads what stands, lets the
//! domain decide and commits. One file per RPC; none of them knows a rule of the register.
//!
//! A command that cannot ask them is refused as `UNAVAILABLE` and can be sent again with
//! the same `request_id`.

mod close_register;
mod explain_absence;
mod fields;
mod get_attendance;
mod list_open_cases;
mod post_register;
mod record_arrival;
pub mod refusal;
mod report_absence;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use kit::clock::{Clock, to_proto};
use kit::store::Store;
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::events::absences::Session;
use tonic::{Request, Response, Status};

use crate::closing::Closer;
use crate::directory::Directory;
use crate::domain::Case;
use crate::scheduling::Scheduling;

/// The gRPC face of the service.
#[derive(Clone)]
pub struct Api {
    closer: Closer,
}

impl Api {
    /// A face over these parts.
    pub fn new(closer: Closer) -> Self {
        Self { closer }
    }

    fn store(&self) -> &Store {
        &self.closer.store
    }

    fn directory(&self) -> &Directory {
        &self.closer.directory
    }

    fn scheduling(&self) -> &Scheduling {
        &self.closer.scheduling
    }

    fn clock(&self) -> &Clock {
        &self.closer.clock
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }
}

#[tonic::async_trait]
impl AbsencesService for Api {
    async fn post_register(
        &self,
        request: Request<pb::PostRegisterRequest>,
    ) -> Result<Response<pb::PostRegisterResponse>, Status> {
        post_register::answer(self, request).await
    }

    async fn close_register(
        &self,
        request: Request<pb::CloseRegisterRequest>,
    ) -> Result<Response<pb::CloseRegisterResponse>, Status> {
        close_register::answer(self, request).await
    }

    async fn report_absence(
        &self,
        request: Request<pb::ReportAbsenceRequest>,
    ) -> Result<Response<pb::ReportAbsenceResponse>, Status> {
        report_absence::answer(self, request).await
    }

    async fn record_arrival(
        &self,
        request: Request<pb::RecordArrivalRequest>,
    ) -> Result<Response<pb::RecordArrivalResponse>, Status> {
        record_arrival::answer(self, request).await
    }

    async fn explain_absence(
        &self,
        request: Request<pb::ExplainAbsenceRequest>,
    ) -> Result<Response<pb::ExplainAbsenceResponse>, Status> {
        explain_absence::answer(self, request).await
    }

    async fn get_attendance(
        &self,
        request: Request<pb::GetAttendanceRequest>,
    ) -> Result<Response<pb::GetAttendanceResponse>, Status> {
        get_attendance::answer(self, request).await
    }

    async fn list_open_cases(
        &self,
        request: Request<pb::ListOpenCasesRequest>,
    ) -> Result<Response<pb::ListOpenCasesResponse>, Status> {
        list_open_cases::answer(self, request).await
    }
}

fn case_to_proto(case: &Case) -> pb::Case {
    let session = match case.opening.sitting.session {
        Session::Morning => pb::Session::Morning,
        Session::Afternoon => pb::Session::Afternoon,
    };
    pb::Case {
        id: case.opening.id.to_string(),
        pupil_id: case.opening.pupil_id.to_string(),
        date: case.opening.sitting.date.to_string(),
        session: session.into(),
        opened_at: Some(to_proto(case.opened_at)),
        announced_at: case.told_at().map(to_proto),
        version: i64::try_from(case.version).unwrap_or(i64::MAX),
    }
}
