//! Finding people and naming them, for the people who work with them. Each look is written down
//! before it is answered.

use std::collections::{BTreeMap, BTreeSet};

use kit::audit;
use kit::identity::Caller;
use kit::rejection::{self, Rejection};
use proto::directory::v1 as pb;
use proto::events::scope::Scope;
use proto::ids::{ClassId, ContactId, PupilId, SchoolId};
use tonic::{Response, Status};

use super::{Directory, wire};
use crate::domain::phone::Phone;
use crate::domain::search::{Query, order};
use crate::store::change;
use crate::store::find::{self, Person};
use crate::store::people::{self, ClassName, OnRoll};

/// More than anybody reads; whoever wants another types another letter.
const MOST_FOUND: usize = 20;
const LONGEST_QUERY: usize = 100;
const MOST_NAMES: usize = 1_000;

fn query(text: &str) -> Result<Query, Status> {
    let text = rejection::required(text, "query", LONGEST_QUERY)?;
    let nothing = || Rejection::invalid("REQUIRED", "query", "must hold a letter or a digit");
    Ok(Query::read(&text).ok_or_else(nothing)?)
}

/// The first of them, and whether there are more.
fn cut<T>(mut found: Vec<T>) -> (Vec<T>, bool) {
    let more = found.len() > MOST_FOUND;
    found.truncate(MOST_FOUND);
    (found, more)
}

impl Directory {
    pub(super) async fn search_pupils(
        &self,
        caller: &Caller,
        request: &pb::FindPupilsRequest,
    ) -> Result<Response<pb::FindPupilsResponse>, Status> {
        let query = query(&request.query)?;
        self.school(caller.tenant).await?;
        let everybody = self.summaries(caller.tenant, &Scope::WholeSchool).await?;
        let mut found: Vec<pb::PupilSummary> = everybody.into_values().collect();
        found.retain(|pupil| {
            let class = [pupil.class_source_id.as_str(), &pupil.class_title];
            query.finds([pupil.first_name.as_str(), &pupil.family_name].into_iter().chain(class))
        });
        found.sort_by_cached_key(|pupil| order(&pupil.family_name, &pupil.first_name));
        let (pupils, more) = cut(found);
        let seen: Vec<String> = pupils.iter().map(|pupil| pupil.id.clone()).collect();
        let audited = audit::look(&self.store, caller, "FindPupils", &seen).await?;
        Ok(audited.seal(pb::FindPupilsResponse { pupils, more }))
    }

    pub(super) async fn search_contacts(
        &self,
        caller: &Caller,
        request: &pb::FindContactsRequest,
    ) -> Result<Response<pb::FindContactsResponse>, Status> {
        let query = query(&request.query)?;
        self.school(caller.tenant).await?;
        let mut found = find::contacts(&self.store, caller.tenant).await?;
        found.retain(|person| query.finds([person.given_name.as_str(), &person.family_name]));
        found.sort_by_cached_key(|person| order(&person.family_name, &person.given_name));
        let (found, more) = cut(found);
        let ids: Vec<ContactId> = found.iter().map(|person| person.id).collect();
        let linked = find::pupils_of(&self.store, caller.tenant, &ids).await?;
        let pupils: Vec<PupilId> = linked.values().flatten().copied().collect();
        let summaries = self.summaries(caller.tenant, &Scope::Pupils(pupils)).await?;
        let contacts: Vec<pb::FoundContact> = found
            .iter()
            .map(|person| {
                let linked = linked.get(&person.id).into_iter().flatten();
                let pupils = linked.filter_map(|pupil| summaries.get(pupil).cloned()).collect();
                pb::FoundContact { summary: Some(summary(person)), pupils }
            })
            .collect();
        let seen: Vec<String> =
            ids.iter().map(ToString::to_string).chain(summaries.keys().map(ToString::to_string)).collect();
        let audited = audit::look(&self.store, caller, "FindContacts", &seen).await?;
        Ok(audited.seal(pb::FindContactsResponse { contacts, more }))
    }

