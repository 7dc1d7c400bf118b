//! The people at school: each call as the role that would make it, with a token of its own, over the
//! same gRPC as anybody's. What they do stands by the service that they do it with; here stands who
//! they are and whom they know.

mod asking;
mod attendance;
mod records;

pub use records::{Account, Closing, Letter};

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::SignedDuration;
use kit::asked::LARGEST_ANSWER;
use kit::clock::Clock;
use kit::identity::{Signer, role_name};
use proto::directory::v1 as directory;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use super::doors::Doors;
use crate::app;
use crate::command::import;

const TOKEN_LIVES_FOR: SignedDuration = SignedDuration::from_mins(1);
/// A demonstration is looked at for a morning.
const LINKS_LIVE_FOR: SignedDuration = SignedDuration::from_hours(12);
const PAGE: i32 = 500;
/// How long somebody goes on pressing the button while a service does not answer, and how often.
const INSISTS_FOR: Duration = Duration::from_secs(40);
const PRESSES_EVERY: Duration = Duration::from_millis(250);

/// One school's people.
pub struct Office {
    doors: Doors,
    signer: Signer,
    /// The school.
    pub school: SchoolId,
}

impl Office {
    /// People of a new school, who knock at these doors.
    pub fn at(doors: Doors, signer: Signer) -> Self {
        Self { doors, signer, school: SchoolId::generate() }
    }

    /// Asks a service until it answers; a command asks each time with its one `request_id`. What a
    /// service refuses is refused.
    async fn ask<T: Clone, A>(
        &self,
        (rpc, service): (&str, &str),
        role: Role,
        message: T,
        call: impl AsyncFn(Channel, Request<T>) -> Result<Response<A>, Status>,
    ) -> anyhow::Result<A> {
        let deadline = Instant::now() + INSISTS_FOR;
        let mut presses = tokio::time::interval(PRESSES_EVERY);
        presses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            presses.tick().await;
            let request = self.request(role, message.clone())?;
            match call(self.doors.channel(service)?, request).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) if is_away(&status) && Instant::now() < deadline => {}
                Err(status) => {
                    bail!("{rpc} was answered {:?}: {}", status.code(), status.message())
                }
            }
        }
    }

    /// A link for each role, by which somebody signs in to the console and looks around.
    pub fn ways_in(&self, http: SocketAddr) -> anyhow::Result<Vec<(String, String)>> {
        let link = |number| {
            let name = role_name(Role::try_from(number)?).replace('_', " ");
            let life = (Clock::system().real(), LINKS_LIVE_FOR);
            let token = self.signer.token(&name, self.school, &[Role::try_from(number)?], life)?;
            Ok((name, app::link(http, &token)))
        };
        (1..=8).map(link).collect()
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
        let rpc = ("ImportRoster", "directory");
        self.ask(rpc, Role::SystemAdministrator, request, async |channel, request| {
            let client = DirectoryServiceClient::new(channel);
            let client = client.max_decoding_message_size(LARGEST_ANSWER);
            client.max_encoding_message_size(LARGEST_ANSWER).import_roster(request).await
        })
        .await
    }

    /// Every pupil on roll.
    pub async fn pupils(&self) -> anyhow::Result<Vec<directory::PupilSummary>> {
        every_page(async |page_token| {
            let request = directory::ListPupilsRequest { page_size: PAGE, page_token, ..Default::default() };
            let rpc = ("ListPupils", "directory");
            let page = self.ask(rpc, Role::Office, request, async |channel, request| {
                DirectoryServiceClient::new(channel).list_pupils(request).await
            });
            page.await.map(|page| (page.pupils, page.next_page_token))
        })
        .await
    }

    /// Whom a pupil has at home.
    pub async fn links(&self, pupil_id: &str) -> anyhow::Result<Vec<directory::Link>> {
        let request = directory::GetPupilRequest { pupil_id: pupil_id.to_owned() };
        let answer = self
            .ask(("GetPupil", "directory"), Role::Office, request, async |channel, request| {
                DirectoryServiceClient::new(channel).get_pupil(request).await
            })
            .await?;
        Ok(answer.pupil.context("a pupil without links")?.links)
    }
}

/// What stands on all pages, by the token of each.
async fn every_page<T>(
    page: impl AsyncFn(String) -> anyhow::Result<(Vec<T>, String)>,
) -> anyhow::Result<Vec<T>> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let (items, next) = page(page_token).await?;
        all.extend(items);
        if next.is_empty() {
            return Ok(all);
        }
        page_token = next;
    }
}

/// Whether it was not the service that answered, or it cannot answer now.
fn is_away(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled)
}

fn new_request() -> String {
    SchoolId::generate().to_string()
}
