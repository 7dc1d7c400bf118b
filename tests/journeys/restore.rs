//! The data is put back to an earlier state: nothing is said twice, nothing is lost unsaid, and what
//! is new is told. The commands are the binary's, as a person runs them.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::Secret;
use kit::identity::Keys;
use proto::absences::v1 as absences;
use proto::absences::v1::absences_service_client::AbsencesServiceClient;
use proto::directory::v1::ListPupilsRequest;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::dispatcher::v1 as dispatcher;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::ids::{EventId, SchoolId};
use proto::operations::v1::operations_service_client::OperationsServiceClient;
use proto::operations::v1::{DeadLetter, ListDeadLettersRequest};
use proto::options::v1::Role;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use proto::tasks::v1::{ListTasksRequest, Task};
use schoolbell::app;
use simulator::{Behaviour, Provider, ReceiptsTo, Simulator};
use tests::Roster;
use tests::apart::{Process, binary};
use tests::installation::{Backend, GATHERS, Installation};
use tests::roster::Contact;
use tests::school::DAY;
use tests::wait::until;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

/// An installation whose processes and commands are the binary's.
pub(super) struct Installed {
    pub(super) id: SchoolId,
    pub(super) phones: Simulator,
    pub(super) data: tempfile::TempDir,
    pub(super) config: PathBuf,
    token: Secret,
    process: Option<Process>,
}

impl Installed {
    pub(super) async fn start(backend: Backend) -> Self {
        app::choose_tls();
        let data = tempfile::tempdir().unwrap();
        let phones =
            simulator::start(simulator::Options::new(data.path().join("phones.jsonl"))).await.unwrap();
        let token = Secret::random();
        let folder = data.path();
        let config =
            Installation { folder, backend, phones: &phones, receipts_token: &token, gathers: GATHERS }
                .file("");
        let id = SchoolId::generate();
        let mut installed = Self { id, phones, data, config, token, process: None };
        installed.run().await;
        installed
    }

    pub(super) async fn run(&mut self) {
        let services = app::all();
        let services: Vec<&str> = services.iter().map(String::as_str).collect();
        let process = Process::run(&self.config, &services, &self.data.path().join("log.jsonl")).await;
        self.phones.send_receipts_to(ReceiptsTo {
            url: format!("http://{}/dispatcher/receipts/notify", process.http),
            bearer_token: self.token.reveal().to_owned(),
            after: Duration::from_millis(50),
            retry_every: Duration::from_millis(200),
        });
        self.process = Some(process);
    }

    pub(super) async fn stop(&mut self) {
        self.process.take().unwrap().end().await;
    }

    /// A command of the binary, which finds the running process, if there is one.
    pub(super) async fn command(&self, arguments: &[&str]) -> Output {
        let mut command = tokio::process::Command::new(binary());
        command.arg("--config").arg(&self.config).args(arguments);
        if let Some(process) = &self.process {
            command.env("SCHOOLBELL__GRPC", &process.grpc);
        }
        command.output().await.unwrap()
    }

    pub(super) async fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    pub(super) async fn fails(&self, arguments: &[&str], why: &str) {
        let output = self.command(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains(why), "{said}");
    }

    pub(super) async fn channel(&self) -> Channel {
        let address = format!("http://{}", self.process.as_ref().unwrap().grpc);
        Channel::from_shared(address).unwrap().connect().await.unwrap()
    }

    fn by<T>(&self, role: Role, message: T) -> Request<T> {
        let keys = Keys::open(&self.data.path().join("keys"), &[app::PEOPLE]).unwrap();
        let life = (Clock::system().real(), SignedDuration::from_mins(10));
        let token = keys.signer(app::PEOPLE).unwrap().token("somebody", self.id, &[role], life).unwrap();
        let mut request = Request::new(message);
        let bearer = MetadataValue::try_from(format!("Bearer {token}")).unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }

    /// The one pupil of a class is missing from its register.
    pub(super) async fn missing(&self, name: &str) -> String {
        let channel = self.channel().await;
        let list = self.by(Role::Office, ListPupilsRequest::default());
        let pupils = DirectoryServiceClient::new(channel.clone()).list_pupils(list).await.unwrap();
        let pupils = pupils.into_inner().pupils;
        let pupil = pupils.into_iter().find(|pupil| pupil.source_id == name).unwrap();
        let mark = absences::Mark { pupil_id: pupil.id.clone(), code: "N".to_owned() };
        let request = absences::PostRegisterRequest {
            request_id: EventId::generate().to_string(),
            class_id: pupil.class_id,
            date: DAY.to_owned(),
            session: absences::Session::Morning.into(),
            marks: vec![mark],
        };
        let request = self.by(Role::ClassTeacher, request);
        AbsencesServiceClient::new(channel).post_register(request).await.unwrap();
        pupil.id
    }

