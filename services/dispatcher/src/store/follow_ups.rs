//! Deliveries that ended badly, or whose receipt did not come: whose next address is wanted.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::ids::ContactId;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{parsed, rows};
use crate::domain::plan::Member;
use crate::domain::{DeliveryState, Reason};

/// A delivery whose contacts are to be told otherwise.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// The delivery.
    pub delivery: String,
    /// Its gathering.
    pub gathering: String,
    /// Who is to be told about whom, because nothing else that went to them may have got there.
    pub members: BTreeSet<Member>,
    /// What every contact of the gathering has been tried at.
    pub tried: HashSet<(ContactId, String)>,
}

/// Texts whose receipt is overdue become follow-ups; says how many.
pub async fn lose_patience(store: &Store, now: Timestamp) -> Result<u64, Error> {
    let sql = "UPDATE deliveries SET next_address = TRUE, patience_until = NULL, why = $1, updated_at = $2 \
               WHERE patience_until <= $2 AND state = 'accepted'";
    let tx = store.begin().await?;
    let values = [Reason::NoReceipt.code().into(), micros(now).into()];
    let changed = tx.execute_raw(store.statement(sql, values)).await?.rows_affected();
    tx.commit().await?;
    Ok(changed)
}

/// The next follow-ups.
pub async fn wanted(store: &Store) -> Result<Vec<FollowUp>, Error> {
    let failed = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::NextAddress.eq(true))
        .order_by_asc(rows::deliveries::Column::Id)
        .limit(200)
        .all(store.read())
        .await?;
    let mut follow_ups = Vec::with_capacity(failed.len());
    for delivery in failed {
        follow_ups.push(read(store, &delivery).await?);
    }
    Ok(follow_ups)
}

async fn read(store: &Store, delivery: &rows::deliveries::Model) -> Result<FollowUp, Error> {
    let siblings = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::GatheringId.eq(delivery.gathering_id.as_str()))
        .all(store.read())
        .await?;
    let members = rows::members::Entity::find()
        .filter(rows::members::Column::DeliveryId.is_in(siblings.iter().map(|sibling| sibling.id.as_str())))
        .all(store.read())
        .await?;
    let mut follow_up = FollowUp {
        delivery: delivery.id.clone(),
        gathering: delivery.gathering_id.clone(),
        members: BTreeSet::new(),
        tried: HashSet::new(),
    };
    let mut elsewhere = HashSet::new();
    for row in &members {
        let contact: ContactId = parsed(&row.contact_id, "contact of a member")?;
        let member = (contact, parsed(&row.pupil_id, "pupil of a member")?);
        let Some(sibling) = siblings.iter().find(|sibling| sibling.id == row.delivery_id) else { continue };
        follow_up.tried.insert((contact, sibling.address.clone()));
        let state: DeliveryState = parsed(&sibling.state, "state of a delivery")?;
        if sibling.id == delivery.id {
            // Who fell out because of the address may be told by another one.
            let by_address = [Reason::AddressGone.code(), Reason::AddressShared.code()];
            if row.why.is_empty() || by_address.contains(&row.why.as_str()) {
                follow_up.members.insert(member);
            }
        } else if row.why.is_empty() && on_its_way(state) && !sibling.next_address {
            // Something that went later, or to another address, may still get there.
            elsewhere.insert(member);
        }
    }
    follow_up.members.retain(|member| !elsewhere.contains(member));
    Ok(follow_up)
}

fn on_its_way(state: DeliveryState) -> bool {
    state.is_open() || matches!(state, DeliveryState::Accepted | DeliveryState::Delivered)
}

/// Marks a follow-up as made; a conflict when somebody else made it.
pub fn done(store: &Store, commit: Commit, delivery: &str) -> Commit {
    let sql = "UPDATE deliveries SET next_address = FALSE WHERE id = $1 AND next_address";
    commit.guarded(store.statement(sql, [delivery.into()]))
}
