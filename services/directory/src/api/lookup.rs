//! What people look at: the school, its pupils, one pupil. Looks at pupils are written down before
//! they are answered.

use kit::audit;
use kit::identity::Caller;
use kit::page::Page;
use kit::rejection::{self, Rejection};
use proto::directory::v1 as pb;
use proto::events::scope::Scope;
use proto::ids::{ClassId, ContactId, PupilId};
use tonic::{Response, Status};

use super::{Directory, wire};
use crate::store::{find, people, school};

impl Directory {
    pub(super) async fn look_at_school(
        &self,
        caller: &Caller,
    ) -> Result<Response<pb::GetSchoolResponse>, Status> {
        let standing = self.school(caller.tenant).await?;
        let terms = school::terms_of(&self.store, caller.tenant).await?;
        let school = wire::school(caller.tenant, &standing, &terms);
        Ok(Response::new(pb::GetSchoolResponse { school: Some(school) }))
    }

    pub(super) async fn look_at_list(
        &self,
        caller: &Caller,
        request: &pb::ListPupilsRequest,
    ) -> Result<Response<pb::ListPupilsResponse>, Status> {
        self.school(caller.tenant).await?;
        let arguments = format!("{} {}", caller.tenant, request.class_id);
        let page = Page::read(request.page_size, &request.page_token, &arguments)?;
        let names = people::class_names(&self.store, caller.tenant).await?;
        let class: Option<ClassId> = match request.class_id.as_str() {
            "" => None,
            text => Some(rejection::id(text, "class_id")?),
        };
        if class.is_some_and(|class| !names.contains_key(&class)) {
            return Err(
                Rejection::invalid("UNKNOWN_CLASS", "class_id", "is not a class of this school").into()
            );
        }
        let found =
            people::page(&self.store, (caller.tenant, class), page.after.as_deref(), page.size + 1).await?;
        let (found, next_page_token) = page.cut(found, |row| row.pupil.id.to_string());
        let subjects: Vec<String> = found.iter().map(|row| row.pupil.id.to_string()).collect();
        let audited = audit::look(&self.store, caller, "ListPupils", &subjects).await?;
        let name_of = |class: &ClassId| names.get(class).cloned().unwrap_or_default();
        let pupils = found.iter().map(|row| wire::summary(row, name_of(&row.pupil.class_id))).collect();
        Ok(audited.seal(pb::ListPupilsResponse { pupils, next_page_token }))
    }

    pub(super) async fn look_at_pupil(
        &self,
        caller: &Caller,
        request: &pb::GetPupilRequest,
    ) -> Result<Response<pb::GetPupilResponse>, Status> {
        let standing = self.school(caller.tenant).await?;
        let today = standing.day(self.store.clock().now());
        let pupil: PupilId = rejection::id(&request.pupil_id, "pupil_id")?;
        let rows = people::on_roll(&self.store, caller.tenant, &Scope::Pupils(vec![pupil])).await?;
        let names = people::class_names(&self.store, caller.tenant).await?;
        let bars = people::bars(&self.store, caller.tenant, today).await?;
        let pupils = rows.iter().map(|row| row.pupil.clone()).collect();
        let mut households = people::households(&self.store, pupils, None, (&bars, today)).await?;
        let found = rows.into_iter().next().zip(households.pop());
        let (row, household) =
            found.ok_or_else(|| Rejection::not_found("UNKNOWN_PUPIL", "there is no such pupil on roll"))?;
        let ids: Vec<ContactId> = household.1.iter().map(|linked| linked.contact.id).collect();
        let contacts = find::contacts_by_id(&self.store, caller.tenant, &ids).await?;
        let mut subjects = vec![pupil.to_string()];
        subjects.extend(ids.iter().map(ToString::to_string));
        let audited = audit::look(&self.store, caller, "GetPupil", &subjects).await?;
        let class_name = names.get(&row.pupil.class_id).cloned().unwrap_or_default();
        let summary = wire::summary(&row, class_name);
        Ok(audited.seal(pb::GetPupilResponse {
            summary: Some(summary),
            pupil: Some(wire::household(household)),
            contacts: contacts.iter().map(super::find::summary).collect(),
        }))
    }
}