    pub(super) async fn close(&self) {
        let request = absences::CloseRegisterRequest {
            request_id: EventId::generate().to_string(),
            date: DAY.to_owned(),
            session: absences::Session::Morning.into(),
        };
        let request = self.by(Role::AttendanceOfficer, request);
        AbsencesServiceClient::new(self.channel().await).close_register(request).await.unwrap();
    }

    pub(super) async fn deliveries(&self, pupil: &str) -> Vec<dispatcher::Delivery> {
        let request = dispatcher::ListDeliveriesRequest { pupil_id: pupil.to_owned(), ..Default::default() };
        let request = self.by(Role::Head, request);
        let mut client = DispatcherServiceClient::new(self.channel().await);
        client.list_deliveries(request).await.unwrap().into_inner().deliveries
    }

    pub(super) async fn is_told(&self, pupil: &str) {
        let told = |found: &Vec<dispatcher::Delivery>| found.iter().any(|delivery| delivery.reached);
        until("a text delivered", || self.deliveries(pupil), told).await;
    }

    pub(super) async fn notice(&self, pupil: &str) -> dispatcher::Notice {
        let request = dispatcher::ListNoticesRequest { pupil_id: pupil.to_owned(), ..Default::default() };
        let request = self.by(Role::Head, request);
        let mut client = DispatcherServiceClient::new(self.channel().await);
        client.list_notices(request).await.unwrap().into_inner().notices.remove(0)
    }

    pub(super) async fn tasks(&self, service: &str) -> Vec<Task> {
        let request = ListTasksRequest { service: service.to_owned(), page_size: 500, ..Default::default() };
        let request = self.by(Role::Head, request);
        let mut client = TasksServiceClient::new(self.channel().await);
        client.list_tasks(request).await.unwrap().into_inner().tasks
    }

    pub(super) async fn dead_letters(&self) -> Vec<DeadLetter> {
        let request = ListDeadLettersRequest { service: "dispatcher".to_owned(), ..Default::default() };
        let request = self.by(Role::SystemAdministrator, request);
        let mut client = OperationsServiceClient::new(self.channel().await);
        client.list_dead_letters(request).await.unwrap().into_inner().dead_letters
    }

    pub(super) fn texts(&self, number: &str) -> usize {
        self.phones.messages().iter().filter(|message| message.accepted.to == number).count()
    }
}

pub(super) const MAYAS: &str = "+447700900201";
pub(super) const ROHANS: &str = "+447700900202";
pub(super) const ZOES: &str = "+447700900203";
pub(super) const BENS: &str = "+447700900204";

