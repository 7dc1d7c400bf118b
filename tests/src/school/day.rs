//! What people do at a school on its day: registers, arrivals, reasons.

use proto::absences::v1 as absences;
use proto::options::v1::Role;

use super::{DAY, School, fresh};

impl School {
    /// Posts the register of one class; everybody who is not missing is present.
    pub async fn post_register(&self, class: &str, missing: &[&str]) -> absences::PostRegisterResponse {
        let marks = self.roster.classes()[class]
            .iter()
            .map(|pupil| absences::Mark {
                pupil_id: self.pupil(pupil),
                code: if missing.contains(&pupil.as_str()) { "N" } else { "/" }.to_owned(),
            })
            .collect();
        let request = absences::PostRegisterRequest {
            request_id: fresh(),
            class_id: self.classes[class].clone(),
            date: DAY.to_owned(),
            session: absences::Session::Morning.into(),
            marks,
        };
        let post = async || self.absences().post_register(self.by(Role::ClassTeacher, request.clone())).await;
        self.answered(post).await
    }

    /// Posts the register of every class and closes the session.
    pub async fn close_without(&self, missing: &[&str]) -> absences::CloseRegisterResponse {
        for class in self.roster.classes().keys() {
            self.post_register(class, missing).await;
        }
        self.close().await
    }

    /// Closes the morning's register.
    pub async fn close(&self) -> absences::CloseRegisterResponse {
        let request = absences::CloseRegisterRequest {
            request_id: fresh(),
            date: DAY.to_owned(),
            session: absences::Session::Morning.into(),
        };
        let close =
            async || self.absences().close_register(self.by(Role::AttendanceOfficer, request.clone())).await;
        self.answered(close).await
    }

    /// A pupil comes in.
    pub async fn arrives(&self, pupil: &str) -> absences::RecordArrivalResponse {
        let request = absences::RecordArrivalRequest {
            request_id: fresh(),
            pupil_id: self.pupil(pupil),
            date: DAY.to_owned(),
            session: absences::Session::Morning.into(),
        };
        let record = async || self.absences().record_arrival(self.by(Role::Office, request.clone())).await;
        self.answered(record).await
    }

    /// Somebody at home gives a reason.
    pub async fn reason_from_home(&self, pupil: &str) -> absences::ReportAbsenceResponse {
        let request = absences::ReportAbsenceRequest {
            request_id: fresh(),
            pupil_id: self.pupil(pupil),
            date: DAY.to_owned(),
            session: absences::Session::Morning.into(),
            code: "I".to_owned(),
            note: "a cold".to_owned(),
        };
        self.absences().report_absence(self.by(Role::Office, request)).await.unwrap().into_inner()
    }
}
