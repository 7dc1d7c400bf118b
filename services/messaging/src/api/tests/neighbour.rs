//! The directory of the tests: it says what it is told to say, on a loopback port.

use std::sync::{Arc, Mutex};

use kit::clock::Clock;
use kit::identity::Keys;
use kit::rejection::Rejection;
use kit::service::Peer;
use proto::directory::v1 as pb;
use proto::directory::v1::audience::Scope;
use proto::directory::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use proto::ids::{ClassId, PupilId};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};

use crate::directory::Directory;

/// What the directory can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Answers,
    Silent,
    /// No roster has been imported, as the real directory says it.
    NoRoster,
}

/// What the directory is told to say, of every school alike.
#[derive(Clone, Default)]
pub struct Roll {
    pupils: Arc<Mutex<Vec<pb::PupilCheck>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Roll {
    pub fn add(&self, class_id: ClassId, year_group: &str) -> PupilId {
        let pupil_id = PupilId::generate();
        self.pupils.lock().unwrap().push(pb::PupilCheck {
            pupil_id: pupil_id.to_string(),
            class_id: class_id.to_string(),
            year_group: year_group.to_owned(),
            ..Default::default()
        });
        pupil_id
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn check_answers(&self) -> Result<(), Status> {
        match *self.mood.lock().unwrap() {
            Mood::Answers => Ok(()),
            Mood::Silent => Err(Status::unavailable("not now")),
            Mood::NoRoster => {
                Err(Rejection::precondition("NO_ROSTER", "no roster has been imported yet").into())
            }
        }
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn not_needed<T>() -> Answer<T> {
    Err(Status::unimplemented("no test needs it"))
}

#[tonic::async_trait]
impl DirectoryService for Roll {
    type ResolveAudienceStream = futures::stream::Empty<Result<pb::ResolveAudienceResponse, Status>>;

    async fn get_school(&self, request: Request<pb::GetSchoolRequest>) -> Answer<pb::GetSchoolResponse> {
        assert!(request.metadata().contains_key("authorization"), "a peer is asked with a token");
        self.check_answers()?;
        let school = pb::School { time_zone: "Europe/London".to_owned(), ..Default::default() };
        Ok(Response::new(pb::GetSchoolResponse { school: Some(school) }))
    }

    async fn check_pupils(
        &self,
        request: Request<pb::CheckPupilsRequest>,
    ) -> Answer<pb::CheckPupilsResponse> {
        self.check_answers()?;
        let mut pupils = self.pupils.lock().unwrap().clone();
        let scope = request.into_inner().audience.and_then(|audience| audience.scope);
        pupils.retain(|pupil| match &scope {
            Some(Scope::WholeSchool(_)) => true,
            Some(Scope::YearGroups(groups)) => groups.year_groups.contains(&pupil.year_group),
            Some(Scope::Classes(classes)) => classes.class_ids.contains(&pupil.class_id),
            Some(Scope::Pupils(wanted)) => wanted.pupil_ids.contains(&pupil.pupil_id),
            None => panic!("the directory is asked about nobody"),
        });
        Ok(Response::new(pb::CheckPupilsResponse { pupils }))
    }

    async fn import_roster(&self, _: Request<pb::ImportRosterRequest>) -> Answer<pb::ImportRosterResponse> {
        not_needed()
    }

    async fn list_pupils(&self, _: Request<pb::ListPupilsRequest>) -> Answer<pb::ListPupilsResponse> {
        not_needed()
    }

    async fn get_pupil(&self, _: Request<pb::GetPupilRequest>) -> Answer<pb::GetPupilResponse> {
        not_needed()
    }

    async fn set_restriction(
        &self,
        _: Request<pb::SetRestrictionRequest>,
    ) -> Answer<pb::SetRestrictionResponse> {
        not_needed()
    }

    async fn set_person_only(
        &self,
        _: Request<pb::SetPersonOnlyRequest>,
    ) -> Answer<pb::SetPersonOnlyResponse> {
        not_needed()
    }

    async fn set_standing(&self, _: Request<pb::SetStandingRequest>) -> Answer<pb::SetStandingResponse> {
        not_needed()
    }

    async fn update_contact(
        &self,
        _: Request<pb::UpdateContactRequest>,
    ) -> Answer<pb::UpdateContactResponse> {
        not_needed()
    }

    async fn resolve_audience(
        &self,
        _: Request<pb::ResolveAudienceRequest>,
    ) -> Answer<Self::ResolveAudienceStream> {
        not_needed()
    }

    async fn clear_contacts(
        &self,
        _: Request<pb::ClearContactsRequest>,
    ) -> Answer<pb::ClearContactsResponse> {
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
        let signer = Keys::open(folder.path(), &["messaging"]).unwrap().signer("messaging").unwrap();
        let channel =
            Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true).connect_lazy();
        let directory = Directory::new(Peer::new(channel, signer, clock.clone()));
        Self { roll, directory, _serving: serving, _keys: folder }
    }
}
