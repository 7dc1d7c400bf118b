//! Where the played services answer: one loopback port behind a gate, with a way to it for the
//! service that is tested.

use std::collections::BTreeMap;

use kit::clock::Clock;
use kit::identity::{Gate, Keys};
use kit::service::Peer;
use proto::directory::v1::directory_service_server::DirectoryServiceServer;
use proto::options::v1::Role;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::service::{InterceptorLayer, Routes};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Status};

use crate::directory::FakeDirectory;

/// The neighbours of one service, who answer as long as this lives.
pub struct Neighbours {
    /// What the directory is told to say.
    pub directory: FakeDirectory,
    peer: Peer,
    _serving: JoinSet<()>,
    _keys: tempfile::TempDir,
}

impl Neighbours {
    /// A directory with nobody in it, for the service of this name.
    pub async fn start(service: &'static str, clock: &Clock) -> Self {
        Self::start_with(service, clock, |routes| routes).await
    }

    /// The same, and beside it what else the test plays.
    pub async fn start_with(
        service: &'static str,
        clock: &Clock,
        beside: impl FnOnce(Routes) -> Routes,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path(), &[service]).unwrap();
        let issuer = keys.issuer(service, &[Role::Service]).unwrap();
        let gate = Gate::new(&BTreeMap::from([(service.to_owned(), issuer)])).unwrap();
        let directory = FakeDirectory::default();
        let routes = beside(Routes::new(DirectoryServiceServer::new(directory.clone())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let gate = InterceptorLayer::new(move |request| let_in(&gate, request));
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            let server = Server::builder().layer(gate).add_routes(routes);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        let channel =
            Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true).connect_lazy();
        let peer = Peer::new(channel, keys.signer(service).unwrap(), clock.clone());
        Self { directory, peer, _serving: serving, _keys: folder }
    }

    /// The way to all of them.
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }
}

/// Services ask in their own name, with a token that has not expired; nobody else is answered.
fn let_in(gate: &Gate, request: Request<()>) -> Result<Request<()>, Status> {
    let bearer = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let caller = gate.verify(token).map_err(Status::from)?;
    if caller.is(Role::Service) { Ok(request) } else { Err(Status::permission_denied("not a service")) }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proto::directory::v1::GetSchoolRequest;
    use proto::directory::v1::directory_service_client::DirectoryServiceClient;
    use proto::ids::SchoolId;
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn who_asks_in_its_own_name_is_answered_and_nobody_else() {
        let neighbours = Neighbours::start("absences", &Clock::system()).await;
        let mut client = DirectoryServiceClient::new(neighbours.peer().way());
        let nameless = client.get_school(GetSchoolRequest {}).await;
        assert_eq!(nameless.unwrap_err().code(), Code::Unauthenticated);
        let patience = SignedDuration::from_secs(5);
        let request = neighbours.peer().request(SchoolId::generate(), GetSchoolRequest {}, patience).unwrap();
        assert!(client.get_school(request).await.unwrap().into_inner().school.is_some());
    }
}
