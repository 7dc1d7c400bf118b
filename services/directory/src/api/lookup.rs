//! What people look at: the school, its pupils, one pupil. Looks at pupils are written down before
//! they are answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use kit::Tenant;
use kit::audit;
use kit::clock::to_proto;
use kit::fingerprint;
use kit::identity::Caller;
use kit::page::Page;
use kit::rejection::{self, Rejection};
use prost::Message;
use proto::directory::v1 as pb;
use proto::events::scope::Scope;
use proto::ids::{ClassId, ContactId, PupilId};
use tonic::{Response, Status};

use super::find::{class_of, summary};
use super::{Directory, wire};
use crate::store::find::Person;
use crate::store::people::{ClassName, OnRoll};
use crate::store::{find, people, school};

/// As people look for somebody in a list.
fn as_people_look(pupil: &pb::PupilSummary) -> (String, String, String) {
    (pupil.class_title.clone(), pupil.family_name.to_lowercase(), pupil.first_name.to_lowercase())
}

impl Directory {
    pub(super) async fn look_at_school(
        &self,
        caller: &Caller,
    ) -> Result<Response<pb::GetSchoolResponse>, Status> {
        let standing = self.school(caller.tenant).await?;
        let terms = school::terms_of(&self.store, caller.tenant).await?;
        let school = wire::school(caller.tenant, &standing, &terms);
        let imported_at = school::imported_at(&self.store, caller.tenant).await?.map(to_proto);
        Ok(Response::new(pb::GetSchoolResponse { school: Some(school), imported_at }))
    }

    pub(super) async fn look_at_list(
        &self,
        caller: &Caller,
        request: &pb::ListPupilsRequest,
    ) -> Result<Response<pb::ListPupilsResponse>, Status> {
        let asked = pb::ListPupilsRequest { known_tag: String::new(), ..request.clone() };
        let shown = audit::show(&self.store, caller, ("ListPupils", &asked, ""), || async {
            self.school(caller.tenant).await?;
            let names = people::class_names(&self.store, caller.tenant).await?;
            let asked = (request.class_id.as_str(), request.page_size, request.page_token.as_str());
            let (found, next_page_token) = self.page(caller.tenant, asked, &names).await?;
            let subjects = found.iter().map(|row| row.pupil.id.to_string()).collect();
            let mut pupils: Vec<_> =
                found.iter().map(|row| wire::summary(row, class_of(row, &names))).collect();
            pupils.sort_by_cached_key(as_people_look);
            let answer = pb::ListPupilsResponse { pupils, next_page_token, ..Default::default() };
            let tag = fingerprint::of(&[&answer.encode_to_vec()]);
            Ok((Arc::new(pb::ListPupilsResponse { tag, ..answer }), subjects))
        });
        Ok(shown.await?.map(|answer| {
            if answer.tag == request.known_tag {
                pb::ListPupilsResponse { tag: answer.tag.clone(), unchanged: true, ..Default::default() }
            } else {
                Arc::unwrap_or_clone(answer)
            }
        }))
    }

    /// The school's day.
    async fn today(&self, school: Tenant) -> Result<Date, Status> {
        let read = || self.school(school);
        let standing = self.store.kept(("school", school.to_string().into_bytes()), read).await?;
        Ok(standing.answer.day(self.store.clock().now()))
    }

    /// A page of the pupils on roll: of a class by its id, or of the school; its size, and its token.
    async fn page(
        &self,
        school: Tenant,
        (class, size, token): (&str, i32, &str),
        names: &BTreeMap<ClassId, ClassName>,
    ) -> Result<(Vec<OnRoll>, String), Status> {
        let page = Page::read(size, token, &format!("{school} {class}"))?;
        let class: Option<ClassId> =
            if class.is_empty() { None } else { Some(rejection::id(class, "class_id")?) };
        if class.is_some_and(|class| !names.contains_key(&class)) {
            return Err(
                Rejection::invalid("UNKNOWN_CLASS", "class_id", "is not a class of this school").into()
            );
        }
        let found = people::page(&self.store, (school, class), page.after.as_deref(), page.size + 1).await?;
        Ok(page.cut(found, |row| row.pupil.id.to_string()))
    }

    pub(super) async fn look_at_contacts_of_all(
        &self,
        caller: &Caller,
        request: &pb::ListPupilContactsRequest,
    ) -> Result<Response<pb::ListPupilContactsResponse>, Status> {
        let today = self.today(caller.tenant).await?;
        audit::show(&self.store, caller, ("ListPupilContacts", request, &today.to_string()), || async {
            let names = people::class_names(&self.store, caller.tenant).await?;
            let asked = (request.class_id.as_str(), request.page_size, request.page_token.as_str());
            let (rows, next_page_token) = self.page(caller.tenant, asked, &names).await?;
            let (pupils, seen) = self.with_contacts(caller.tenant, rows, &names, today).await?;
            Ok((pb::ListPupilContactsResponse { pupils, next_page_token }, seen))
        })
        .await
    }

    /// These pupils with everybody at home, and the ids of all of them.
    async fn with_contacts(
        &self,
        school: Tenant,
        rows: Vec<OnRoll>,
        names: &BTreeMap<ClassId, ClassName>,
        today: Date,
    ) -> Result<(Vec<pb::PupilContacts>, Vec<String>), Status> {
        let bars = people::bars(&self.store, school, today).await?;
        let pupils = rows.iter().map(|row| row.pupil.clone()).collect();
        let households = people::households(&self.store, pupils, None, (&bars, today)).await?;
        let ids: BTreeSet<ContactId> =
            households.iter().flat_map(|(_, linked)| linked.iter().map(|linked| linked.contact.id)).collect();
        let ids: Vec<ContactId> = ids.into_iter().collect();
        let people = find::contacts_by_id(&self.store, school, &ids).await?;
        let people: HashMap<ContactId, Person> = people.into_iter().map(|who| (who.id, who)).collect();
        let seen = rows.iter().map(|row| row.pupil.id.to_string()).chain(ids.iter().map(ToString::to_string));
        let seen = seen.collect();
        let described = rows.iter().zip(households).map(|(row, household)| {
            let contacts = household.1.iter().filter_map(|linked| people.get(&linked.contact.id));
            pb::PupilContacts {
                summary: Some(wire::summary(row, class_of(row, names))),
                contacts: contacts.map(summary).collect(),
                pupil: Some(wire::household(household)),
            }
        });
        Ok((described.collect(), seen))
    }

    pub(super) async fn look_at_pupil(
        &self,
        caller: &Caller,
        request: &pb::GetPupilRequest,
    ) -> Result<Response<pb::GetPupilResponse>, Status> {
        let today = self.today(caller.tenant).await?;
        let pupil: PupilId = rejection::id(&request.pupil_id, "pupil_id")?;
        audit::show(&self.store, caller, ("GetPupil", request, &today.to_string()), || async {
            let rows = people::on_roll(&self.store, caller.tenant, &Scope::Pupils(vec![pupil])).await?;
            let names = people::class_names(&self.store, caller.tenant).await?;
            let (found, seen) = self.with_contacts(caller.tenant, rows, &names, today).await?;
            let unknown = || Rejection::not_found("UNKNOWN_PUPIL", "there is no such pupil on roll");
            let pb::PupilContacts { summary, pupil, contacts } =
                found.into_iter().next().ok_or_else(unknown)?;
            Ok((pb::GetPupilResponse { summary, pupil, contacts }, seen))
        })
        .await
    }
}