pub(super) fn roster() -> Roster {
    Roster::new()
        .pupil("Maya", "oak", [Contact::parent("Anna").phone("07700900201")])
        .pupil("Rohan", "elm", [Contact::parent("Bert").phone("07700900202")])
        .pupil("Zoe", "ash", [Contact::parent("Cara").phone("07700900203")])
        .pupil("Ben", "fir", [Contact::parent("Dora").phone("07700900204")])
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_nothing_is_said_twice_what_is_old_waits_for_a_person_and_what_is_new_is_told() {
    let mut school = Installed::start(Backend::Sqlite).await;
    let archive = school.data.path().join("roster.zip");
    std::fs::write(&archive, roster().archive()).unwrap();
    let id = school.id.to_string();
    school.succeeds(&["import", archive.to_str().unwrap(), "--school", &id]).await;

    // Maya's parent has been told when the backup is taken; the text to Rohan's waits for its provider.
    let maya = school.missing("Maya").await;
    school.close().await;
    school.is_told(&maya).await;
    school.phones.behave(Behaviour::RateLimited { provider: Provider::Notify, requests: 1_000 });
    let rohan = school.missing("Rohan").await;
    let tried = |found: &Vec<dispatcher::Delivery>| found.iter().any(|delivery| delivery.attempts > 0);
    until("a first try", || school.deliveries(&rohan), tried).await;
    let outside = tempfile::tempdir().unwrap();
    let backup = outside.path().join("backup");
    let backup = backup.to_str().unwrap();
    let said = school.succeeds(&["backup", backup]).await;
    assert!(said.contains("is complete"), "{said}");
    school.fails(&["backup", backup], "never overwrites").await;

    // Afterwards Rohan's parent is told, and something new is said and told: Zoe is missing.
    school.phones.behave(Behaviour::Normal);
    school.is_told(&rohan).await;
    let zoe = school.missing("Zoe").await;
    school.is_told(&zoe).await;
    let zoes = school.notice(&zoe).await.event_id;

    school.fails(&["restore", backup, "--replace"], "in use by another process").await;
    school.stop().await;
    school.fails(&["restore", backup], "--replace moves them aside").await;
    school.succeeds(&["restore", backup, "--replace"]).await;
    school.run().await;

    // What may have left before is a person's: the text that was waiting, and the fact of later.
    let names = |pupil: &str| {
        let pupil = pupil.to_owned();
        move |tasks: &Vec<Task>| {
            tasks.iter().any(|task| task.kind == "restored" && task.subjects.contains(&pupil))
        }
    };
    until("a task about Rohan", || school.tasks("dispatcher"), names(&rohan)).await;
    let waits = |letters: &Vec<DeadLetter>| letters.iter().any(|letter| letter.event_id == zoes);
    let letters = until("Zoe's fact put aside", || school.dead_letters(), waits).await;
    let letter = letters.iter().find(|letter| letter.event_id == zoes).unwrap();
    assert!(letter.why.starts_with("RESTORED: "), "{}", letter.why);
    let tasks = school.tasks("dispatcher").await;
    assert!(tasks.iter().any(|task| task.kind == "dead_letter" && task.subjects.contains(&letter.id)));
    assert!(school.tasks("directory").await.iter().any(|task| task.kind == "restored"));

    // What is new is told.
    let ben = school.missing("Ben").await;
    school.is_told(&ben).await;
    assert_eq!([MAYAS, ROHANS, ZOES, BENS].map(|number| school.texts(number)), [1, 1, 1, 1]);

    // The story of the new fact, from its delivery; and of the old one, from its event.
    let delivery = school.deliveries(&ben).await.remove(0).id;
    let story = school.succeeds(&["trace", &delivery, "--school", &id]).await;
    let words = ["said", "published", "heard", "gathered", "decided", "planned", "tried", "message"];
    for word in words {
        assert!(story.lines().any(|line| line.contains(&format!("  {word} "))), "{word}: {story}");
    }
    assert!(!story.contains("7700900") && !story.contains("Ben") && !story.contains("Dora"), "{story}");
    let story = school.succeeds(&["trace", &zoes, "--school", &id]).await;
    assert!(story.contains("dead letter") && story.contains("RESTORED: "), "{story}");
    assert!(school.succeeds(&["trace", &maya, "--school", &id]).await.contains("by sms.notify"));

    // A person finds that nobody knows of Rohan, and asks for it to be sent again.
    let gathering = school.notice(&rohan).await.gathering_id;
    let again = ["redeliver", &gathering, "--school", &id, "--why", "nobody had heard"];
    let said = school.succeeds(&again).await;
    assert!(said.contains("1 messages go to 1 contacts again"), "{said}");
    school.is_told(&rohan).await;
    assert_eq!([MAYAS, ROHANS, ZOES, BENS].map(|number| school.texts(number)), [1, 2, 1, 1]);
    let said = school.succeeds(&["check"]).await;
    assert!(said.contains("ok     sms.notify: ") && !said.contains("WRONG"), "{said}");
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_a_server_s_own_tools_put_back_are_marked_while_nothing_runs() {
    let mut school = Installed::start(Backend::Postgres).await;
    let archive = school.data.path().join("roster.zip");
    std::fs::write(&archive, roster().archive()).unwrap();
    let id = school.id.to_string();
    school.succeeds(&["import", archive.to_str().unwrap(), "--school", &id]).await;
    let outside = tempfile::tempdir().unwrap();
    let backup = outside.path().join("backup");
    let said = school.succeeds(&["backup", backup.to_str().unwrap()]).await;
    assert!(said.contains("nothing was copied") && said.contains("pg_dump --format=custom"), "{said}");
    school.fails(&["restore", "--put-back"], "in use by another process").await;
    school.stop().await;
    school.fails(&["restore", backup.to_str().unwrap()], "restore --put-back").await;
    school.succeeds(&["restore", "--put-back"]).await;
    school.run().await;
    assert!(school.tasks("directory").await.iter().any(|task| task.kind == "restored"));
    let maya = school.missing("Maya").await;
    school.close().await;
    school.is_told(&maya).await;
    assert_eq!(school.texts(MAYAS), 1);
    assert!(school.succeeds(&["trace", &maya, "--school", &id]).await.contains("by sms.notify"));
    let said = school.succeeds(&["check"]).await;
    assert!(said.contains("ok     store of dispatcher: PostgreSQL") && !said.contains("WRONG"), "{said}");
    school.stop().await;
}
