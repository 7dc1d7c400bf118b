//! Lists of notices and deliveries, newest first.

use std::collections::BTreeSet;
use std::str::FromStr;

use kit::Tenant;
use kit::audit;
use kit::clock::{from_micros, to_proto};
use kit::identity::Caller;
use kit::page::Page;
use kit::rejection::{self, failure};
use kit::store::{Error, Store};
use proto::dispatcher::v1 as pb;
use proto::ids::{AnnouncementId, ContactId, GatheringId, InvalidId, PupilId};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tonic::{Response, Status};

use crate::channels::{ChannelName, Medium};
use crate::domain::DeliveryState;
use crate::store::plans::held_until;
use crate::store::{gatherings, parsed, rows};

/// What a list is narrowed by is an id, or nothing.
fn narrowed_by<T: FromStr<Err = InvalidId>>(id: &str, field: &'static str) -> Result<(), Status> {
    if id.is_empty() {
        return Ok(());
    }
    rejection::id::<T>(id, field)?;
    Ok(())
}

pub(super) async fn notices(
    store: &Store,
    caller: &Caller,
    request: pb::ListNoticesRequest,
) -> Result<Response<pb::ListNoticesResponse>, Status> {
    narrowed_by::<GatheringId>(&request.gathering_id, "gathering_id")?;
    narrowed_by::<PupilId>(&request.pupil_id, "pupil_id")?;
    let arguments = format!("{} {} {}", caller.tenant, request.gathering_id, request.pupil_id);
    let page = Page::read(request.page_size, &request.page_token, &arguments)?;
    let read = || read_notices(store, caller.tenant, &request, page);
    audit::show(store, caller, ("ListNotices", &request, ""), read).await
}

async fn read_notices(
    store: &Store,
    school: Tenant,
    request: &pb::ListNoticesRequest,
    page: Page,
) -> Result<(pb::ListNoticesResponse, Vec<String>), Status> {
    let mut query = rows::notices::Entity::find()
        .filter(rows::notices::Column::School.eq(school.to_string()))
        .order_by_desc(rows::notices::Column::Id)
        .limit(page.size + 1);
    if !request.gathering_id.is_empty() {
        query = query.filter(rows::notices::Column::GatheringId.eq(request.gathering_id.as_str()));
    }
    if !request.pupil_id.is_empty() {
        // What concerned everybody in a scope is about a pupil when somebody was to be told of them.
        let told = Query::select()
            .column(rows::members::Column::NoticeId)
            .from(rows::members::Entity)
            .and_where(rows::members::Column::PupilId.eq(request.pupil_id.as_str()))
            .to_owned();
        let about = Condition::any()
            .add(rows::notices::Column::PupilId.eq(request.pupil_id.as_str()))
            .add(rows::notices::Column::Id.in_subquery(told));
        query = query.filter(about);
    }
    if let Some(after) = &page.after {
        query = query.filter(rows::notices::Column::Id.lt(after.as_str()));
    }
    let found = query.all(store.read()).await.map_err(|error| failure(&Error::from(error)))?;
    let (found, next_page_token) = page.cut(found, |row| row.id.clone());
    let subjects: BTreeSet<String> = found.iter().filter_map(|row| row.pupil_id.clone()).collect();
    let gatherings: BTreeSet<&str> = found.iter().map(|row| row.gathering_id.as_str()).collect();
    let exercises = gatherings::exercises(store, gatherings).await.map_err(|error| failure(&error))?;
    let notices = found.into_iter().map(|row| {
        let exercise = exercises.contains(&row.gathering_id);
        Ok(pb::Notice { exercise, ..notice(row)? })
    });
    let notices = notices.collect::<Result<_, Status>>()?;
    Ok((pb::ListNoticesResponse { notices, next_page_token }, subjects.into_iter().collect()))
}

fn notice(row: rows::notices::Model) -> Result<pb::Notice, Status> {
    let state = match row.state.as_str() {
        "gathering" => pb::NoticeState::Gathering,
        "planned" => pb::NoticeState::Planned,
        "withdrawn" => pb::NoticeState::Withdrawn,
        _ => return Err(failure(&Error::Corrupt { what: "state of a notice" })),
    };
    let announcement = row.subject.parse().ok().map(|id: AnnouncementId| id.to_string());
    Ok(pb::Notice {
        id: row.id,
        kind: row.kind,
        gathering_id: row.gathering_id,
        subjects: row.pupil_id.into_iter().collect(),
        state: state.into(),
        why: row.why,
        created_at: Some(to_proto(from_micros(row.created_at))),
        valid_until: Some(to_proto(from_micros(row.valid_until))),
        event_id: row.event_id,
        exercise: false,
        announcement_id: announcement.unwrap_or_default(),
    })
}

