//! A school that can be lived in: the whole of Schoolbell in this process, or apart.

mod day;
mod mortal;
mod overheard;
mod protected;
mod seen;
pub mod stories;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::Secret;
use kit::identity::Signer;
use kit::runner::Running;
use proto::absences::v1::absences_service_client::AbsencesServiceClient;
use proto::directory::v1 as directory;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::ids::SchoolId;
use proto::operations::v1::operations_service_client::OperationsServiceClient;
use proto::options::v1::Role;
use schoolbell::app;
use schoolbell::settings::Settings;
use simulator::{ReceiptsTo, Simulator};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use crate::Roster;
use crate::apart::Apart;
use crate::apart::ground::HERE;
use crate::apart::mortal::Mortal;
use crate::apart::protected::Protected;
use crate::installation::{Backend, GATHERS, Installation};
use crate::wait::PATIENCE;

use overheard::Overheard;
pub use overheard::Said;

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
    /// Everything speaks here; apart, only the directory does.
    pub channel: Channel,
    /// Where receipts are taken.
    pub http: std::net::SocketAddr,
    roster: Roster,
    signer: Signer,
    home: Home,
    /// Where the services speak that have another place than `channel`.
    elsewhere: BTreeMap<String, Channel>,
    receipts_token: Secret,
    data: tempfile::TempDir,
}

/// Where the services run.
enum Home {
    Here(Box<Running>),
    Apart(Box<Apart>),
    Protected(Box<Protected>),
    Overheard(Box<Overheard>),
    Mortal(Arc<Mortal>),
}

impl School {
    /// Starts a school on SQLite.
    pub async fn start(roster: Roster) -> Self {
        Self::start_on(Backend::Sqlite, roster).await
    }

    /// Starts a school.
    pub async fn start_on(backend: Backend, roster: Roster) -> Self {
        Self::start_given(backend, roster, |_| {}).await
    }

    /// Starts a school whose settings are changed first: it is given servers of the test's own.
    pub async fn start_given(backend: Backend, roster: Roster, give: impl FnOnce(&mut Settings)) -> Self {
        app::choose_tls();
        let data = tempfile::tempdir().unwrap();
        let phones =
            simulator::start(simulator::Options::new(data.path().join("phones.jsonl"))).await.unwrap();
        let token = Secret::random();
        let installation = Installation {
            folder: data.path(),
            backend,
            phones: &phones,
            receipts_token: &token,
            gathers: GATHERS,
        };
        let mut settings = installation.settings("");
        give(&mut settings);
        let running = Box::pin(app::start(settings, &app::all())).await.unwrap();
        let channel =
            Channel::from_shared(format!("http://{}", running.grpc)).unwrap().connect().await.unwrap();
        let mut school = Self {
            id: SchoolId::generate(),
            phones,
            pupils: BTreeMap::new(),
            classes: BTreeMap::new(),
            channel,
            http: running.http,
            roster,
            signer: running.keys.signer(app::PEOPLE).unwrap(),
            home: Home::Here(Box::new(running)),
            elsewhere: BTreeMap::new(),
            receipts_token: token,
            data,
        };
        school.take_receipts();
        school.import().await;
        school
    }

    /// Starts a school whose services run in processes of their own, as `docker-compose.yml` says.
    pub async fn start_apart(roster: Roster) -> Self {
        app::choose_tls();
        let data = tempfile::tempdir().unwrap();
        let phones =
            simulator::start(simulator::Options::new(data.path().join("phones.jsonl"))).await.unwrap();
        let token = Secret::random();
        let clock = Clock::starting_at("2026-11-24T08:50:00Z".parse().unwrap());
        let apart = Apart::start(
            Installation {
                folder: data.path(),
                backend: Backend::Postgres,
                phones: &phones,
                receipts_token: &token,
                gathers: GATHERS,
            },
            clock,
        )
        .await;
        let mut school = Self {
            id: SchoolId::generate(),
            phones,
            pupils: BTreeMap::new(),
            classes: BTreeMap::new(),
            channel: apart.channel("directory").await,
            http: apart.http("dispatcher"),
            roster,
            signer: apart.signer(),
            home: Home::Apart(Box::new(apart)),
            elsewhere: BTreeMap::new(),
            receipts_token: token,
            data,
        };
        school.find_services().await;
        school.import().await;
        school
    }

    /// Speaks to the first replica of each service from now on.
    async fn find_services(&mut self) {
        if let Home::Protected(home) = &self.home {
            for service in app::all() {
                self.elsewhere.insert(service.clone(), home.channel(&service).await);
            }
        }
        if let Home::Apart(apart) = &self.home {
            for service in app::all() {
                self.elsewhere.insert(service.clone(), apart.channel(&service).await);
            }
            self.http = apart.http("dispatcher");
        }
        self.take_receipts();
    }

