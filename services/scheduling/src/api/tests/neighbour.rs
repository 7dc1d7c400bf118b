//! The directory of the tests: it says what it is told to say, on a loopback port.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kit::clock::Clock;
use kit::identity::Keys;
use kit::rejection::Rejection;
use kit::service::Peer;
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::directory::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use proto::ids::{ClassId, PupilId};
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
    asked: Arc<AtomicUsize>,
}

impl Roll {
    /// A class with one pupil of a year group.
    pub fn add(&self, year_group: &str) -> ClassId {
        let class_id = ClassId::generate();
        self.pupils.lock().unwrap().push(directory::PupilCheck {
            pupil_id: PupilId::generate().to_string(),
            class_id: class_id.to_string(),
            year_group: year_group.to_owned(),
            ..Default::default()
        });
        class_id
    }

    pub fn be_silent(&self, silent: bool) {
        *self.silent.lock().unwrap() = silent;
    }

    /// From now on no roster has been imported, as the real directory says it.
    pub fn have_no_roster(&self) {
        *self.no_roster.lock().unwrap() = true;
    }

    /// How often it was asked so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn check_answers(&self) -> Result<(), Status> {
        self.asked.fetch_add(1, Ordering::Relaxed);
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
        let term = |title: &str, first_day: &str, last_day: &str| directory::Term {
            title: title.to_owned(),
            first_day: first_day.to_owned(),
            last_day: last_day.to_owned(),
        };
        let school = directory::School {
            name: "Elm Park Primary School".to_owned(),
            time_zone: "Europe/London".to_owned(),
            morning: times("08:50", "09:15", "12:00"),
            afternoon: times("13:00", "13:20", "15:20"),
            terms: vec![
                term("Autumn term, first half", "2026-09-02", "2026-10-23"),
                term("Autumn term, second half", "2026-11-02", "2026-12-18"),
                term("Summer term", "2027-04-12", "2027-05-28"),
            ],
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
        match request.into_inner().audience.and_then(|audience| audience.scope) {
            Some(Scope::WholeSchool(_)) => {}
            Some(Scope::YearGroups(wanted)) => {
                pupils.retain(|pupil| wanted.year_groups.contains(&pupil.year_group));
            }
            Some(Scope::Classes(wanted)) => pupils.retain(|pupil| wanted.class_ids.contains(&pupil.class_id)),
            Some(Scope::Pupils(_)) | None => return Err(Status::invalid_argument("no scope")),
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
        let signer = Keys::open(folder.path(), &["scheduling"]).unwrap().signer("scheduling").unwrap();
        let channel =
            Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true).connect_lazy();
        let directory = Directory::new(Peer::new(channel, signer, clock.clone()));
        Self { roll, directory, _serving: serving, _keys: folder }
    }
}
