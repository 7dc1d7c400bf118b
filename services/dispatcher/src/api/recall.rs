//! `Recall`: stops what has not left, and answers only when no sender will start another.

use std::collections::HashSet;

use kit::clock::micros;
use kit::identity::Caller;
use kit::rejection::{self, Rejection, failure};
use kit::store::{Call, Commit, Error, Store, once};
use proto::dispatcher::v1 as pb;
use proto::ids::{GatheringId, NoticeId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tonic::{Response, Status};

use super::Api;
use crate::domain::{DeliveryState, NoticeKind, Reason};
use crate::metrics;
use crate::sender::NOTHING_STARTS_AFTER;
use crate::store::{among, raise_generation, rows};

pub(super) async fn recall(
    api: &Api,
    caller: &Caller,
    request: &pb::RecallRequest,
) -> Result<Response<pb::RecallResponse>, Status> {
    let store = &api.store;
    let why = rejection::required(&request.why, "why", 500)?;
    let call = Call { caller, rpc: "Recall", request_id: &request.request_id };
    // An id that was used before is answered or refused first. What is recalled is durable before
    // it is counted, because senders look at the store; what is answered is counted when no sender
    // can start another message.
    once(store, call, request, || async {
        let notices = recalled_notices(store, caller, request).await?;
        withdraw(api, caller, (request, &why), &notices).await?;
        api.write_out(caller).await?;
        tokio::time::sleep(NOTHING_STARTS_AFTER).await;
        let answer = count(api, &notices).await.map_err(|error| failure(&error))?;
        let subjects: Vec<String> = notices.iter().filter_map(|notice| notice.pupil_id.clone()).collect();
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
            query.filter(rows::notices::Column::GatheringId.is_in(told_by(store, caller, id).await?))
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

/// The gatherings by which the words of this one are told: a correction of an announcement leaves as two, one for
/// whoever was told before and one for the others, and whoever stops the words means both.
async fn told_by(store: &Store, caller: &Caller, id: GatheringId) -> Result<Vec<String>, Status> {
    let two = [NoticeKind::Announcement, NoticeKind::AnnouncementCorrection].map(NoticeKind::as_str);
    let sql = "SELECT DISTINCT n.gathering_id AS gathering_id FROM notices own \
               JOIN notices n ON n.school = own.school AND n.subject = own.subject AND n.event_id = own.event_id \
               WHERE own.gathering_id = $1 AND own.school = $2 AND own.kind IN ($3, $4) AND n.kind IN ($3, $4)";
    let values = [id.to_string().into(), caller.tenant.to_string().into(), two[0].into(), two[1].into()];
    let found = store.read().query_all_raw(store.statement(sql, values)).await;
    let found = found.map_err(|error| failure(&Error::from(error)))?;
    let ids = found.iter().map(|row| row.try_get("", "gathering_id"));
    let mut ids: Vec<String> = ids.collect::<Result<_, _>>().map_err(|error| failure(&Error::from(error)))?;
    ids.push(id.to_string());
    Ok(ids)
}

/// Withdraws what still holds, and remembers who recalled it and why. Twins of one request may
/// meet here; a request of the same id that recalls something else changes nothing.
async fn withdraw(
    api: &Api,
    caller: &Caller,
    (request, why): (&pb::RecallRequest, &str),
    notices: &[rows::notices::Model],
) -> Result<(), Status> {
    let store = &api.store;
    let now = store.clock().now();
    let what = match &request.what {
        Some(pb::recall_request::What::GatheringId(id) | pb::recall_request::What::NoticeId(id)) => {
            id.clone()
        }
        None => String::new(),
    };
    let reserve = "INSERT INTO recalls (school, request_id, what, why, who, at) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (school, request_id) DO UPDATE SET at = excluded.at \
                   WHERE recalls.what = excluded.what AND recalls.who = excluded.who AND recalls.why = excluded.why";
    let values = [
        caller.tenant.to_string().into(),
        request.request_id.clone().into(),
        what.into(),
        why.into(),
        caller.subject.clone().into(),
        micros(now).into(),
    ];
    let mut commit = Commit::new().guarded(store.statement(reserve, values)).execute(raise_generation(store));
    for notice in notices {
        let sql = "UPDATE notices SET state = 'withdrawn', why = $1, withdrawn_at = $2 \
                   WHERE id = $3 AND state <> 'withdrawn'";
        let values = [Reason::Recalled.code().into(), micros(now).into(), notice.id.clone().into()];
        commit = commit.execute(store.statement(sql, values));
    }
    let subjects: Vec<String> = notices.iter().filter_map(|notice| notice.pupil_id.clone()).collect();
    let commit = commit.audit_because(caller, "Recall", (&subjects, why), now).wake(&api.generation.wake());
    match store.commit(commit).await {
        Ok(_) => {
            metrics::recalled(notices.len());
            Ok(())
        }
        Err(Error::Conflict) => Err(Rejection::invalid(
            "REQUEST_ID_REUSED",
            "request_id",
            "was used before for a request with other content",
        )
        .into()),
        Err(error) => Err(failure(&error)),
    }
}

/// What was stopped, what had left, and what is still in the air. A message that names others too
/// leaves without the recalled pupil, and counts as stopped for this one.
async fn count(api: &Api, notices: &[rows::notices::Model]) -> Result<pb::RecallResponse, Error> {
    let store = &api.store;
    // First what flies, then what is known of it: a flight that lands in between is found landed.
    let flying = api.air.deliveries();
    let ids: Vec<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
    let ids = serde_json::json!(ids).to_string();
    let of_notices = format!("SELECT delivery_id FROM members WHERE {}", among(store.backend(), "notice_id"));
    let told = format!("{of_notices} AND told");
    let told = store.read().query_all_raw(store.statement(&told, [ids.clone().into()])).await?;
    let told = told.iter().map(|row| row.try_get("", "delivery_id"));
    let told: HashSet<String> = told.collect::<Result<_, _>>()?;
    let deliveries = rows::deliveries::Entity::find()
        .from_raw_sql(
            store.statement(&format!("SELECT * FROM deliveries WHERE id IN ({of_notices})"), [ids.into()]),
        )
        .all(store.read())
        .await?;
    let elsewhere = held_elsewhere(api, &deliveries).await?;
    let mut answer = pb::RecallResponse::default();
    for delivery in &deliveries {
        let state: DeliveryState = crate::store::parsed(&delivery.state, "state of a delivery")?;
        let told = told.contains(&delivery.id);
        let is_open = delivery.chunk_id.is_some();
        let may_fly = flying.contains(&delivery.id)
            || delivery.chunk_id.as_ref().is_some_and(|chunk| elsewhere.contains(chunk));
        match state {
            DeliveryState::Accepted | DeliveryState::Delivered | DeliveryState::Failed if told => {
                answer.had_left += 1;
            }
            DeliveryState::Unknown if !is_open => answer.had_left += 1,
            DeliveryState::Started | DeliveryState::Unknown => answer.in_the_air += 1,
            DeliveryState::Held | DeliveryState::Due if may_fly => answer.in_the_air += 1,
            DeliveryState::Held | DeliveryState::Due | DeliveryState::Recalled => answer.stopped += 1,
            // These had ended before, by themselves, and nobody learnt anything from them.
            DeliveryState::Accepted
            | DeliveryState::Delivered
            | DeliveryState::Failed
            | DeliveryState::Expired
            | DeliveryState::Skipped
            | DeliveryState::Drill => {}
        }
    }
    Ok(answer)
}

/// The chunks that another process works on: what of them is in the air cannot be seen from here.
async fn held_elsewhere(api: &Api, deliveries: &[rows::deliveries::Model]) -> Result<HashSet<String>, Error> {
    let chunks: HashSet<&str> =
        deliveries.iter().filter_map(|delivery| delivery.chunk_id.as_deref()).collect();
    let held = rows::chunks::Entity::find()
        .filter(rows::chunks::Column::Owner.is_not_null())
        .filter(rows::chunks::Column::Owner.ne(api.owner.as_str()))
        .filter(rows::chunks::Column::LeaseUntil.gt(micros(api.store.clock().real())))
        .all(api.store.read())
        .await?;
    Ok(held.into_iter().map(|chunk| chunk.id).filter(|chunk| chunks.contains(chunk.as_str())).collect())
}
