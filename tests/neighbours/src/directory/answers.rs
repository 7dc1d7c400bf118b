//! The answers: each of what the test has written, unless the directory fails as it was told to.

use std::future::pending;
use std::sync::MutexGuard;

use futures::stream::{self, BoxStream, StreamExt};
use kit::rejection::Rejection;
use proto::directory::v1 as pb;
use proto::directory::v1::audience::Scope;
use proto::directory::v1::directory_service_server::DirectoryService;
use tonic::{Request, Response, Status};

use super::{Call, FakeDirectory, Hangs, Mood, Pupil, State};

/// How many ids of each kind `ClearContacts` takes.
const MOST_CLEARED: usize = 1_000;
/// How many pupils a part of a stream carries: few, so that the hearer has to put parts together.
const IN_A_PART: usize = 2;

type Answer<T> = Result<Response<T>, Status>;

impl FakeDirectory {
    /// Takes a question; it fails here if it should.
    async fn take(&self, call: Call) -> Result<MutexGuard<'_, State>, Status> {
        let hangs = {
            let mut state = self.state();
            let hangs = state.hangs.at(&call);
            state.calls.push(call);
            hangs
        };
        if hangs {
            pending::<()>().await;
        }
        let state = self.state();
        match state.mood {
            Mood::Answers => Ok(state),
            Mood::Away => Err(Status::unavailable("away")),
            Mood::NoRoster => {
                Err(Rejection::precondition("NO_ROSTER", "no roster has been imported yet").into())
            }
        }
    }
}

impl Hangs {
    fn at(self, call: &Call) -> bool {
        match self {
            Self::None => false,
            Self::Every => true,
            Self::WholeSchool => {
                let asked = match call {
                    Call::ResolveAudience(asked) => asked.audience.as_ref(),
                    Call::CheckPupils(asked) => asked.audience.as_ref(),
                    Call::GetSchool | Call::ClearContacts(_) => None,
                };
                matches!(asked.and_then(|asked| asked.scope.as_ref()), Some(Scope::WholeSchool(_)))
            }
        }
    }
}

impl State {
    fn pupils_of(&self, audience: Option<pb::Audience>) -> Result<impl Iterator<Item = &Pupil>, Status> {
        let scope = audience.and_then(|audience| audience.scope);
        let scope =
            scope.ok_or_else(|| Rejection::invalid("REQUIRED", "audience", "must say whom it means"))?;
        Ok(self.pupils.iter().filter(move |pupil| match &scope {
            Scope::WholeSchool(_) => true,
            Scope::YearGroups(wanted) => wanted.year_groups.contains(&pupil.year_group),
            Scope::Classes(wanted) => wanted.class_ids.contains(&pupil.class_id),
            Scope::Pupils(wanted) => wanted.pupil_ids.contains(&pupil.pupil_id),
        }))
    }
}

impl Pupil {
    fn household(&self) -> pb::AudiencePupil {
        pb::AudiencePupil {
            pupil_id: self.pupil_id.clone(),
            first_name: self.first_name.clone(),
            class_id: self.class_id.clone(),
            person_only: self.person_only,
            links: self.links.clone(),
        }
    }

    fn check(&self) -> pb::PupilCheck {
        pb::PupilCheck {
            pupil_id: self.pupil_id.clone(),
            class_id: self.class_id.clone(),
            year_group: self.year_group.clone(),
            person_only: self.person_only,
            first_name: self.first_name.clone(),
        }
    }
}

fn at_most(ids: &[String], field: &'static str) -> Result<(), Rejection> {
    if ids.len() > MOST_CLEARED {
        return Err(Rejection::invalid("TOO_MANY", field, format!("at most {MOST_CLEARED} are taken")));
    }
    Ok(())
}

/// Only people ask these.
fn not_for_services<T>() -> Answer<T> {
    Err(Status::permission_denied("no service asks this"))
}

#[tonic::async_trait]
impl DirectoryService for FakeDirectory {
    type ResolveAudienceStream = BoxStream<'static, Result<pb::ResolveAudienceResponse, Status>>;

