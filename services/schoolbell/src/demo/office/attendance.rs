//! What people at school say about who is there.

use proto::absences::v1 as absences;
use proto::absences::v1::absences_service_client::AbsencesServiceClient;
use proto::options::v1::Role;

use super::super::stage::DAY;
use super::{Office, new_request};

impl Office {
    /// Somebody at home says why a pupil will be missing today.
    pub async fn report_absence(
        &self,
        pupil_id: &str,
        code: &str,
    ) -> anyhow::Result<absences::ReportAbsenceResponse> {
        let request = absences::ReportAbsenceRequest {
            request_id: new_request(),
            pupil_id: pupil_id.to_owned(),
            date: DAY.to_string(),
            code: code.to_owned(),
            ..Default::default()
        };
        self.ask(("ReportAbsence", "absences"), Role::Office, request, async |channel, request| {
            AbsencesServiceClient::new(channel).report_absence(request).await
        })
        .await
    }

    /// A class teacher posts the morning's marks.
    pub async fn post_register(
        &self,
        class_id: &str,
        marks: Vec<absences::Mark>,
    ) -> anyhow::Result<absences::PostRegisterResponse> {
        let request = absences::PostRegisterRequest {
            request_id: new_request(),
            class_id: class_id.to_owned(),
            date: DAY.to_string(),
            session: absences::Session::Morning.into(),
            marks,
        };
        self.ask(("PostRegister", "absences"), Role::ClassTeacher, request, async |channel, request| {
            AbsencesServiceClient::new(channel).post_register(request).await
        })
        .await
    }

    /// The attendance officer closes the morning's register for the whole school.
    pub async fn close_register(&self) -> anyhow::Result<absences::CloseRegisterResponse> {
        let request = absences::CloseRegisterRequest {
            request_id: new_request(),
            date: DAY.to_string(),
            session: absences::Session::Morning.into(),
        };
        self.ask(("CloseRegister", "absences"), Role::AttendanceOfficer, request, async |channel, request| {
            AbsencesServiceClient::new(channel).close_register(request).await
        })
        .await
    }

    /// A pupil comes in.
    pub async fn record_arrival(&self, pupil_id: &str) -> anyhow::Result<absences::RecordArrivalResponse> {
        let request = absences::RecordArrivalRequest {
            request_id: new_request(),
            pupil_id: pupil_id.to_owned(),
            date: DAY.to_string(),
            session: absences::Session::Morning.into(),
        };
        self.ask(("RecordArrival", "absences"), Role::Office, request, async |channel, request| {
            AbsencesServiceClient::new(channel).record_arrival(request).await
        })
        .await
    }
}
