//! The installation that is measured: the release binary in a process of its own, set up as a person would.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use jiff::SignedDuration;
use kit::clock::Clock;
use kit::identity::{Keys, Signer};
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::directory::v1::{ImportRosterRequest, ListPupilsRequest};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::process::{Process, Voice};
use crate::roster::Roster;
use crate::tools;

/// What receipts carry.
pub const RECEIPTS_TOKEN: &str = "a-token-for-receipts-in-measurements";
const MOST_BYTES: usize = 64 << 20;
const TOKEN_FOR: SignedDuration = SignedDuration::from_hours(2);

/// Where the databases are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// A file for each service.
    Sqlite,
    /// The server at this address.
    Postgres(String),
}

/// What an installation is made from. It may be started again and again.
#[derive(Debug, Clone)]
pub struct Installation {
    folder: PathBuf,
    services: Vec<String>,
}

impl Installation {
    /// Writes the settings under a folder that is its own; `channels` are the tables of its providers.
    pub fn write(folder: &Path, backend: &Backend, channels: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let postgres = match backend {
            Backend::Sqlite => String::new(),
            Backend::Postgres(address) => {
                format!("postgres = \"{address}\"\ndatabase_prefix = \"b{}_\"\n", Uuid::now_v7().simple())
            }
        };
        let text = format!(
            "mode = \"trial\"\ndata = \"{data}\"\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\
             clock_ahead_by = \"{ahead}\"\n[nats]\ntools = [\"{tools}\"]\n[store]\n{postgres}\
             [telemetry]\nlog_format = \"json\"\n[absences]\nclose_at_register_time = false\n\
             [dispatcher]\nreceipts_token = \"{RECEIPTS_TOKEN}\"\n{channels}",
            data = folder.join("data").display(),
            ahead = Clock::starting_at("2026-11-24T09:00:00Z".parse()?).ahead(),
            tools = tools::folder().display(),
        );
        std::fs::write(folder.join("schoolbell.toml"), text)?;
        Ok(Self { folder: folder.to_owned(), services: Vec::new() })
    }

    /// Only these services.
    pub fn only(mut self, services: &[&str]) -> Self {
        self.services = services.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Starts it, and waits until it serves.
    pub async fn start(&self) -> anyhow::Result<Schoolbell> {
        let binary = std::env::current_exe()?.with_file_name("schoolbell");
        ensure!(binary.is_file(), "{} is missing: `cargo build --release -p schoolbell`", binary.display());
        let mut command = Process::command(&binary);
        command.arg("--config").arg(self.folder.join("schoolbell.toml"));
        if self.services.is_empty() {
            command.arg("all");
        } else {
            command.arg("run").args(&self.services);
        }
        let log = self.folder.join("schoolbell.log");
        let ready = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let text = |key: &str| Some(line.get(key)?.as_str()?.to_owned());
            (text("message")? == "serving").then(|| text("grpc").zip(text("http"))).flatten()
        };
        let (process, (grpc, http)) =
            Process::start("schoolbell", command, (Voice::Error, &log), ready).await?;
        let channel = Channel::from_shared(format!("http://{grpc}"))?.connect().await?;
        let keys = Keys::open(&self.folder.join("data/keys"), &["people"])?;
        Ok(Schoolbell { process, channel, grpc, http, signer: keys.signer("people")? })
    }
}

/// A running installation.
pub struct Schoolbell {
    /// Its process.
    pub process: Process,
    /// Where it speaks gRPC.
    pub channel: Channel,
    /// The same, as `host:port`.
    pub grpc: String,
    /// Where it serves HTTP, as `host:port`.
    pub http: String,
    signer: Signer,
}

impl Schoolbell {
    /// A request by somebody with a role.
    pub fn by<T>(&self, school: SchoolId, role: Role, message: T) -> anyhow::Result<Request<T>> {
        let token = self.token(school, role)?;
        with_token(&token, message)
    }

    /// A token for somebody with a role.
    pub fn token(&self, school: SchoolId, role: Role) -> anyhow::Result<String> {
        Ok(self.signer.token("somebody", school, &[role], (Clock::system().real(), TOKEN_FOR))?)
    }

    fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
            .max_encoding_message_size(MOST_BYTES)
            .max_decoding_message_size(MOST_BYTES)
    }

    /// Loads a school.
    pub async fn import(&self, roster: &Roster) -> anyhow::Result<SchoolId> {
        let school = SchoolId::generate();
        let request = ImportRosterRequest {
            request_id: fresh(),
            archive: roster.archive()?.into(),
            ..Default::default()
        };
        let request = self.by(school, Role::SystemAdministrator, request)?;
        let answer = self.directory().import_roster(request).await?.into_inner();
        ensure!(answer.loaded, "the roster has faults: {:?}", answer.faults.first());
        Ok(school)
    }

    /// The ids of some pupils, with the names that say which.
    pub async fn pupils(&self, school: SchoolId, most: usize) -> anyhow::Result<Vec<(String, String)>> {
        let (mut pupils, mut page_token) = (Vec::new(), String::new());
        while pupils.len() < most {
            let request = ListPupilsRequest { page_size: 500, page_token, ..Default::default() };
            let request = self.by(school, Role::Office, request)?;
            let page = self.directory().list_pupils(request).await?.into_inner();
            pupils.extend(page.pupils.into_iter().map(|pupil| (pupil.source_id, pupil.id)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        pupils.truncate(most);
        Ok(pupils)
    }

    /// Ends it.
    pub async fn end(self) -> anyhow::Result<()> {
        drop(self.channel);
        self.process.end().await
    }
}

/// A request with a token.
pub fn with_token<T>(token: &str, message: T) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    let bearer = MetadataValue::try_from(format!("Bearer {token}")).context("a token")?;
    request.metadata_mut().insert("authorization", bearer);
    Ok(request)
}

/// A request id.
pub fn fresh() -> String {
    Uuid::now_v7().to_string()
}
