//! `Recall`: stops what has not left, and answers only when no sender will start another.

use std::time::Duration;

use kit::identity::Caller;
use kit::rejection::{self, Rejection, failure};
use kit::store::{Call, Commit, Error, Store, once};
use proto::dispatcher::v1 as pb;
use proto::ids::{GatheringId, NoticeId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tonic::{Response, Status};

use super::Api;
use crate::domain::{DeliveryState, Reason};
use crate::sender::FRESH_FOR;
use crate::store::{raise_generation, rows};

pub(super) async fn recall(
    api: &Api,
    caller: &Caller,
    request: &pb::RecallRequest,
) -> Result<Response<pb::RecallResponse>, Status> {
    let store = &api.store;
    rejection::required(&request.why, "why", 500)?;
    // The recall itself is durable first, under a request id of its own; what is answered is
    // counted when no sender can start another message, and is stored for the caller's id.
    let notices = recalled_notices(store, caller, request).await?;
    withdraw(api, caller, &notices).await?;
    tokio::time::sleep(FRESH_FOR + Duration::from_millis(200)).await;
    let call = Call { caller, rpc: "Recall", request_id: &request.request_id };
    once(store, call, request, || async {
        let answer = count(store, &notices).await.map_err(|error| failure(&error))?;
        let subjects: Vec<String> = notices.iter().map(|notice| notice.pupil_id.clone()).collect();
        Ok((Commit::new().audit(caller, "Recall", &subjects, store.clock().now()), answer))
    })
    .await
}

async fn recalled_notices(
    store: &Store,
    caller: &Caller,
    request: &pb::RecallRequest,
) -> Result<Vec<rows::notices::Model>, Status> {
    let unknown =
        || Status::from(Rejection::not_found("UNKNOWN_NOTICE", "there is nothing of that id to recall"));
    let mut query =
        rows::notices::Entity::find().filter(rows::notices::Column::School.eq(caller.tenant.to_string()));
    query = match &request.what {
        Some(pb::recall_request::What::GatheringId(id)) => {
            let id: GatheringId = rejection::id(id, "gathering_id")?;
            query.filter(rows::notices::Column::GatheringId.eq(id.to_string()))
        }
        Some(pb::recall_request::What::NoticeId(id)) => {
            let id: NoticeId = rejection::id(id, "notice_id")?;
            query.filter(rows::notices::Column::Id.eq(id.to_string()))
        }
        None => return Err(Rejection::invalid("REQUIRED", "what", "name a gathering or a notice").into()),
    };
    let found = query.all(store.read()).await.map_err(|error| failure(&Error::from(error)))?;
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

async fn withdraw(api: &Api, caller: &Caller, notices: &[rows::notices::Model]) -> Result<(), Status> {
    let store = &api.store;
    let mut commit = Commit::new().execute(raise_generation(store)).wake(&api.generation.wake());
    for notice in notices {
        let sql = "UPDATE notices SET state = 'withdrawn', why = $1 WHERE id = $2 AND state <> 'withdrawn'";
        commit =
            commit.execute(store.statement(sql, [Reason::Recalled.code().into(), notice.id.clone().into()]));
    }
    let subjects: Vec<String> = notices.iter().map(|notice| notice.pupil_id.clone()).collect();
    let commit = commit.audit(caller, "Recall", &subjects, store.clock().now());
    store.commit(commit).await.map_err(|error| failure(&error))?;
    Ok(())
}

/// What was stopped, what had left, and what is still in the air. A delivery that names others
/// too is not stopped; it leaves without the recalled pupil.
async fn count(store: &Store, notices: &[rows::notices::Model]) -> Result<pb::RecallResponse, Error> {
    let members = rows::members::Entity::find()
        .filter(rows::members::Column::NoticeId.is_in(notices.iter().map(|notice| notice.id.as_str())))
        .all(store.read())
        .await?;
    let deliveries = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::Id.is_in(members.iter().map(|member| member.delivery_id.as_str())))
        .all(store.read())
        .await?;
    let mut answer = pb::RecallResponse::default();
    for delivery in &deliveries {
        let state: DeliveryState = crate::store::parsed(&delivery.state, "state of a delivery")?;
        let told = members.iter().any(|member| member.delivery_id == delivery.id && member.told);
        match state {
            DeliveryState::Started | DeliveryState::Unknown => answer.in_the_air += 1,
            DeliveryState::Accepted | DeliveryState::Delivered | DeliveryState::Failed if told => {
                answer.had_left += 1
            }
            _ => answer.stopped += 1,
        }
    }
    Ok(answer)
}
