//! The people at school: each call as the role that would make it, with a token of its own, over the
//! same gRPC as anybody's.

use anyhow::Context;
use jiff::SignedDuration;
use kit::clock::Clock;
use kit::identity::{Signer, role_name};
use kit::runner::Running;
use proto::absences::v1 as absences;
use proto::absences::v1::absences_service_client::AbsencesServiceClient;
use proto::directory::v1 as directory;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::dispatcher::v1 as dispatcher;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use proto::tasks::v1 as tasks;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::stage::DAY;
use crate::app;
use crate::command::import;

const TOKEN_LIVES_FOR: SignedDuration = SignedDuration::from_mins(1);
const PAGE: i32 = 500;

/// One school's people.
pub struct Office {
    channel: Channel,
    address: String,
    signer: Signer,
    /// The school.
    pub school: SchoolId,
}

impl Office {
    /// People of a new school at this installation.
    pub fn at(running: &Running) -> anyhow::Result<Self> {
        let address = format!("http://{}", running.grpc);
        let channel = Endpoint::from_shared(address.clone())?.tcp_nodelay(true).connect_lazy();
        Ok(Self { channel, address, signer: running.keys.signer(app::PEOPLE)?, school: SchoolId::generate() })
    }

    fn token(&self, role: Role) -> anyhow::Result<String> {
        let life = (Clock::system().real(), TOKEN_LIVES_FOR);
        Ok(self.signer.token(&format!("demo {}", role_name(role)), self.school, &[role], life)?)
    }

    fn request<T>(&self, role: Role, message: T) -> anyhow::Result<Request<T>> {
        let mut request = Request::new(message);
        let bearer = MetadataValue::try_from(format!("Bearer {}", self.token(role)?))?;
        request.metadata_mut().insert("authorization", bearer);
        Ok(request)
    }

    /// Hands the school's files over, like `schoolbell import`.
    pub async fn import(&self, folder: &std::path::Path) -> anyhow::Result<directory::ImportRosterResponse> {
        let request = directory::ImportRosterRequest {
            request_id: new_request(),
            archive: import::archive(folder)?.into(),
            ..Default::default()
        };
        let token = self.token(Role::SystemAdministrator)?;
        import::import(self.address.clone(), &token, request).await
    }

    /// Every pupil on roll.
    pub async fn pupils(&self) -> anyhow::Result<Vec<directory::PupilSummary>> {
        let mut client = DirectoryServiceClient::new(self.channel.clone());
        let (mut pupils, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = directory::ListPupilsRequest { page_size: PAGE, page_token, ..Default::default() };
            let request = self.request(Role::Office, request)?;
            let page = answered("ListPupils", client.list_pupils(request).await)?;
            pupils.extend(page.pupils);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(pupils);
            }
        }
    }

    /// Whom a pupil has at home.
    pub async fn links(&self, pupil_id: &str) -> anyhow::Result<Vec<directory::Link>> {
        let mut client = DirectoryServiceClient::new(self.channel.clone());
        let request =
            self.request(Role::Office, directory::GetPupilRequest { pupil_id: pupil_id.to_owned() })?;
        let answer = answered("GetPupil", client.get_pupil(request).await)?;
        Ok(answer.pupil.context("a pupil without links")?.links)
    }

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
        let request = self.request(Role::Office, request)?;
        let mut client = AbsencesServiceClient::new(self.channel.clone());
        answered("ReportAbsence", client.report_absence(request).await)
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
        let request = self.request(Role::ClassTeacher, request)?;
        let mut client = AbsencesServiceClient::new(self.channel.clone());
        answered("PostRegister", client.post_register(request).await)
    }

    /// The attendance officer closes the morning's register for the whole school.
    pub async fn close_register(&self) -> anyhow::Result<absences::CloseRegisterResponse> {
        let request = absences::CloseRegisterRequest {
            request_id: new_request(),
            date: DAY.to_string(),
            session: absences::Session::Morning.into(),
        };
        let request = self.request(Role::AttendanceOfficer, request)?;
        let mut client = AbsencesServiceClient::new(self.channel.clone());
        answered("CloseRegister", client.close_register(request).await)
    }

    /// A pupil comes in.
    pub async fn record_arrival(&self, pupil_id: &str) -> anyhow::Result<absences::RecordArrivalResponse> {
        let request = absences::RecordArrivalRequest {
            request_id: new_request(),
            pupil_id: pupil_id.to_owned(),
            date: DAY.to_string(),
            session: absences::Session::Morning.into(),
        };
        let request = self.request(Role::Office, request)?;
        let mut client = AbsencesServiceClient::new(self.channel.clone());
        answered("RecordArrival", client.record_arrival(request).await)
    }

    /// Every notice.
    pub async fn notices(&self) -> anyhow::Result<Vec<dispatcher::Notice>> {
        let mut client = DispatcherServiceClient::new(self.channel.clone());
        let (mut notices, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                dispatcher::ListNoticesRequest { page_size: PAGE, page_token, ..Default::default() };
            let request = self.request(Role::AttendanceOfficer, request)?;
            let page = answered("ListNotices", client.list_notices(request).await)?;
            notices.extend(page.notices);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(notices);
            }
        }
    }

    /// Every delivery.
    pub async fn deliveries(&self) -> anyhow::Result<Vec<dispatcher::Delivery>> {
        let mut client = DispatcherServiceClient::new(self.channel.clone());
        let (mut deliveries, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                dispatcher::ListDeliveriesRequest { page_size: PAGE, page_token, ..Default::default() };
            let request = self.request(Role::AttendanceOfficer, request)?;
            let page = answered("ListDeliveries", client.list_deliveries(request).await)?;
            deliveries.extend(page.deliveries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(deliveries);
            }
        }
    }

    /// Why a contact was told of a notice, or was not: a sentence for each step.
    pub async fn explain(&self, contact_id: &str, notice_id: &str) -> anyhow::Result<Vec<String>> {
        let request =
            dispatcher::ExplainRequest { contact_id: contact_id.to_owned(), notice_id: notice_id.to_owned() };
        let request = self.request(Role::AttendanceOfficer, request)?;
        let mut client = DispatcherServiceClient::new(self.channel.clone());
        let answer = answered("Explain", client.explain(request).await)?;
        Ok(answer.steps.into_iter().map(|step| step.sentence).collect())
    }

    /// What people have been asked to do by any service, and have not done.
    pub async fn tasks(&self) -> anyhow::Result<Vec<tasks::Task>> {
        let mut client = TasksServiceClient::new(self.channel.clone());
        let mut open = Vec::new();
        for service in app::all() {
            let mut page_token = String::new();
            loop {
                let service = service.clone();
                let request =
                    tasks::ListTasksRequest { service, page_size: PAGE, page_token, ..Default::default() };
                let request = self.request(Role::Head, request)?;
                let page = answered("ListTasks", client.list_tasks(request).await)?;
                open.extend(page.tasks);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
        }
        Ok(open)
    }
}

fn new_request() -> String {
    SchoolId::generate().to_string()
}

fn answered<T>(rpc: &str, answer: Result<Response<T>, Status>) -> anyhow::Result<T> {
    let answer = answer
        .map_err(|status| anyhow::anyhow!("{rpc} was answered {:?}: {}", status.code(), status.message()))?;
    Ok(answer.into_inner())
}
