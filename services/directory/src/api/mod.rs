//! `DirectoryService`: what the directory is asked over gRPC.
//!
//! Each method reads its request, asks the [domain](crate::domain) and commits through the
//! [store](crate::store). The gate has checked token and roles before; the school is always the
//! token's. Nothing here decides.

mod audience;
mod change;
mod contact;
mod find;
mod import;
mod lookup;
mod tasks;
mod wire;

#[cfg(test)]
mod tests;

use futures::stream::BoxStream;
use kit::Tenant;
use kit::identity::Caller;
use kit::rejection::Rejection;
use kit::store::Store;
use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_server::DirectoryService;
use tonic::{Request, Response, Status};

use crate::domain::phone::TestNumbers;
use crate::store::school::{self, Standing};

/// The largest archive that is taken, in bytes.
pub const LARGEST_ARCHIVE: usize = 32 << 20;
/// The largest request: an archive with its frame.
pub const LARGEST_REQUEST: usize = LARGEST_ARCHIVE + (64 << 10);

/// The directory's gRPC service.
#[derive(Clone)]
pub struct Directory {
    store: Store,
    test_numbers: TestNumbers,
}

impl Directory {
    /// Over the directory's own store.
    pub fn new(store: Store, test_numbers: TestNumbers) -> Self {
        Self { store, test_numbers }
    }

    /// The school of the token, which exists once a roster has been imported.
    async fn school(&self, tenant: Tenant) -> Result<Standing, Status> {
        let school = school::find(&self.store, tenant).await?;
        Ok(school.ok_or_else(no_roster)?)
    }
}

fn no_roster() -> Rejection {
    Rejection::precondition("NO_ROSTER", "no roster has been imported yet")
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    type ResolveAudienceStream = BoxStream<'static, Result<pb::ResolveAudienceResponse, Status>>;

    async fn import_roster(
        &self,
        request: Request<pb::ImportRosterRequest>,
    ) -> Result<Response<pb::ImportRosterResponse>, Status> {
        self.import(Caller::of(&request)?, request.into_inner()).await
    }

    async fn get_school(
        &self,
        request: Request<pb::GetSchoolRequest>,
    ) -> Result<Response<pb::GetSchoolResponse>, Status> {
        self.look_at_school(&Caller::of(&request)?).await
    }

    async fn list_pupils(
        &self,
        request: Request<pb::ListPupilsRequest>,
    ) -> Result<Response<pb::ListPupilsResponse>, Status> {
        self.look_at_list(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn get_pupil(
        &self,
        request: Request<pb::GetPupilRequest>,
    ) -> Result<Response<pb::GetPupilResponse>, Status> {
        self.look_at_pupil(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn list_pupil_contacts(
        &self,
        request: Request<pb::ListPupilContactsRequest>,
    ) -> Result<Response<pb::ListPupilContactsResponse>, Status> {
        self.look_at_contacts_of_all(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Result<Response<pb::GetContactResponse>, Status> {
        self.look_at_contact(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn find_pupils(
        &self,
        request: Request<pb::FindPupilsRequest>,
    ) -> Result<Response<pb::FindPupilsResponse>, Status> {
        self.search_pupils(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn find_contacts(
        &self,
        request: Request<pb::FindContactsRequest>,
    ) -> Result<Response<pb::FindContactsResponse>, Status> {
        self.search_contacts(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn get_names(
        &self,
        request: Request<pb::GetNamesRequest>,
    ) -> Result<Response<pb::GetNamesResponse>, Status> {
        self.name(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn set_restriction(
        &self,
        request: Request<pb::SetRestrictionRequest>,
    ) -> Result<Response<pb::SetRestrictionResponse>, Status> {
        self.restrict(Caller::of(&request)?, request.into_inner()).await
    }

    async fn set_standing(
        &self,
        request: Request<pb::SetStandingRequest>,
    ) -> Result<Response<pb::SetStandingResponse>, Status> {
        self.standing(Caller::of(&request)?, request.into_inner()).await
    }

    async fn set_person_only(
        &self,
        request: Request<pb::SetPersonOnlyRequest>,
    ) -> Result<Response<pb::SetPersonOnlyResponse>, Status> {
        self.person_only(Caller::of(&request)?, request.into_inner()).await
    }

    async fn update_contact(
        &self,
        request: Request<pb::UpdateContactRequest>,
    ) -> Result<Response<pb::UpdateContactResponse>, Status> {
        self.update(Caller::of(&request)?, request.into_inner()).await
    }

    async fn resolve_audience(
        &self,
        request: Request<pb::ResolveAudienceRequest>,
    ) -> Result<Response<Self::ResolveAudienceStream>, Status> {
        self.audience(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn clear_contacts(
        &self,
        request: Request<pb::ClearContactsRequest>,
    ) -> Result<Response<pb::ClearContactsResponse>, Status> {
        self.clear(&Caller::of(&request)?, request.get_ref()).await
    }

    async fn check_pupils(
        &self,
        request: Request<pb::CheckPupilsRequest>,
    ) -> Result<Response<pb::CheckPupilsResponse>, Status> {
        self.check(&Caller::of(&request)?, request.get_ref()).await
    }
}
