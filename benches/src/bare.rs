//! The service that a command is compared with: the same message over the same protocol, answered at once. It knows no
//! token, decides nothing and keeps nothing. It ends when its standard input does.

use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_server::{DirectoryService, DirectoryServiceServer};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

struct Bare;

type Answer<T> = Result<Response<T>, Status>;

/// Serves until the standard input ends.
pub async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    crate::tools::print(&format!("listening {}\n", listener.local_addr()?))?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = DirectoryServiceServer::new(Bare);
    Ok(Server::builder()
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, crate::tools::is_left_alone())
        .await?)
}

fn not_asked<T>() -> Answer<T> {
    Err(Status::unimplemented("nobody asks this here"))
}

#[tonic::async_trait]
impl DirectoryService for Bare {
    async fn set_person_only(
        &self,
        request: Request<pb::SetPersonOnlyRequest>,
    ) -> Answer<pb::SetPersonOnlyResponse> {
        let set_at =
            request.into_inner().person_only.then(|| kit::clock::to_proto(jiff::Timestamp::UNIX_EPOCH));
        Ok(Response::new(pb::SetPersonOnlyResponse { set_at }))
    }

    type ResolveAudienceStream = tonic::codegen::BoxStream<pb::ResolveAudienceResponse>;

    async fn resolve_audience(
        &self,
        _: Request<pb::ResolveAudienceRequest>,
    ) -> Answer<Self::ResolveAudienceStream> {
        not_asked()
    }

    async fn import_roster(&self, _: Request<pb::ImportRosterRequest>) -> Answer<pb::ImportRosterResponse> {
        not_asked()
    }

    async fn get_school(&self, _: Request<pb::GetSchoolRequest>) -> Answer<pb::GetSchoolResponse> {
        not_asked()
    }

    async fn list_pupils(&self, _: Request<pb::ListPupilsRequest>) -> Answer<pb::ListPupilsResponse> {
        not_asked()
    }

    async fn get_pupil(&self, _: Request<pb::GetPupilRequest>) -> Answer<pb::GetPupilResponse> {
        not_asked()
    }

    async fn list_pupil_contacts(
        &self,
        _: Request<pb::ListPupilContactsRequest>,
    ) -> Answer<pb::ListPupilContactsResponse> {
        not_asked()
    }

    async fn get_contact(&self, _: Request<pb::GetContactRequest>) -> Answer<pb::GetContactResponse> {
        not_asked()
    }

    async fn find_pupils(&self, _: Request<pb::FindPupilsRequest>) -> Answer<pb::FindPupilsResponse> {
        not_asked()
    }

    async fn find_contacts(&self, _: Request<pb::FindContactsRequest>) -> Answer<pb::FindContactsResponse> {
        not_asked()
    }

    async fn get_names(&self, _: Request<pb::GetNamesRequest>) -> Answer<pb::GetNamesResponse> {
        not_asked()
    }

    async fn set_restriction(
        &self,
        _: Request<pb::SetRestrictionRequest>,
    ) -> Answer<pb::SetRestrictionResponse> {
        not_asked()
    }

    async fn set_standing(&self, _: Request<pb::SetStandingRequest>) -> Answer<pb::SetStandingResponse> {
        not_asked()
    }

    async fn update_contact(
        &self,
        _: Request<pb::UpdateContactRequest>,
    ) -> Answer<pb::UpdateContactResponse> {
        not_asked()
    }

    async fn clear_contacts(
        &self,
        _: Request<pb::ClearContactsRequest>,
    ) -> Answer<pb::ClearContactsResponse> {
        not_asked()
    }

    async fn check_pupils(&self, _: Request<pb::CheckPupilsRequest>) -> Answer<pb::CheckPupilsResponse> {
        not_asked()
    }
}
