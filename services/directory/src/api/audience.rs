//! What services ask: the audience of a scope, the present truth before a message leaves, and
//! whether pupils belong to the school. All of it is read in bulk.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use kit::identity::Caller;
use kit::rejection::{self, Rejection};
use proto::directory::v1 as pb;
use proto::events::scope::Scope;
use proto::ids::{ContactId, InvalidId};
use tonic::{Response, Status};

use super::{Directory, wire};
use crate::store::people;

/// How many pupils one message of a stream carries at most.
const BATCH: usize = 100;
/// How many pupils are read at once.
const READ_AHEAD: usize = 5 * BATCH;
/// How many ids of each kind `ClearContacts` takes.
const MOST_CLEARED: usize = 1_000;
/// How many ids a scope names at most.
const MOST_IN_SCOPE: usize = 100_000;

impl Directory {
    pub(super) async fn audience(
        &self,
        caller: &Caller,
        request: &pb::ResolveAudienceRequest,
    ) -> Result<Response<BoxStream<'static, Result<pb::ResolveAudienceResponse, Status>>>, Status> {
        let standing = self.school(caller.tenant).await?;
        let today = standing.day(self.store.clock().now());
        let scope = scope_of(request.audience.as_ref())?;
        let bars = people::bars(&self.store, caller.tenant, today).await?;
        let rows = people::on_roll(&self.store, caller.tenant, &scope).await?;
        let pupils: Vec<_> = rows.into_iter().map(|row| row.pupil).collect();
        let portions: Vec<Vec<_>> = pupils.chunks(READ_AHEAD).map(<[_]>::to_vec).collect();
        let (store, bars) = (self.store.clone(), Arc::new(bars));
        let batches = stream::iter(portions)
            .then(move |portion| {
                let (store, bars) = (store.clone(), Arc::clone(&bars));
                async move {
                    let households = people::households(&store, portion, None, (&bars, today)).await?;
                    let pupils: Vec<_> = households.into_iter().map(wire::household).collect();
                    let batches: Vec<Result<_, Status>> = pupils
                        .chunks(BATCH)
                        .map(|pupils| Ok(pb::ResolveAudienceResponse { pupils: pupils.to_vec() }))
                        .collect();
                    Ok::<_, Status>(stream::iter(batches))
                }
            })
            .try_flatten();
        Ok(Response::new(batches.boxed()))
    }

    pub(super) async fn clear(
        &self,
        caller: &Caller,
        request: &pb::ClearContactsRequest,
    ) -> Result<Response<pb::ClearContactsResponse>, Status> {
        let standing = self.school(caller.tenant).await?;
        let today = standing.day(self.store.clock().now());
        let contacts: Vec<ContactId> = ids(&request.contact_ids, "contact_ids", MOST_CLEARED)?;
        let contacts: BTreeSet<ContactId> = contacts.into_iter().collect();
        let scope = Scope::Pupils(ids(&request.pupil_ids, "pupil_ids", MOST_CLEARED)?);
        let rows = people::on_roll(&self.store, caller.tenant, &scope).await?;
        let bars = people::bars(&self.store, caller.tenant, today).await?;
        let pupils = rows.into_iter().map(|row| row.pupil).collect();
        let households = people::households(&self.store, pupils, Some(&contacts), (&bars, today)).await?;
        let pupils = households.into_iter().map(wire::household).collect();
        Ok(Response::new(pb::ClearContactsResponse { pupils }))
    }

    pub(super) async fn check(
        &self,
        caller: &Caller,
        request: &pb::CheckPupilsRequest,
    ) -> Result<Response<pb::CheckPupilsResponse>, Status> {
        self.school(caller.tenant).await?;
        let scope = scope_of(request.audience.as_ref())?;
        let rows = people::on_roll(&self.store, caller.tenant, &scope).await?;
        let pupils = rows.into_iter().map(wire::check).collect();
        Ok(Response::new(pb::CheckPupilsResponse { pupils }))
    }
}

/// Whom a service asks for. A list without an entry is nobody, and is answered with nobody.
fn scope_of(audience: Option<&pb::Audience>) -> Result<Scope, Rejection> {
    use pb::audience::Scope as Asked;
    let Some(asked) = audience.and_then(|audience| audience.scope.as_ref()) else {
        return Err(Rejection::invalid("REQUIRED", "audience", "must say whom it means"));
    };
    Ok(match asked {
        Asked::WholeSchool(pb::WholeSchool {}) => Scope::WholeSchool,
        Asked::YearGroups(groups) => {
            at_most(groups.year_groups.len(), "audience.year_groups.year_groups", MOST_CLEARED)?;
            Scope::YearGroups(groups.year_groups.clone())
        }
        Asked::Classes(classes) => {
            Scope::Classes(ids(&classes.class_ids, "audience.classes.class_ids", MOST_CLEARED)?)
        }
        Asked::Pupils(pupils) => {
            Scope::Pupils(ids(&pupils.pupil_ids, "audience.pupils.pupil_ids", MOST_IN_SCOPE)?)
        }
    })
}

fn at_most(number: usize, field: &'static str, most: usize) -> Result<(), Rejection> {
    if number > most {
        return Err(Rejection::invalid("TOO_MANY", field, format!("at most {most} are taken")));
    }
    Ok(())
}

fn ids<T: std::str::FromStr<Err = InvalidId>>(
    texts: &[String],
    field: &'static str,
    most: usize,
) -> Result<Vec<T>, Rejection> {
    at_most(texts.len(), field, most)?;
    texts.iter().enumerate().map(|(place, text)| rejection::id(text, format!("{field}[{place}]"))).collect()
}