pub(super) async fn deliveries(
    store: &Store,
    caller: &Caller,
    request: pb::ListDeliveriesRequest,
) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
    narrowed_by::<GatheringId>(&request.gathering_id, "gathering_id")?;
    narrowed_by::<ContactId>(&request.contact_id, "contact_id")?;
    narrowed_by::<PupilId>(&request.pupil_id, "pupil_id")?;
    let arguments =
        format!("{} {} {} {}", caller.tenant, request.gathering_id, request.contact_id, request.pupil_id);
    let page = Page::read(request.page_size, &request.page_token, &arguments)?;
    let mut query = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::School.eq(caller.tenant.to_string()))
        .order_by_desc(rows::deliveries::Column::Id)
        .limit(page.size + 1);
    if !request.gathering_id.is_empty() {
        query = query.filter(rows::deliveries::Column::GatheringId.eq(request.gathering_id));
    }
    for (column, id) in [
        (rows::members::Column::ContactId, &request.contact_id),
        (rows::members::Column::PupilId, &request.pupil_id),
    ] {
        if !id.is_empty() {
            let about = Query::select()
                .column(rows::members::Column::DeliveryId)
                .from(rows::members::Entity)
                .and_where(column.eq(id.as_str()))
                .to_owned();
            query = query.filter(rows::deliveries::Column::Id.in_subquery(about));
        }
    }
    if let Some(after) = &page.after {
        query = query.filter(rows::deliveries::Column::Id.lt(after.as_str()));
    }
    let failed = |error| failure(&Error::from(error));
    let found = query.all(store.read()).await.map_err(failed)?;
    let (found, next_page_token) = page.cut(found, |row| row.id.clone());
    let members = rows::members::Entity::find()
        .filter(rows::members::Column::DeliveryId.is_in(found.iter().map(|row| row.id.as_str())))
        .all(store.read())
        .await
        .map_err(failed)?;
    let seen: BTreeSet<String> =
        members.iter().flat_map(|member| [member.contact_id.clone(), member.pupil_id.clone()]).collect();
    let audited = audit::look(store, caller, "ListDeliveries", &seen.into_iter().collect::<Vec<_>>()).await?;
    let held = held_until(store, &found).await.map_err(|error| failure(&error))?;
    let deliveries = found.into_iter().map(|row| {
        let held_until = held.get(&row.id).copied().map(to_proto);
        Ok(pb::Delivery { held_until, ..delivery(row, &members)? })
    });
    let deliveries = deliveries.collect::<Result<_, Status>>()?;
    Ok(audited.seal(pb::ListDeliveriesResponse { deliveries, next_page_token }))
}

fn delivery(row: rows::deliveries::Model, members: &[rows::members::Model]) -> Result<pb::Delivery, Status> {
    let of_it: Vec<_> = members.iter().filter(|member| member.delivery_id == row.id).collect();
    // Of one that was stopped nobody is left: whom it would have told is what is asked then.
    let stopped = of_it.iter().all(|member| !member.why.is_empty());
    let own = || of_it.iter().filter(|member| stopped || member.why.is_empty());
    let contact_ids: BTreeSet<String> = own().map(|member| member.contact_id.clone()).collect();
    let subjects: BTreeSet<String> = own().map(|member| member.pupil_id.clone()).collect();
    let state: DeliveryState = parsed(&row.state, "state of a delivery").map_err(|error| failure(&error))?;
    let email = row.channel.parse::<ChannelName>().is_ok_and(|channel| channel.medium() == Medium::Email);
    let reached = match state {
        DeliveryState::Delivered => true,
        DeliveryState::Accepted => email,
        _ => false,
    };
    Ok(pb::Delivery {
        id: row.id,
        kind: row.kind,
        gathering_id: row.gathering_id,
        contact_ids: contact_ids.into_iter().collect(),
        channel: row.channel,
        address: row.address,
        subjects: subjects.into_iter().collect(),
        state: state_on_the_wire(state).into(),
        why: row.why,
        attempts: i32::try_from(row.attempts).unwrap_or(i32::MAX),
        created_at: Some(to_proto(from_micros(row.created_at))),
        updated_at: Some(to_proto(from_micros(row.updated_at))),
        reached,
        held_until: None,
        address_erased_at: row.erased_at.map(|at| to_proto(from_micros(at))),
    })
}

pub(super) fn state_on_the_wire(state: DeliveryState) -> pb::DeliveryState {
    match state {
        DeliveryState::Held => pb::DeliveryState::Held,
        DeliveryState::Due => pb::DeliveryState::Due,
        DeliveryState::Started => pb::DeliveryState::Started,
        DeliveryState::Unknown => pb::DeliveryState::Unknown,
        DeliveryState::Accepted => pb::DeliveryState::Accepted,
        DeliveryState::Delivered => pb::DeliveryState::Delivered,
        DeliveryState::Failed => pb::DeliveryState::Failed,
        DeliveryState::Recalled => pb::DeliveryState::Recalled,
        DeliveryState::Expired => pb::DeliveryState::Expired,
        DeliveryState::Skipped => pb::DeliveryState::Skipped,
        DeliveryState::Drill => pb::DeliveryState::Drill,
    }
}
