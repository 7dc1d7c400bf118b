//! The services that the tests ask: a directory that says what it is told to say, and the calendar,
//! on a loopback port.

use std::sync::{Arc, Mutex};

use kit::clock::Clock;
use kit::identity::Keys;
use kit::rejection::Rejection;
use kit::service::Peer;
use proto::directory::v1 as directory;
use proto::directory::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use proto::events::scope::Scope;
use proto::ids::{ClassId, PupilId};
use proto::scheduling::v1::scheduling_service_server::SchedulingServiceServer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};

use super::timetable::Timetable;
use crate::directory::Directory;
use crate::scheduling::Scheduling;

/// What the directory is told to say, of every school alike.
#[derive(Clone, Default)]
pub struct Roll {
    pupils: Arc<Mutex<Vec<directory::PupilCheck>>>,
    silent: Arc<Mutex<bool>>,
    no_roster: Arc<Mutex<bool>>,
}

impl Roll {
    pub fn add(&self, class_id: ClassId) -> PupilId {
        self.add_to(class_id, "3")
    }

    pub fn add_to(&self, class_id: ClassId, year_group: &str) -> PupilId {
        let pupil_id = PupilId::generate();
        self.pupils.lock().unwrap().push(directory::PupilCheck {
            pupil_id: pupil_id.to_string(),
            class_id: class_id.to_string(),
            year_group: year_group.to_owned(),
            person_only: false,
            first_name: "Amy".to_owned(),
        });
        pupil_id
    }

    pub fn make_person_only(&self, pupil_id: PupilId) {
        let mut pupils = self.pupils.lock().unwrap();
        pupils.iter_mut().find(|pupil| pupil.pupil_id == pupil_id.to_string()).unwrap().person_only = true;
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

    fn check_answers(&self) -> Result<(), Status> {
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
        assert!(request.metadata().contains_key("authorization"), "a peer is asked with a token");
        self.check_answers()?;
        let times = |opens: &str, closes: &str, ends: &str| {
            Some(directory::RegisterTimes {
                opens: opens.to_owned(),
                closes: closes.to_owned(),
                session_ends: ends.to_owned(),
            })
        };
        let school = directory::School {
            time_zone: "Europe/London".to_owned(),
            morning: times("08:50", "09:15", "12:00"),
            afternoon: times("13:00", "13:20", "15:20"),
            ..Default::default()
        };
        Ok(Response::new(directory::GetSchoolResponse { school: Some(school) }))
    }

    async fn check_pupils(
        &self,
        request: Request<directory::CheckPupilsRequest>,
    ) -> Result<Response<directory::CheckPupilsResponse>, Status> {
        self.check_answers()?;
        let mut pupils = self.pupils.lock().unwrap().clone();
        match Scope::read(request.into_inner().audience.as_ref()).unwrap() {
            Scope::WholeSchool => {}
            Scope::Pupils(wanted) => {
                pupils.retain(|pupil| wanted.iter().any(|id| id.to_string() == pupil.pupil_id));
            }
            Scope::YearGroups(_) | Scope::Classes(_) => return not_needed(),
        }
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

/// A directory and a calendar that answer on a loopback port as long as this lives.
pub struct Neighbour {
    pub roll: Roll,
    pub timetable: Timetable,
    pub directory: Directory,
    pub scheduling: Scheduling,
    _serving: JoinSet<()>,
    _keys: tempfile::TempDir,
}

impl Neighbour {
    pub async fn start(clock: &Clock) -> Self {
        let (roll, timetable) = (Roll::default(), Timetable::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let directory = DirectoryServiceServer::new(roll.clone());
        let scheduling = SchedulingServiceServer::new(timetable.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            let server = Server::builder().add_service(directory).add_service(scheduling);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        let folder = tempfile::tempdir().unwrap();
        let signer = Keys::open(folder.path(), &["absences"]).unwrap().signer("absences").unwrap();
        let channel =
            Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true).connect_lazy();
        let peer = Peer::new(channel, signer, clock.clone());
        let (directory, scheduling) = (Directory::new(peer.clone()), Scheduling::new(peer));
        Self { roll, timetable, directory, scheduling, _serving: serving, _keys: folder }
    }
}
