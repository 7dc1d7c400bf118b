//! Deliveries that ended badly, or whose receipt did not come: whose next address is wanted.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Commit, Error, Store};
use proto::ids::{ContactId, PupilId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::gatherings::{self, Gathering};
use super::{parsed, rows};
use crate::channels::ChannelName;
use crate::domain::audience::key_of;
use crate::domain::plan::Later;
use crate::domain::{DeliveryState, Medium, NoticeKind, Reason, Ways};

/// A delivery whose contacts are to be told otherwise.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// The delivery.
    pub delivery: String,
    /// Its gathering, with the notices that still hold.
    pub gathering: Gathering,
    /// When it became clear that another step is needed.
    pub since: Timestamp,
    /// Who, and what they have been tried at.
    pub later: Later,
}

/// Deliveries that took too long become follow-ups; says how many.
///
/// What was accepted, or may have been, stays so and may still turn out to be delivered. What never
/// left has failed, so that it does not leave beside the next address. Neither is looked at by a
/// sender any more. A delivery on which a sender is working is left to it until it lets go, because
/// its request may be under way, and so is what is too late anyway.
pub async fn lose_patience(store: &Store, now: Timestamp) -> Result<u64, Error> {
    let accepted = "UPDATE deliveries SET next_address = TRUE, patience_until = NULL, why = $1, updated_at = $2 \
                    WHERE patience_until <= $2 AND state = 'accepted'";
    // Locked, so that no sender takes the chunk before this is durable; the others stay free.
    let lock = if store.backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let open = format!(
        "UPDATE deliveries SET next_address = TRUE, patience_until = NULL, chunk_id = NULL, updated_at = $2, \
         state = CASE WHEN state = 'unknown' THEN 'unknown' ELSE 'failed' END, \
         why = CASE WHEN state = 'unknown' THEN $1 ELSE $3 END \
         WHERE patience_until <= $2 AND valid_until > $2 AND attempts > 0 \
         AND state IN ('due', 'unknown') \
         AND chunk_id IN (SELECT id FROM chunks WHERE owner IS NULL AND id IN \
         (SELECT chunk_id FROM deliveries WHERE patience_until <= $2 AND chunk_id IS NOT NULL) {lock})"
    );
    // Looked at first without keeping anybody from writing: there is seldom any.
    let first = "SELECT patience_until FROM deliveries WHERE patience_until <= $1 LIMIT 1";
    if store.read().query_one_raw(store.statement(first, [micros(now).into()])).await?.is_none() {
        return Ok(0);
    }
    let (no_receipt, not_sent) = (Reason::NoReceipt.code(), Reason::NotSentInTime.code());
    let tx = store.begin().await?;
    let values = [no_receipt.into(), micros(now).into()];
    let mut changed = tx.execute_raw(store.statement(accepted, values)).await?.rows_affected();
    let values = [no_receipt.into(), micros(now).into(), not_sent.into()];
    changed += tx.execute_raw(store.statement(&open, values)).await?.rows_affected();
    tx.commit().await?;
    Ok(changed)
}

/// The deliveries of these kinds that want a next step, oldest first. All of them: one whose step
/// cannot be taken hides no other. But for those of which a part of the plan is not written out yet: what it sends
/// elsewhere is not seen.
pub async fn wanted(store: &Store, kinds: &[NoticeKind]) -> Result<Vec<String>, Error> {
    rows::deliveries::Entity::find()
        .select_only()
        .column(rows::deliveries::Column::Id)
        .filter(Expr::cust("next_address"))
        .filter(Expr::cust(
            "NOT EXISTS (SELECT 1 FROM parts p WHERE p.gathering_id = deliveries.gathering_id)",
        ))
        .filter(rows::deliveries::Column::Kind.is_in(kinds.iter().map(|kind| kind.as_str())))
        .order_by_asc(rows::deliveries::Column::Id)
        .into_tuple()
        .all(store.read())
        .await
        .map_err(Error::from)
}

