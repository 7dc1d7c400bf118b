//! A directory that says what a test tells it to, over real gRPC on loopback.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::stream::BoxStream;
use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use proto::ids::{ContactId, PupilId};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

/// Clones are one directory.
#[derive(Clone, Default)]
pub struct FakeDirectory {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    pupils: Vec<pb::AudiencePupil>,
    away: bool,
    hangs: Hangs,
    cleared: usize,
}

/// Which questions it never answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hangs {
    #[default]
    None,
    /// Who is in the whole school.
    WholeSchool,
    Every,
}

impl FakeDirectory {
    /// Serves on a port of the system's choice.
    pub async fn serve(&self, tasks: &mut JoinSet<anyhow::Result<()>>) -> Channel {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = DirectoryServiceServer::new(self.clone());
        let serve = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
        tasks.spawn(async move { Ok(serve.await?) });
        Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
    }

    /// A pupil with these links.
    pub fn add(&self, first_name: &str, links: &[pb::Link]) -> PupilId {
        let id = PupilId::generate();
        self.state().pupils.push(pb::AudiencePupil {
            pupil_id: id.to_string(),
            first_name: first_name.to_owned(),
            links: links.to_vec(),
            ..Default::default()
        });
        id
    }

    /// From now on this is true of a pupil.
    pub fn change(&self, pupil: PupilId, change: impl FnOnce(&mut pb::AudiencePupil)) {
        let mut state = self.state();
        let found = state.pupils.iter_mut().find(|other| other.pupil_id == pupil.to_string());
        change(found.unwrap());
    }

    /// From now on this is true of a link.
    pub fn restrict(&self, pupil: PupilId, link: &pb::Link, restriction: pb::Restriction) {
        self.change(pupil, |pupil| {
            let links = pupil.links.iter_mut();
            for own in links.filter(|own| own.contact_id == link.contact_id) {
                own.set_restriction(restriction);
                own.no_contact = restriction == pb::Restriction::NoContact;
            }
        });
    }

    pub fn go_away(&self) {
        self.state().away = true;
    }

    pub fn come_back(&self) {
        self.state().away = false;
    }

    /// From now on it takes these questions and never answers them.
    pub fn hang(&self, hangs: Hangs) {
        self.state().hangs = hangs;
    }

    async fn hangs_at(&self, least: Hangs) {
        let hangs = self.state().hangs;
        if hangs == Hangs::Every || (hangs == least && least != Hangs::None) {
            std::future::pending::<()>().await;
        }
    }

    /// How often it was asked to clear contacts.
    pub fn times_cleared(&self) -> usize {
        self.state().cleared
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn present(&self) -> Result<MutexGuard<'_, State>, Status> {
        let state = self.state();
        if state.away { Err(Status::unavailable("away")) } else { Ok(state) }
    }
}

/// Somebody who is told everything, with addresses in the order in which they are tried.
pub fn parent(addresses: &[&str]) -> pb::Link {
    let address = |value: &&str| pb::Address {
        kind: match *value {
            value if value.contains('@') => pb::AddressKind::Email,
            value if value.starts_with("+441632") => pb::AddressKind::Landline,
            _ => pb::AddressKind::Mobile,
        }
        .into(),
        value: (*value).to_owned(),
        barred: false,
        no_contact: false,
    };
    pb::Link {
        contact_id: ContactId::generate().to_string(),
        role: "mother".to_owned(),
        parental_responsibility: pb::ParentalResponsibility::Yes.into(),
        lives_with: true,
        restriction: pb::Restriction::None.into(),
        addresses: addresses.iter().map(address).collect(),
        ..Default::default()
    }
}

/// So many of them, each with a number of their own.
pub fn parents(number: usize) -> Vec<pb::Link> {
    (0..number).map(|number| parent(&[&format!("+999{number:012}")])).collect()
}

#[tonic::async_trait]
impl DirectoryService for FakeDirectory {
    type ResolveAudienceStream = BoxStream<'static, Result<pb::ResolveAudienceResponse, Status>>;

