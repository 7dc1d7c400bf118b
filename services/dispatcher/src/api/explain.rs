//! `Explain`: every step that was taken or not taken for one contact and one notice, in sentences.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use kit::audit;
use kit::clock::{from_micros, to_proto};
use kit::identity::Caller;
use kit::rejection::{self, Rejection, failure};
use kit::store::Error;
use proto::dispatcher::v1 as pb;
use proto::ids::{ContactId, NoticeId, SchoolId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use tonic::{Response, Status};

use super::Api;
use crate::channels::{ChannelName, Medium};
use crate::domain::Reason;
use crate::domain::reason::sentence_of;
use crate::render::days;
use crate::store::plans::held_until;
use crate::store::{parsed, rows, schools};

struct Step {
    at: i64,
    code: String,
    sentence: String,
}

pub(super) async fn explain(
    api: &Api,
    caller: &Caller,
    request: &pb::ExplainRequest,
) -> Result<Response<pb::ExplainResponse>, Status> {
    let store = &api.store;
    let contact: ContactId = rejection::id(&request.contact_id, "contact_id")?;
    let notice: NoticeId = rejection::id(&request.notice_id, "notice_id")?;
    let row = rows::notices::Entity::find_by_id(notice.to_string())
        .filter(rows::notices::Column::School.eq(caller.tenant.to_string()))
        .one(store.read())
        .await
        .map_err(|error| failure(&Error::from(error)))?
        .ok_or_else(|| Rejection::not_found("UNKNOWN_NOTICE", "there is no such notice"))?;
    let mut steps = vec![Step {
        at: row.created_at,
        code: "HEARD".to_owned(),
        sentence: "the fact was heard and its notice began to gather".to_owned(),
    }];
    steps.extend(read(api, &row, &contact.to_string()).await.map_err(|error| failure(&error))?);
    if row.state == "withdrawn" {
        steps.push(step(row.withdrawn_at.unwrap_or(row.created_at), &row.why, "withdrawn"));
    }
    steps.sort_by_key(|step| step.at);
    // One message may tell of several pupils: what was decided alike about each is said once.
    let mut said = HashSet::new();
    steps.retain(|step| said.insert((step.at, step.sentence.clone())));
    let seen: Vec<String> = std::iter::once(contact.to_string()).chain(row.pupil_id).collect();
    let audited = audit::look(store, caller, "Explain", &seen).await?;
    let steps = steps
        .into_iter()
        .map(|step| pb::ExplainStep {
            at: Some(to_proto(from_micros(step.at))),
            reason: step.code,
            sentence: step.sentence,
        })
        .collect();
    Ok(audited.seal(pb::ExplainResponse { steps }))
}

fn step(at: i64, code: &str, what: &str) -> Step {
    Step { at, code: code.to_owned(), sentence: format!("{what}: {}", sentence_of(code)) }
}

/// The zone in which the school is, as far as it was ever known here.
async fn zone(api: &Api, school: SchoolId) -> Result<TimeZone, Error> {
    let known = match api.directory.school_as_known(school) {
        Some(school) => Some(school),
        None => schools::known(&api.store, school).await?,
    };
    Ok(known.map_or(TimeZone::UTC, |school| school.zone))
}

async fn read(api: &Api, notice: &rows::notices::Model, contact: &str) -> Result<Vec<Step>, Error> {
    let store = &api.store;
    let mut steps = Vec::new();
    let of_contact = rows::decisions::Column::ContactId.eq(contact);
    let mut decisions = rows::decisions::Entity::find()
        .filter(rows::decisions::Column::GatheringId.eq(notice.gathering_id.as_str()));
    // What concerns everybody in a scope is told in the contact's own decisions; one about a pupil
    // also in those about the pupil.
    decisions = match &notice.pupil_id {
        Some(pupil) => decisions
            .filter(rows::decisions::Column::PupilId.eq(pupil.as_str()))
            .filter(Condition::any().add(rows::decisions::Column::ContactId.is_null()).add(of_contact)),
        None => decisions.filter(of_contact),
    };
    let decisions = decisions.all(store.read()).await?;
    steps.extend(decisions.iter().map(|decision| step(decision.at, &decision.why, "decided")));
    let members = rows::members::Entity::find()
        .filter(rows::members::Column::NoticeId.eq(notice.id.as_str()))
        .filter(rows::members::Column::ContactId.eq(contact))
        .all(store.read())
        .await?;
    let ids: Vec<&str> = members.iter().map(|member| member.delivery_id.as_str()).collect();
    let deliveries = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::Id.is_in(ids.iter().copied()))
        .all(store.read())
        .await?;
    let attempts = rows::attempts::Entity::find()
        .filter(rows::attempts::Column::DeliveryId.is_in(ids.iter().copied()))
        .all(store.read())
        .await?;
    let receipts = rows::receipts::Entity::find()
        .filter(rows::receipts::Column::DeliveryId.is_in(ids.iter().copied()))
        .all(store.read())
        .await?;
    let held = held_until(store, &deliveries).await?;
    let zone = zone(api, parsed(&notice.school, "school of a notice")?).await?;
    for delivery in &deliveries {
        let by = spoken(&delivery.channel);
        let own = |id: &str| id == delivery.id;
        let dropped = members.iter().filter(|member| own(&member.delivery_id) && !member.why.is_empty());
        let attempts: Vec<_> = attempts.iter().filter(|attempt| own(&attempt.delivery_id)).collect();
        let receipts: Vec<_> = receipts.iter().filter(|receipt| own(&receipt.delivery_id)).collect();
        let until = held.get(&delivery.id).map(|until| days::time(*until, &zone));
        if until.is_none() || delivery.updated_at > delivery.created_at {
            steps.push(step(delivery.created_at, Reason::Due.code(), &format!("by {by}")));
        }
        for dropped in dropped {
            steps.push(step(delivery.updated_at, &dropped.why, "left out at the last look"));
        }
        for attempt in &attempts {
            let what = format!("by {by}, {}", attempt.state);
            steps.push(step(attempt.ended_at, &attempt.why, &what));
        }
        for receipt in &receipts {
            let what = format!("receipt of the {by}");
            steps.push(step(receipt.received_at, &receipt.status, &what));
        }
        if let Some(at) = delivery.erased_at {
            steps.push(step(at, Reason::Erased.code(), &format!("by {by}")));
        }
        // What became of it otherwise: it did not leave, was waited for in vain, or was asked for.
        let said = attempts.iter().any(|attempt| attempt.why == delivery.why)
            || receipts.iter().any(|receipt| receipt.status == delivery.why);
        if let Some((time, day)) = until {
            let what = format!("by {by}, held until {time} on {day}");
            steps.push(step(delivery.updated_at, &delivery.why, &what));
        } else if !said && delivery.why != Reason::Due.code() {
            steps.push(step(delivery.updated_at, &delivery.why, &delivery.state));
        }
    }
    Ok(steps)
}

/// What people call what goes by a channel; which account carried it is for those who look after it.
fn spoken(channel: &str) -> &'static str {
    match channel.parse::<ChannelName>().map(|channel| channel.medium()) {
        Ok(Medium::Text) => "text",
        Ok(Medium::Email) => "e-mail",
        Err(_) => "message",
    }
}