    pub(super) async fn look_at_contact(
        &self,
        caller: &Caller,
        request: &pb::GetContactRequest,
    ) -> Result<Response<pb::GetContactResponse>, Status> {
        let standing = self.school(caller.tenant).await?;
        let today = standing.day(self.store.clock().now());
        let contact: ContactId = rejection::id(&request.contact_id, "contact_id")?;
        let found = change::contact_of(&self.store, caller.tenant, contact).await?;
        let found =
            found.ok_or_else(|| Rejection::not_found("UNKNOWN_CONTACT", "there is no such contact"))?;
        let linked = find::pupils_of(&self.store, caller.tenant, &[contact]).await?;
        let pupils = linked.into_values().flatten().collect();
        let rows = people::on_roll(&self.store, caller.tenant, &Scope::Pupils(pupils)).await?;
        let names = people::class_names(&self.store, caller.tenant).await?;
        let bars = people::bars(&self.store, caller.tenant, today).await?;
        let pupils = rows.iter().map(|row| row.pupil.clone()).collect();
        let only = BTreeSet::from([contact]);
        let households = people::households(&self.store, pupils, Some(&only), (&bars, today)).await?;
        let pupils: Vec<pb::ContactOf> = rows
            .iter()
            .zip(households)
            .map(|(row, household)| pb::ContactOf {
                pupil: Some(wire::summary(row, class_of(row, &names))),
                link: wire::household(household).links.pop(),
            })
            .collect();
        let seen: Vec<String> = std::iter::once(contact.to_string())
            .chain(rows.iter().map(|row| row.pupil.id.to_string()))
            .collect();
        let audited = audit::look(&self.store, caller, "GetContact", &seen).await?;
        let known = found.stored.value;
        let number = |phone: Option<Phone>| phone.map(|phone| phone.e164().to_owned()).unwrap_or_default();
        let person = Person {
            id: contact,
            source_id: found.source_id,
            given_name: known.given_name,
            family_name: known.family_name,
        };
        Ok(audited.seal(pb::GetContactResponse {
            summary: Some(summary(&person)),
            first_phone: number(known.reach.first_phone),
            second_phone: number(known.reach.second_phone),
            email: known.reach.email.map(|email| email.as_str().to_owned()).unwrap_or_default(),
            language: known.reach.language,
            no_voice: known.reach.no_voice,
            prefers: wire::preference(known.reach.prefers).into(),
            revision: found.revision,
            pupils,
        }))
    }

    pub(super) async fn name(
        &self,
        caller: &Caller,
        request: &pb::GetNamesRequest,
    ) -> Result<Response<pb::GetNamesResponse>, Status> {
        if request.ids.len() > MOST_NAMES {
            let most = format!("has {} entries; at most {MOST_NAMES} are taken", request.ids.len());
            return Err(Rejection::invalid("TOO_MANY", "ids", most).into());
        }
        let pupils: Vec<PupilId> = request.ids.iter().filter_map(|id| id.parse().ok()).collect();
        let contacts: Vec<ContactId> = request.ids.iter().filter_map(|id| id.parse().ok()).collect();
        let classes: Vec<ClassId> = request.ids.iter().filter_map(|id| id.parse().ok()).collect();
        let mut found = find::names(&self.store, caller.tenant, (&pupils, &classes)).await?;
        let contacts = find::contacts_by_id(&self.store, caller.tenant, &contacts).await?;
        found.extend(
            contacts.into_iter().map(|person| {
                (person.id.to_string(), format!("{} {}", person.given_name, person.family_name))
            }),
        );
        let seen: Vec<String> = found.iter().map(|(id, _)| id.clone()).collect();
        let audited = audit::look(&self.store, caller, "GetNames", &seen).await?;
        let names = found.into_iter().map(|(id, name)| pb::Named { id, name }).collect();
        Ok(audited.seal(pb::GetNamesResponse { names }))
    }

    async fn summaries(
        &self,
        school: SchoolId,
        scope: &Scope,
    ) -> Result<BTreeMap<PupilId, pb::PupilSummary>, Status> {
        let names = people::class_names(&self.store, school).await?;
        let rows = people::on_roll(&self.store, school, scope).await?;
        Ok(rows.iter().map(|row| (row.pupil.id, wire::summary(row, class_of(row, &names)))).collect())
    }
}

/// The name of a pupil's class.
pub(super) fn class_of(row: &OnRoll, names: &BTreeMap<ClassId, ClassName>) -> ClassName {
    names.get(&row.pupil.class_id).cloned().unwrap_or_default()
}

/// A contact as a person knows it.
pub(super) fn summary(person: &Person) -> pb::ContactSummary {
    pb::ContactSummary {
        id: person.id.to_string(),
        source_id: person.source_id.clone(),
        given_name: person.given_name.clone(),
        family_name: person.family_name.clone(),
    }
}