    async fn get_school(
        &self,
        _: Request<pb::GetSchoolRequest>,
    ) -> Result<Response<pb::GetSchoolResponse>, Status> {
        self.hangs_at(Hangs::None).await;
        let _present = self.present()?;
        let school = pb::School {
            name: "Elm Park".to_owned(),
            phone: "01632 960001".to_owned(),
            time_zone: "Europe/London".to_owned(),
            ..Default::default()
        };
        Ok(Response::new(pb::GetSchoolResponse { school: Some(school) }))
    }

    async fn resolve_audience(
        &self,
        request: Request<pb::ResolveAudienceRequest>,
    ) -> Result<Response<Self::ResolveAudienceStream>, Status> {
        use pb::audience::Scope;
        let scope = request.into_inner().audience.and_then(|audience| audience.scope);
        let whole = matches!(scope, Some(Scope::WholeSchool(_)));
        self.hangs_at(if whole { Hangs::WholeSchool } else { Hangs::None }).await;
        let wanted = |pupil: &&pb::AudiencePupil| match &scope {
            Some(Scope::WholeSchool(_)) => true,
            Some(Scope::Classes(classes)) => classes.class_ids.contains(&pupil.class_id),
            Some(Scope::Pupils(pupils)) => pupils.pupil_ids.contains(&pupil.pupil_id),
            Some(Scope::YearGroups(_)) | None => false,
        };
        let state = self.present()?;
        let pupils = state.pupils.iter().filter(wanted);
        // In small parts, so that the hearer has to put them together.
        let pupils: Vec<_> = pupils.cloned().collect();
        let parts: Vec<_> =
            pupils.chunks(2).map(|part| Ok(pb::ResolveAudienceResponse { pupils: part.to_vec() })).collect();
        Ok(Response::new(Box::pin(futures::stream::iter(parts))))
    }

    async fn clear_contacts(
        &self,
        request: Request<pb::ClearContactsRequest>,
    ) -> Result<Response<pb::ClearContactsResponse>, Status> {
        let request = request.into_inner();
        self.hangs_at(Hangs::None).await;
        let mut state = self.present()?;
        if request.contact_ids.len() > 1_000 || request.pupil_ids.len() > 1_000 {
            return Err(Status::invalid_argument("at most 1,000"));
        }
        state.cleared += 1;
        let mut pupils: Vec<_> = state.pupils.clone();
        pupils.retain(|pupil| request.pupil_ids.contains(&pupil.pupil_id));
        for pupil in &mut pupils {
            pupil.links.retain(|link| request.contact_ids.contains(&link.contact_id));
        }
        Ok(Response::new(pb::ClearContactsResponse { pupils }))
    }

    async fn import_roster(
        &self,
        _: Request<pb::ImportRosterRequest>,
    ) -> Result<Response<pb::ImportRosterResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_pupils(
        &self,
        _: Request<pb::ListPupilsRequest>,
    ) -> Result<Response<pb::ListPupilsResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn get_pupil(
        &self,
        _: Request<pb::GetPupilRequest>,
    ) -> Result<Response<pb::GetPupilResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn set_restriction(
        &self,
        _: Request<pb::SetRestrictionRequest>,
    ) -> Result<Response<pb::SetRestrictionResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn set_standing(
        &self,
        _: Request<pb::SetStandingRequest>,
    ) -> Result<Response<pb::SetStandingResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn set_person_only(
        &self,
        _: Request<pb::SetPersonOnlyRequest>,
    ) -> Result<Response<pb::SetPersonOnlyResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn update_contact(
        &self,
        _: Request<pb::UpdateContactRequest>,
    ) -> Result<Response<pb::UpdateContactResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn check_pupils(
        &self,
        _: Request<pb::CheckPupilsRequest>,
    ) -> Result<Response<pb::CheckPupilsResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}
