//! What people are asked to see to after a batch.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kit::store::{Error, Store};
use kit::tasks::NewTask;
use proto::options::v1::Role;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Finished;
use crate::store::rows::members::{Column, Entity};

/// The tasks of a batch.
pub(super) async fn of(store: &Store, batch: &[Finished], now: Timestamp) -> Result<Vec<NewTask>, Error> {
    let misconfigured = batch.iter().filter(|finished| finished.settled.misconfigured);
    let mut tasks: Vec<NewTask> =
        misconfigured.map(|finished| misconfigured_channel(finished, now)).collect();
    let unclear: Vec<&Finished> = batch.iter().filter(|finished| finished.settled.asks_a_person).collect();
    if !unclear.is_empty() {
        let mut people = people(store, &unclear).await?;
        for finished in unclear {
            let people = people.remove(&finished.delivery).unwrap_or_default();
            tasks.push(may_have_left(finished, people, now));
        }
    }
    Ok(tasks)
}

/// Whom each of these deliveries tells, and about whom.
async fn people(
    store: &Store,
    deliveries: &[&Finished],
) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let ids = deliveries.iter().map(|finished| finished.delivery.as_str());
    let members = Entity::find()
        .filter(Column::DeliveryId.is_in(ids))
        .filter(Column::Why.eq(""))
        .all(store.read())
        .await?;
    let mut people: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for member in members {
        people.entry(member.delivery_id).or_default().extend([member.contact_id, member.pupil_id]);
    }
    Ok(people)
}

/// A provider refuses our settings: once a day and channel.
fn misconfigured_channel(finished: &Finished, now: Timestamp) -> NewTask {
    let day = now.as_second().div_euclid(86_400);
    let due = (now, SignedDuration::from_mins(30));
    NewTask::new(finished.school, "channel_misconfigured", Role::SystemAdministrator, due)
        .about([finished.channel.to_string()])
        .because(
            "a provider refuses our account, template or settings, or cannot be trusted: messages wait, or go to the next address instead",
        )
        .once(format!("misconfigured:{}:{day}", finished.channel))
}

/// Something that is sent at most once may or may not have left, and nobody can be asked: it is not
/// sent again, and a person decides.
fn may_have_left(finished: &Finished, people: BTreeSet<String>, now: Timestamp) -> NewTask {
    let due = (now, SignedDuration::from_hours(24));
    NewTask::new(finished.school, "message_may_have_left", Role::Office, due)
        .about(std::iter::once(finished.delivery.clone()).chain(people))
        .because(
            "it is unclear whether this message has left, and it is not sent twice: ask whether it came, and send it again if it did not",
        )
        .once(format!("may_have_left:{}", finished.delivery))
}
