//! The directory of the tests: it says what it is told to say, on a loopback port.

use std::sync::{Arc, Mutex};

use kit::clock::Clock;
use kit::identity::Keys;
use kit::rejection::Rejection;
use kit::service::Peer;
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::directory::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use proto::ids::PupilId;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};

use crate::directory::Directory;

/// What the directory is told to say, of every school alike.
#[derive(Clone, Default)]
pub struct Roll {
    pupils: Arc<Mutex<Vec<directory::PupilCheck>>>,
    silent: Arc<Mutex<bool>>,
    no_roster: Arc<Mutex<bool>>,
}

impl Roll {
    pub fn add(&self, first_name: &str) -> PupilId {
        let pupil_id = PupilId::generate();
        self.pupils.lock().unwrap().push(directory::PupilCheck {
            pupil_id: pupil_id.to_string(),
            first_name: first_name.to_owned(),
            ..Default::default()
        });
        pupil_id
    }

    pub fn remove(&self, pupil_id: PupilId) {
        self.pupils.lock().unwrap().retain(|pupil| pupil.pupil_id != pupil_id.to_string());
    }

    pub fn be_silent(&self, silent: bool) {
        *self.silent.lock().unwrap() = silent;
    }

    /// From now on no roster has been imported, as the real directory says it.
    pub fn have_no_roster(&self) {
        *self.no_roster.lock().unwrap() = true;
    }

    fn check_answers<T>(&self, request: &Request<T>) -> Result<(), Status> {
        assert!(request.metadata().contains_key("authorization"), "a peer is asked with a token");
        if *self.silent.lock().unwrap() {
            return Err(Status::unavailable("not now"));
        }
        if *self.no_roster.lock().unwrap() {
            return Err(Rejection::precondition("NO_ROSTER", "no roster has been imported yet").into());
        }
        Ok(())
    }
}

fn not_needed<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("no test needs it"))
}

#[tonic::async_trait]
impl DirectoryService for Roll {
    type ResolveAudienceStream = futures::stream::Empty<Result<directory::ResolveAudienceResponse, Status>>;

    async fn get_school(
        &self,
        request: Request<directory::GetSchoolRequest>,
    ) -> Result<Response<directory::GetSchoolResponse>, Status> {
        self.check_answers(&request)?;
        let school = directory::School { time_zone: "Europe/London".to_owned(), ..Default::default() };
        Ok(Response::new(directory::GetSchoolResponse { school: Some(school) }))
    }

    async fn check_pupils(
        &self,
        request: Request<directory::CheckPupilsRequest>,
    ) -> Result<Response<directory::CheckPupilsResponse>, Status> {
        self.check_answers(&request)?;
        match request.into_inner().audience.and_then(|audience| audience.scope) {
            Some(Scope::WholeSchool(_)) => {}
            other => panic!("an accident needs the names of the whole school, not {other:?}"),
        }
        let pupils = self.pupils.lock().unwrap().clone();
        Ok(Response::new(directory::CheckPupilsResponse { pupils }))
    }

    async fn import_roster(
        &self,
        _: Request<directory::ImportRosterRequest>,
    ) -> Result<Response<directory::ImportRosterResponse>, Status> {
        not_needed()
    }

    async fn list_pupils(
        &self,
        _: Request<directory::ListPupilsRequest>,
    ) -> Result<Response<directory::ListPupilsResponse>, Status> {
        not_needed()
    }

    async fn get_pupil(
        &self,
        _: Request<directory::GetPupilRequest>,
    ) -> Result<Response<directory::GetPupilResponse>, Status> {
        not_needed()
    }

    async fn set_restriction(
        &self,
        _: Request<directory::SetRestrictionRequest>,
    ) -> Result<Response<directory::SetRestrictionResponse>, Status> {
        not_needed()
    }

    async fn set_person_only(
        &self,
        _: Request<directory::SetPersonOnlyRequest>,
    ) -> Result<Response<directory::SetPersonOnlyResponse>, Status> {
        not_needed()
    }

    async fn set_standing(
        &self,
        _: Request<directory::SetStandingRequest>,
    ) -> Result<Response<directory::SetStandingResponse>, Status> {
        not_needed()
    }

    async fn update_contact(
        &self,
        _: Request<directory::UpdateContactRequest>,
    ) -> Result<Response<directory::UpdateContactResponse>, Status> {
        not_needed()
    }

    async fn resolve_audience(
        &self,
        _: Request<directory::ResolveAudienceRequest>,
    ) -> Result<Response<Self::ResolveAudienceStream>, Status> {
        not_needed()
    }

    async fn clear_contacts(
        &self,
        _: Request<directory::ClearContactsRequest>,
    ) -> Result<Response<directory::ClearContactsResponse>, Status> {
        not_needed()
    }
}

/// A directory that answers on a loopback port as long as this lives.
pub struct Neighbour {
    pub roll: Roll,
    pub directory: Directory,
    _serving: JoinSet<()>,
    _keys: tempfile::TempDir,
}

impl Neighbour {
    pub async fn start(clock: &Clock) -> Self {
        let roll = Roll::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = DirectoryServiceServer::new(roll.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
        });
        let folder = tempfile::tempdir().unwrap();
        let signer = Keys::open(folder.path(), &["incidents"]).unwrap().signer("incidents").unwrap();
        let channel =
            Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true).connect_lazy();
        let directory = Directory::new(Peer::new(channel, signer, clock.clone()));
        Self { roll, directory, _serving: serving, _keys: folder }
    }
}
