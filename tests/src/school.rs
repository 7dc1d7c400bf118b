//! A school that can be lived in: the whole of Schoolbell in this process.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::Secret;
use kit::identity::Signer;
use kit::runner::Running;
use proto::absences::v1 as absences;
use proto::absences::v1::absences_service_client::AbsencesServiceClient;
use proto::directory::v1 as directory;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::dispatcher::v1 as dispatcher;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::ids::SchoolId;
use proto::operations::v1::operations_service_client::OperationsServiceClient;
use proto::options::v1::Role;
use proto::tasks::v1 as tasks;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use schoolbell::app;
use simulator::{Message, ReceiptsTo, Simulator};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use crate::Roster;
use crate::installation::{Backend, Installation};
use crate::wait::{PATIENCE, until};

/// The school day on which everything happens: a Tuesday in term.
pub const DAY: &str = "2026-11-24";

/// A running school.
pub struct School {
    /// Its id.
    pub id: SchoolId,
    /// The providers, and the phones of the parents.
    pub phones: Simulator,
    /// The pupils' ids by the ids of the roster.
    pub pupils: BTreeMap<String, String>,
    /// The classes' ids by the ids of the roster.
    pub classes: BTreeMap<String, String>,
    /// Everything speaks here.
    pub channel: Channel,
    /// Where receipts are taken.
    pub http: std::net::SocketAddr,
    roster: Roster,
    signer: Signer,
    running: Running,
    _data: tempfile::TempDir,
}

impl School {
    /// Starts a school on SQLite.
    pub async fn start(roster: Roster) -> Self {
        Self::start_on(Backend::Sqlite, roster).await
    }

    /// Starts a school.
    pub async fn start_on(backend: Backend, roster: Roster) -> Self {
        app::choose_tls();
        let data = tempfile::tempdir().unwrap();
        let phones =
            simulator::start(simulator::Options::new(data.path().join("phones.jsonl"))).await.unwrap();
        let token = Secret::random();
        let installation =
            Installation { folder: data.path(), backend, phones: &phones, receipts_token: &token };
        let settings = installation.settings("");
        let running = app::start(settings, &app::all()).await.unwrap();
        phones.send_receipts_to(ReceiptsTo {
            url: format!("http://{}/dispatcher/receipts/notify", running.http),
            bearer_token: token.reveal().to_owned(),
            after: Duration::from_millis(50),
            retry_every: Duration::from_millis(200),
        });
        let channel =
            Channel::from_shared(format!("http://{}", running.grpc)).unwrap().connect().await.unwrap();
        let signer = running.keys.signer(app::PEOPLE).unwrap();
        let mut school = Self {
            id: SchoolId::generate(),
            phones,
            pupils: BTreeMap::new(),
            classes: BTreeMap::new(),
            channel,
            http: running.http,
            roster,
            signer,
            running,
            _data: data,
        };
        school.import().await;
        school
    }

    async fn import(&mut self) {
        let request = directory::ImportRosterRequest {
            request_id: fresh(),
            archive: self.roster.archive().into(),
            dry_run: false,
            agreed_removals: 0,
        };
        let mut client = self.directory().max_encoding_message_size(64 << 20);
        let answer =
            client.import_roster(self.by(Role::SystemAdministrator, request)).await.unwrap().into_inner();
        assert!(answer.loaded, "the roster has faults: {:#?}", answer.faults);
        let mut page_token = String::new();
        loop {
            let request =
                directory::ListPupilsRequest { class_id: String::new(), page_size: 500, page_token };
            let page =
                self.directory().list_pupils(self.by(Role::Office, request)).await.unwrap().into_inner();
            for pupil in page.pupils {
                self.pupils.insert(pupil.source_id, pupil.id);
                self.classes.insert(pupil.class_source_id, pupil.class_id);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return;
            }
        }
    }

    /// A request by somebody with a role.
    pub fn by<T>(&self, role: Role, message: T) -> Request<T> {
        self.by_token(&self.token(self.id, role), message)
    }

    /// A token for a school and a role.
    pub fn token(&self, school: SchoolId, role: Role) -> String {
        let life = (Clock::system().real(), SignedDuration::from_mins(10));
        self.signer.token("somebody", school, &[role], life).unwrap()
    }

    /// A request with a token.
    pub fn by_token<T>(&self, token: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert("authorization", MetadataValue::try_from(format!("Bearer {token}")).unwrap());
        request
    }

    /// The absences service.
    pub fn absences(&self) -> AbsencesServiceClient<Channel> {
        AbsencesServiceClient::new(self.channel.clone())
    }