    fn take_receipts(&self) {
        let place = match &self.home {
            Home::Here(_) | Home::Apart(_) | Home::Overheard(_) | Home::Mortal(_) => {
                format!("http://{}", self.http)
            }
            Home::Protected(_) => format!("https://{HERE}:{}", self.http.port()),
        };
        // A provider gives up after some tries, and who died takes a while to be back.
        let retry_every =
            Duration::from_millis(if matches!(self.home, Home::Mortal(_)) { 1_500 } else { 200 });
        self.phones.send_receipts_to(ReceiptsTo {
            url: format!("{place}/dispatcher/receipts/notify"),
            bearer_token: self.receipts_token.reveal().to_owned(),
            after: Duration::from_millis(50),
            retry_every,
        });
    }

    /// Kills a replica of a service that runs apart; whoever spoke to it speaks to the next.
    ///
    /// # Panics
    /// When the services run in this process.
    pub async fn kill_one(&mut self, service: &str) {
        let apart = match &mut self.home {
            Home::Apart(apart) => Some(apart),
            Home::Here(_) | Home::Protected(_) | Home::Overheard(_) | Home::Mortal(_) => None,
        };
        apart.expect("services that run apart").kill_one(service).await;
        self.find_services().await;
    }

    /// Where a service speaks.
    pub fn to(&self, service: &str) -> Channel {
        self.elsewhere.get(service).unwrap_or(&self.channel).clone()
    }

    /// Imports another school into the same installation: its id.
    pub async fn has_sister(&self, roster: &Roster) -> SchoolId {
        let id = SchoolId::generate();
        self.load(id, roster).await;
        id
    }

    async fn load(&self, id: SchoolId, roster: &Roster) {
        let request = directory::ImportRosterRequest {
            request_id: fresh(),
            archive: roster.archive().into(),
            dry_run: false,
            agreed_removals: 0,
        };
        let client = self.directory().max_encoding_message_size(64 << 20);
        let import = async || {
            let token = self.token(id, Role::SystemAdministrator);
            client.clone().import_roster(self.by_token(&token, request.clone())).await
        };
        let answer = self.answered(import).await;
        assert!(answer.loaded, "the roster has faults: {:#?}", answer.faults);
    }

    async fn import(&mut self) {
        self.load(self.id, &self.roster).await;
        let mut page_token = String::new();
        loop {
            let request = directory::ListPupilsRequest { page_size: 500, page_token, ..Default::default() };
            let list = async || self.directory().list_pupils(self.by(Role::Office, request.clone())).await;
            let page = self.answered(list).await;
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
        AbsencesServiceClient::new(self.to("absences"))
    }

    /// The directory.
    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.to("directory"))
    }

    /// The dispatcher.
    pub fn dispatcher(&self) -> DispatcherServiceClient<Channel> {
        DispatcherServiceClient::new(self.to("dispatcher"))
    }

    /// The dead letters of a service.
    pub fn operations(&self, service: &str) -> OperationsServiceClient<Channel> {
        OperationsServiceClient::new(self.to(service))
    }

    /// A pupil's id.
    pub fn pupil(&self, id: &str) -> String {
        self.pupils[id].clone()
    }

    /// Ends the school, which must have left nothing undone and nothing put aside.
    pub async fn ends_clean(self) {
        self.settles().await;
        self.has_put_nothing_aside().await;
        self.stop().await;
    }

    /// No service has a dead letter.
    ///
    /// # Panics
    /// When one has.
    pub async fn has_put_nothing_aside(&self) {
        for service in app::all() {
            let operations = self.operations(&service);
            let request = proto::operations::v1::ListDeadLettersRequest { service, ..Default::default() };
            let letters = self.answered(async || {
                let request = self.by(Role::SystemAdministrator, request.clone());
                operations.clone().list_dead_letters(request).await
            });
            assert_eq!(letters.await.dead_letters, []);
        }
    }

    /// Stops everything.
    pub async fn stop(self) {
        match self.home {
            Home::Here(running) => {
                running.stop_token().cancel();
                tokio::time::timeout(PATIENCE, running.wait()).await.expect("the school stops").unwrap();
            }
            Home::Apart(apart) => apart.stop().await,
            Home::Protected(mut home) => home.stop().await,
            Home::Overheard(home) => home.stop().await,
            Home::Mortal(home) => Arc::into_inner(home).expect("nobody else has it").stop().await,
        }
        self.phones.stop().await;
        drop(self.data);
    }
}

/// A request id.
#[must_use]
pub fn fresh() -> String {
    uuid::Uuid::now_v7().to_string()
}