    async fn get_school(&self, _: Request<pb::GetSchoolRequest>) -> Answer<pb::GetSchoolResponse> {
        let state = self.take(Call::GetSchool).await?;
        Ok(Response::new(pb::GetSchoolResponse { school: Some(state.school.clone()), imported_at: None }))
    }

    async fn check_pupils(
        &self,
        request: Request<pb::CheckPupilsRequest>,
    ) -> Answer<pb::CheckPupilsResponse> {
        let asked = request.into_inner();
        let state = self.take(Call::CheckPupils(asked.clone())).await?;
        let pupils = state.pupils_of(asked.audience)?.map(Pupil::check).collect();
        Ok(Response::new(pb::CheckPupilsResponse { pupils }))
    }

    async fn resolve_audience(
        &self,
        request: Request<pb::ResolveAudienceRequest>,
    ) -> Answer<Self::ResolveAudienceStream> {
        let asked = request.into_inner();
        let state = self.take(Call::ResolveAudience(asked.clone())).await?;
        let pupils: Vec<_> = state.pupils_of(asked.audience)?.map(Pupil::household).collect();
        let parts = pupils.chunks(IN_A_PART);
        let parts: Vec<_> =
            parts.map(|part| Ok(pb::ResolveAudienceResponse { pupils: part.to_vec() })).collect();
        Ok(Response::new(stream::iter(parts).boxed()))
    }

    async fn clear_contacts(
        &self,
        request: Request<pb::ClearContactsRequest>,
    ) -> Answer<pb::ClearContactsResponse> {
        let asked = request.into_inner();
        let state = self.take(Call::ClearContacts(asked.clone())).await?;
        at_most(&asked.contact_ids, "contact_ids")?;
        at_most(&asked.pupil_ids, "pupil_ids")?;
        let pupils = state.pupils.iter().filter(|pupil| asked.pupil_ids.contains(&pupil.pupil_id));
        let mut pupils: Vec<_> = pupils.map(Pupil::household).collect();
        for pupil in &mut pupils {
            pupil.links.retain(|link| asked.contact_ids.contains(&link.contact_id));
        }
        Ok(Response::new(pb::ClearContactsResponse { pupils }))
    }

    async fn import_roster(&self, _: Request<pb::ImportRosterRequest>) -> Answer<pb::ImportRosterResponse> {
        not_for_services()
    }

    async fn list_pupils(&self, _: Request<pb::ListPupilsRequest>) -> Answer<pb::ListPupilsResponse> {
        not_for_services()
    }

    async fn get_pupil(&self, _: Request<pb::GetPupilRequest>) -> Answer<pb::GetPupilResponse> {
        not_for_services()
    }

    async fn list_pupil_contacts(
        &self,
        _: Request<pb::ListPupilContactsRequest>,
    ) -> Answer<pb::ListPupilContactsResponse> {
        not_for_services()
    }

    async fn get_contact(&self, _: Request<pb::GetContactRequest>) -> Answer<pb::GetContactResponse> {
        not_for_services()
    }

    async fn find_pupils(&self, _: Request<pb::FindPupilsRequest>) -> Answer<pb::FindPupilsResponse> {
        not_for_services()
    }

    async fn find_contacts(&self, _: Request<pb::FindContactsRequest>) -> Answer<pb::FindContactsResponse> {
        not_for_services()
    }

    async fn get_names(&self, _: Request<pb::GetNamesRequest>) -> Answer<pb::GetNamesResponse> {
        not_for_services()
    }

    async fn set_restriction(
        &self,
        _: Request<pb::SetRestrictionRequest>,
    ) -> Answer<pb::SetRestrictionResponse> {
        not_for_services()
    }

    async fn set_standing(&self, _: Request<pb::SetStandingRequest>) -> Answer<pb::SetStandingResponse> {
        not_for_services()
    }

    async fn set_person_only(
        &self,
        _: Request<pb::SetPersonOnlyRequest>,
    ) -> Answer<pb::SetPersonOnlyResponse> {
        not_for_services()
    }

    async fn update_contact(
        &self,
        _: Request<pb::UpdateContactRequest>,
    ) -> Answer<pb::UpdateContactResponse> {
        not_for_services()
    }
}
