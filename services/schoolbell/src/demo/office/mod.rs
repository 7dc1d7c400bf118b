//! The people at school: each call as the role that would make it, with a token of its own, over the
//! same gRPC as anybody's. What they do stands by the service that they do it with; here stands who
//! they are and whom they know.

mod asking;
mod attendance;
mod records;

pub use records::{Account, Closing, Letter};

use anyhow::Context;
use jiff::SignedDuration;
use kit::clock::Clock;
use kit::identity::{Signer, role_name};
use kit::runner::Running;
use proto::directory::v1 as directory;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

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
}

fn new_request() -> String {
    SchoolId::generate().to_string()
}

fn answered<T>(rpc: &str, answer: Result<Response<T>, Status>) -> anyhow::Result<T> {
    let answer = answer
        .map_err(|status| anyhow::anyhow!("{rpc} was answered {:?}: {}", status.code(), status.message()))?;
    Ok(answer.into_inner())
}