    /// The directory.
    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
    }

    /// The dispatcher.
    pub fn dispatcher(&self) -> DispatcherServiceClient<Channel> {
        DispatcherServiceClient::new(self.channel.clone())
    }

    /// The dead letters.
    pub fn operations(&self) -> OperationsServiceClient<Channel> {
        OperationsServiceClient::new(self.channel.clone())
    }

    /// A pupil's id.
    pub fn pupil(&self, id: &str) -> String {
        self.pupils[id].clone()
    }

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
        self.absences().post_register(self.by(Role::ClassTeacher, request)).await.unwrap().into_inner()
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
        self.absences().close_register(self.by(Role::AttendanceOfficer, request)).await.unwrap().into_inner()
    }

    /// A pupil comes in.
    pub async fn arrives(&self, pupil: &str) -> absences::RecordArrivalResponse {
        let request = absences::RecordArrivalRequest {
            request_id: fresh(),
            pupil_id: self.pupil(pupil),
            date: DAY.to_owned(),
            session: absences::Session::Morning.into(),
        };
        self.absences().record_arrival(self.by(Role::Office, request)).await.unwrap().into_inner()
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

    /// Every notice of the school.
    pub async fn notices(&self) -> Vec<dispatcher::Notice> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = dispatcher::ListNoticesRequest { page_size: 500, page_token, ..Default::default() };
            let page =
                self.dispatcher().list_notices(self.by(Role::Head, request)).await.unwrap().into_inner();
            all.extend(page.notices);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// Every delivery of the school.
    pub async fn deliveries(&self) -> Vec<dispatcher::Delivery> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                dispatcher::ListDeliveriesRequest { page_size: 500, page_token, ..Default::default() };
            let page =
                self.dispatcher().list_deliveries(self.by(Role::Head, request)).await.unwrap().into_inner();
            all.extend(page.deliveries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// The open tasks of every service.
    pub async fn tasks(&self) -> Vec<tasks::Task> {
        let mut all = Vec::new();
        for service in app::all() {
            let request = tasks::ListTasksRequest { service, page_size: 500, ..Default::default() };
            let mut client = TasksServiceClient::new(self.channel.clone());
            all.extend(client.list_tasks(self.by(Role::Head, request)).await.unwrap().into_inner().tasks);
        }
        all
    }

    /// Waits for a task of this kind.
    pub async fn task(&self, kind: &str) -> tasks::Task {
        let seen = until(kind, || self.tasks(), |tasks| tasks.iter().any(|task| task.kind == kind)).await;
        seen.into_iter().find(|task| task.kind == kind).unwrap()
    }

    /// Waits until somebody has been sent so many messages.
    pub async fn messages(&self, number: usize) -> Vec<Message> {
        self.phones.wait_until(PATIENCE, |messages| messages.len() >= number).await.unwrap()
    }

    /// Waits until nothing gathers, nothing is due and every text has its receipt.
    pub async fn settles(&self) {
        until("settling", || self.open(), Vec::is_empty).await;
    }

    async fn open(&self) -> Vec<String> {
        let gathering = dispatcher::NoticeState::Gathering;
        let mut open: Vec<String> = (self.notices().await.into_iter())
            .filter(|notice| notice.state() == gathering)
            .map(|notice| format!("{notice:?}"))
            .collect();
        let ended = [
            dispatcher::DeliveryState::Delivered,
            dispatcher::DeliveryState::Failed,
            dispatcher::DeliveryState::Recalled,
            dispatcher::DeliveryState::Expired,
            dispatcher::DeliveryState::Skipped,
        ];
        for delivery in self.deliveries().await {
            let reached = delivery.channel.starts_with("email") && delivery.reached;
            if !reached && !ended.contains(&delivery.state()) {
                open.push(format!("{delivery:?}"));
            }
        }
        open
    }

    /// What arrived at an address, in order.
    pub fn received(&self, address: &str) -> Vec<String> {
        let at = |message: &Message| message.accepted.to == address;
        self.phones
            .messages()
            .iter()
            .filter(|message| at(message))
            .map(|message| message.accepted.body.clone())
            .collect()
    }

    /// Ends the school, which must have left nothing undone and nothing put aside.
    pub async fn ends_clean(self) {
        self.settles().await;
        for service in app::all() {
            let request = proto::operations::v1::ListDeadLettersRequest { service, ..Default::default() };
            let letters = self
                .operations()
                .list_dead_letters(self.by(Role::SystemAdministrator, request))
                .await
                .unwrap();
            assert_eq!(letters.into_inner().dead_letters, []);
        }
        self.stop().await;
    }

    /// Stops everything.
    pub async fn stop(self) {
        self.running.stop_token().cancel();
        tokio::time::timeout(PATIENCE, self.running.wait()).await.expect("the school stops").unwrap();
        self.phones.stop().await;
    }
}

/// A request id.
#[must_use]
pub fn fresh() -> String {
    uuid::Uuid::now_v7().to_string()
}
