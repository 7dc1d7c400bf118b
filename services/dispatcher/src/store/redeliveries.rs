//! What a gathering still owes when a person asks for it to be sent again: to whom everything ended
//! badly, and what was never planned because the data was put back first.

use std::collections::{BTreeSet, HashMap};

use kit::clock::micros;
use kit::identity::Caller;
use kit::store::{Commit, Error, Store};
use proto::ids::{ContactId, NoticeId, PupilId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::follow_ups::may_get_there;
use super::gatherings::Gathering;
use super::{parsed, rows};
use crate::domain::audience::key_of;
use crate::domain::plan::{Later, Member};
use crate::domain::{DeliveryState, Reason};

/// What is owed.
#[derive(Debug, Clone, Default)]
pub struct Owed {
    /// Who is to be told about whom, from the first address on.
    pub later: Later,
    /// Contacts who are left alone: it reached them, may have, or is on its way.
    pub left_alone: BTreeSet<ContactId>,
    /// Notices of which no message was ever planned, with their pupils.
    pub never_planned: Vec<(NoticeId, Option<PupilId>)>,
}

/// Reads what the notices of a gathering still owe.
pub async fn owed(store: &Store, gathering: &Gathering) -> Result<Owed, Error> {
    let deliveries = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::GatheringId.eq(gathering.id.as_str()))
        .all(store.read())
        .await?;
    let notices: BTreeSet<String> = gathering.notices.iter().map(|(id, _)| id.to_string()).collect();
    let of_gathering =
        "SELECT m.* FROM notices n JOIN members m ON m.notice_id = n.id WHERE n.gathering_id = $1";
    let mut members = rows::members::Entity::find()
        .from_raw_sql(store.statement(of_gathering, [gathering.id.clone().into()]))
        .all(store.read())
        .await?;
    members.retain(|member| notices.contains(&member.notice_id));
    let deliveries: HashMap<&str, &rows::deliveries::Model> =
        deliveries.iter().map(|delivery| (delivery.id.as_str(), delivery)).collect();
    let mut owed = Owed::default();
    let mut left_alone: BTreeSet<Member> = BTreeSet::new();
    for row in &members {
        let Some(delivery) = deliveries.get(row.delivery_id.as_str()).copied() else { continue };
        let member = member(&row.contact_id, &row.pupil_id)?;
        if row.why.is_empty() && may_get_there(delivery)? {
            owed.later.carried.insert((key_of(&delivery.address), member.1));
        }
        if row.why.is_empty() && !ended_badly(delivery)? {
            left_alone.insert(member);
        } else {
            owed.later.members.insert(member);
        }
    }
    owed.later.members.extend(without_address(store, gathering).await?);
    owed.later.members.retain(|member| !left_alone.contains(member));
    owed.left_alone = left_alone.into_iter().map(|(contact, _)| contact).collect();
    let planned: BTreeSet<&str> = members.iter().map(|row| row.notice_id.as_str()).collect();
    let never = gathering.notices.iter().filter(|(id, _)| !planned.contains(id.to_string().as_str()));
    owed.never_planned = never.copied().collect();
    Ok(owed)
}

fn member(contact: &str, pupil: &str) -> Result<Member, Error> {
    Ok((parsed(contact, "contact of a member")?, parsed(pupil, "pupil of a member")?))
}

/// Whether nothing more comes of a message, and it told nobody as far as is known. One that may
/// have left counts only where a person was asked to find out.
fn ended_badly(delivery: &rows::deliveries::Model) -> Result<bool, Error> {
    if delivery.chunk_id.is_some() || delivery.next_address {
        return Ok(false);
    }
    let state: DeliveryState = parsed(&delivery.state, "state of a delivery")?;
    Ok(match state {
        DeliveryState::Failed | DeliveryState::Expired | DeliveryState::Skipped | DeliveryState::Recalled => {
            true
        }
        DeliveryState::Unknown => {
            [Reason::Restored, Reason::MayHaveLeft].iter().any(|asked| asked.code() == delivery.why)
        }
        DeliveryState::Held
        | DeliveryState::Due
        | DeliveryState::Started
        | DeliveryState::Accepted
        | DeliveryState::Delivered
        | DeliveryState::Drill => false,
    })
}

/// Contacts who should have been told beside others and had no address, which may be there now.
async fn without_address(store: &Store, gathering: &Gathering) -> Result<BTreeSet<Member>, Error> {
    let found = rows::decisions::Entity::find()
        .filter(rows::decisions::Column::GatheringId.eq(gathering.id.as_str()))
        .filter(rows::decisions::Column::Why.eq(Reason::NoAddress.code()))
        .filter(rows::decisions::Column::ContactId.is_not_null())
        .all(store.read())
        .await?;
    let members =
        found.iter().map(|row| member(row.contact_id.as_deref().unwrap_or_default(), &row.pupil_id));
    let members: BTreeSet<Member> = members.collect::<Result<_, _>>()?;
    Ok(members.into_iter().filter(|(_, pupil)| gathering.notice_of(*pupil).is_some()).collect())
}

/// Keeps who asked and why; a conflict when the gathering took another step meanwhile. Tasks that
/// people have done about it are done: when this fails too, others are opened.
pub fn keep(store: &Store, commit: Commit, caller: &Caller, (gathering, why): (&Gathering, &str)) -> Commit {
    let step = "UPDATE gatherings SET steps = steps + 1 WHERE id = $1 AND steps = $2";
    let done = "UPDATE tasks SET dedupe = dedupe || ':' || id WHERE tenant = $1 AND state = 'done' \
                AND dedupe LIKE $2 AND dedupe NOT LIKE 'directory_away:%'";
    let kept = "INSERT INTO redeliveries (school, gathering_id, why, who, at) VALUES ($1, $2, $3, $4, $5)";
    let school = gathering.school.to_string();
    let values = [
        school.clone().into(),
        gathering.id.clone().into(),
        why.into(),
        caller.subject.clone().into(),
        micros(store.clock().now()).into(),
    ];
    commit
        .guarded(store.statement(step, [gathering.id.clone().into(), gathering.steps.into()]))
        .execute(store.statement(done, [school.into(), format!("%:{}:%", gathering.id).into()]))
        .execute(store.statement(kept, values))
}