/// What the next step of a delivery is made from, as it is now: each step is read after the one
/// before it was written, because two of one gathering may want the same address. None when it is
/// not wanted any more.
pub async fn read(store: &Store, delivery: &str) -> Result<Option<FollowUp>, Error> {
    let delivery = rows::deliveries::Entity::find_by_id(delivery.to_owned())
        .filter(rows::deliveries::Column::NextAddress.eq(true))
        .one(store.read())
        .await?;
    let Some(delivery) = delivery else { return Ok(None) };
    // First the gathering with its count of steps, then what the steps have made.
    let Some(gathering) = gatherings::planned(store, &delivery.gathering_id).await? else { return Ok(None) };
    let siblings = siblings(store, &delivery).await?;
    let mut later = Later::default();
    let (mut elsewhere, mut emailed) = (HashSet::new(), BTreeSet::new());
    let both = gathering.kind.ways() == Ways::Both;
    for (row, sibling) in &siblings {
        let contact: ContactId = parsed(&row.contact_id, "contact of a member")?;
        let pupil: PupilId = parsed(&row.pupil_id, "pupil of a member")?;
        later.tried.insert((contact, key_of(&sibling.address)));
        if sibling.id == delivery.id {
            // Pupils whose notice no longer holds need no further step; who fell out because of
            // the address may be told by another one.
            let by_address = [Reason::AddressGone.code(), Reason::AddressShared.code()];
            let owed = row.why.is_empty() || by_address.contains(&row.why.as_str());
            if owed && gathering.notice_of(pupil).is_some() {
                later.members.insert((contact, pupil));
            }
        } else if row.why.is_empty() && may_get_there(sibling)? {
            // An e-mail beside a text is no reason to give up on texts.
            if both && medium(&delivery)? == Medium::Text && medium(sibling)? == Medium::Email {
                emailed.insert((contact, pupil));
            } else {
                elsewhere.insert((contact, pupil));
            }
            later.carried.insert((key_of(&sibling.address), pupil));
        }
    }
    later.members.retain(|member| !elsewhere.contains(member));
    emailed.retain(|member| later.members.contains(member));
    later.emailed = emailed;
    let since = from_micros(delivery.updated_at);
    Ok(Some(FollowUp { delivery: delivery.id, gathering, since, later }))
}

/// Who stands in a delivery, each with it, and what else of the gathering went to these contacts or
/// is about these pupils. A step of a gathering to a thousand families does not look at all of them.
async fn siblings(
    store: &Store,
    delivery: &rows::deliveries::Model,
) -> Result<Vec<(rows::members::Model, Arc<rows::deliveries::Model>)>, Error> {
    const CONCERNED: &str = "SELECT o.* FROM members own JOIN members o ON o.contact_id = own.contact_id \
         WHERE own.delivery_id = $1 UNION SELECT o.* FROM members own JOIN members o \
         ON o.pupil_id = own.pupil_id WHERE own.delivery_id = $1";
    let values = || [delivery.id.clone().into(), delivery.gathering_id.clone().into()];
    let of_gathering = format!(
        "SELECT m.* FROM ({CONCERNED}) m JOIN deliveries d ON d.id = m.delivery_id WHERE d.gathering_id = $2"
    );
    let members = rows::members::Entity::find()
        .from_raw_sql(store.statement(&of_gathering, values()))
        .all(store.read())
        .await?;
    let of_gathering = format!(
        "SELECT DISTINCT d.* FROM ({CONCERNED}) m JOIN deliveries d ON d.id = m.delivery_id WHERE d.gathering_id = $2"
    );
    let deliveries = rows::deliveries::Entity::find()
        .from_raw_sql(store.statement(&of_gathering, values()))
        .all(store.read())
        .await?;
    let deliveries: HashMap<String, Arc<rows::deliveries::Model>> =
        deliveries.into_iter().map(|delivery| (delivery.id.clone(), Arc::new(delivery))).collect();
    let with = |member: rows::members::Model| {
        deliveries.get(&member.delivery_id).cloned().map(|delivery| (member, delivery))
    };
    Ok(members.into_iter().filter_map(with).collect())
}

fn medium(delivery: &rows::deliveries::Model) -> Result<Medium, Error> {
    parsed::<ChannelName>(&delivery.channel, "channel of a delivery").map(|channel| channel.medium())
}

/// Whether a message may still get there, or has. One that was waited for in vain does not count:
/// the address after it would never be tried.
pub(super) fn may_get_there(delivery: &rows::deliveries::Model) -> Result<bool, Error> {
    let state: DeliveryState = parsed(&delivery.state, "state of a delivery")?;
    Ok(match state {
        DeliveryState::Delivered => true,
        DeliveryState::Accepted => !delivery.next_address && delivery.why != Reason::NoReceipt.code(),
        state => state.is_open() && delivery.chunk_id.is_some(),
    })
}

/// Marks a follow-up as made; a conflict when somebody else made it, or another of its gathering.
pub fn done(store: &Store, follow_up: &FollowUp) -> Commit {
    let made = "UPDATE deliveries SET next_address = FALSE WHERE id = $1 AND next_address";
    let step = "UPDATE gatherings SET steps = steps + 1 WHERE id = $1 AND steps = $2";
    let gathering = &follow_up.gathering;
    Commit::new()
        .guarded(store.statement(made, [follow_up.delivery.clone().into()]))
        .guarded(store.statement(step, [gathering.id.clone().into(), gathering.steps.into()]))
}
