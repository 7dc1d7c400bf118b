//! The dispatcher's part of a fact's story: the notice, each decision, and what became of each
//! message. Ids, channels and reasons; no address leaves the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kit::clock::{from_micros, micros};
use kit::operations::trace::{Asked, Step, Story, Tracer};
use kit::store::{Error, Store};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};

use super::parts::PlanWriter;
use super::rows;
use crate::domain::Reason;
use crate::domain::reason::sentence_of;

/// More of one kind than this are counted by reason instead of listed.
const LISTED: usize = 60;

/// Reads the dispatcher's part.
#[must_use]
pub fn tracer(store: &Store, plans: &PlanWriter) -> Tracer {
    let (store, plans) = (store.clone(), plans.clone());
    Arc::new(move |asked| {
        let (store, plans) = (store.clone(), plans.clone());
        Box::pin(async move {
            plans.write_out(Some(asked.tenant)).await?;
            read(&store, &asked).await
        })
    })
}

async fn read(store: &Store, asked: &Asked) -> Result<Story, Error> {
    let mut told = Story::default();
    for notice in notices(store, asked).await? {
        let found = Found::read(store, notice).await?;
        found.heard(&mut told);
        found.decided(&mut told);
        found.sent(&mut told);
        found.asked_again(store, &mut told).await?;
        let about = found.notice.pupil_id.as_ref().unwrap_or(&found.notice.gathering_id);
        told.tasks.push((found.notice.gathering_id.clone(), about.clone()));
        let deliveries = found.deliveries.iter().map(|delivery| (delivery.id.clone(), about.clone()));
        told.tasks.extend(deliveries.take(LISTED));
    }
    Ok(told)
}

/// The notices that any of the ids leads to.
async fn notices(store: &Store, asked: &Asked) -> Result<Vec<rows::notices::Model>, Error> {
    let ids = || asked.ids.iter().map(String::as_str);
    let members = Condition::any()
        .add(rows::members::Column::DeliveryId.is_in(ids()))
        .add(rows::members::Column::ContactId.is_in(ids()))
        .add(rows::members::Column::PupilId.is_in(ids()));
    let told = Query::select()
        .column(rows::members::Column::NoticeId)
        .from(rows::members::Entity)
        .cond_where(members)
        .to_owned();
    let by_id = Condition::any()
        .add(rows::notices::Column::Id.is_in(ids()))
        .add(rows::notices::Column::EventId.is_in(ids()))
        .add(rows::notices::Column::Subject.is_in(ids()))
        .add(rows::notices::Column::GatheringId.is_in(ids()))
        .add(rows::notices::Column::PupilId.is_in(ids()))
        .add(rows::notices::Column::Id.in_subquery(told));
    let found = rows::notices::Entity::find()
        .filter(rows::notices::Column::School.eq(asked.tenant.to_string()))
        .filter(rows::notices::Column::CreatedAt.gte(micros(asked.since)))
        .filter(by_id)
        .all(store.read())
        .await?;
    Ok(found)
}

/// A notice with everything that came of it.
struct Found {
    notice: rows::notices::Model,
    decisions: Vec<rows::decisions::Model>,
    members: Vec<rows::members::Model>,
    deliveries: Vec<rows::deliveries::Model>,
    attempts: Vec<rows::attempts::Model>,
    receipts: Vec<rows::receipts::Model>,
}

impl Found {
    async fn read(store: &Store, notice: rows::notices::Model) -> Result<Self, Error> {
        let mut decisions = rows::decisions::Entity::find()
            .filter(rows::decisions::Column::GatheringId.eq(notice.gathering_id.as_str()));
        if let Some(pupil) = &notice.pupil_id {
            decisions = decisions.filter(rows::decisions::Column::PupilId.eq(pupil.as_str()));
        }
        let decisions = decisions.all(store.read()).await?;
        let members = rows::members::Entity::find()
            .filter(rows::members::Column::NoticeId.eq(notice.id.as_str()))
            .all(store.read())
            .await?;
        let ids: BTreeSet<&str> = members.iter().map(|member| member.delivery_id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let (mut deliveries, mut attempts, mut receipts) = (Vec::new(), Vec::new(), Vec::new());
        for ids in ids.chunks(500) {
            let own = || ids.iter().copied();
            let some = rows::deliveries::Entity::find().filter(rows::deliveries::Column::Id.is_in(own()));
            deliveries.extend(some.all(store.read()).await?);
            let some = rows::attempts::Entity::find().filter(rows::attempts::Column::DeliveryId.is_in(own()));
            attempts.extend(some.all(store.read()).await?);
            let some = rows::receipts::Entity::find().filter(rows::receipts::Column::DeliveryId.is_in(own()));
            receipts.extend(some.all(store.read()).await?);
        }
        Ok(Self { notice, decisions, members, deliveries, attempts, receipts })
    }

    fn heard(&self, told: &mut Story) {
        let notice = &self.notice;
        let sentence = format!(
            "notice {} ({}) joined gathering {}; it is worth telling until {}",
            notice.id,
            notice.kind,
            notice.gathering_id,
            from_micros(notice.valid_until)
        );
        let mut ids = vec![notice.id.clone(), notice.event_id.clone()];
        // A correction is about another gathering, not about a thing of somebody's.
        ids.extend((!notice.subject.contains(':')).then(|| notice.subject.clone()));
        told.steps.push(Step { at: from_micros(notice.created_at), what: "gathered", sentence, ids });
        if let Some(at) = notice.withdrawn_at {
            let sentence = format!("notice {}: {}", notice.id, sentence_of(&notice.why));
            told.steps.push(step(at, "withdrawn", sentence));
        }
    }

    fn decided(&self, told: &mut Story) {
        let decisions = self.decisions.iter().map(|decision| {
            let whom = decision.contact_id.as_deref().unwrap_or("everybody");
            (decision.at, whom.to_owned(), format!("{} ({})", sentence_of(&decision.why), decision.why))
        });
        list(told, "decided", decisions.collect());
    }

    fn sent(&self, told: &mut Story) {
        let (mut planned, mut tried, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        let mut fell_out = Vec::new();
        for delivery in &self.deliveries {
            let own = || self.members.iter().filter(|member| member.delivery_id == delivery.id);
            let contacts: BTreeSet<&str> = own().map(|member| member.contact_id.as_str()).collect();
            let contacts = contacts.into_iter().collect::<Vec<_>>().join(", ");
            let by = format!("by {}", delivery.channel);
            planned.push((delivery.created_at, format!("{} to {contacts}", delivery.id), by.clone()));
            for member in own().filter(|member| !member.why.is_empty()) {
                let whom = format!("{} of {}", member.contact_id, delivery.id);
                fell_out.push((delivery.updated_at, whom, sentence_of(&member.why).to_owned()));
            }
            for attempt in self.attempts.iter().filter(|attempt| attempt.delivery_id == delivery.id) {
                let what = format!("{by}, {}: {}", attempt.state, sentence_of(&attempt.why));
                tried.push((attempt.ended_at, delivery.id.clone(), what));
            }
            for receipt in self.receipts.iter().filter(|receipt| receipt.delivery_id == delivery.id) {
                let what = format!("{}: {}", receipt.channel, sentence_of(&receipt.status));
                ended.push((receipt.received_at, delivery.id.clone(), format!("receipt of {what}")));
            }
            if let Some(at) = delivery.erased_at {
                ended.push((at, delivery.id.clone(), Reason::Erased.to_string()));
            }
            let now = format!("{by}, {} now: {}", delivery.state, sentence_of(&delivery.why));
            ended.push((delivery.updated_at, delivery.id.clone(), now));
        }
        list(told, "planned", planned);
        list(told, "left out", fell_out);
        list(told, "tried", tried);
        list(told, "message", ended);
    }

    async fn asked_again(&self, store: &Store, told: &mut Story) -> Result<(), Error> {
        for (what, sql) in [
            ("redelivered", "SELECT at FROM redeliveries WHERE gathering_id = $1"),
            ("recalled", "SELECT at FROM recalls WHERE what = $1 OR what = $2"),
        ] {
            let (gathering, notice) = (self.notice.gathering_id.clone(), self.notice.id.clone());
            let values = match what {
                "recalled" => vec![gathering.clone().into(), notice.into()],
                _ => vec![gathering.clone().into()],
            };
            for row in store.read().query_all_raw(store.statement(sql, values)).await? {
                let sentence = format!("a person asked for it, and why is kept with {gathering}");
                told.steps.push(step(row.try_get("", "at")?, what, sentence));
            }
        }
        Ok(())
    }
}

fn step(at: i64, what: &'static str, sentence: String) -> Step {
    Step { at: from_micros(at), what, sentence, ids: Vec::new() }
}

/// Each of these in a step of its own, or, when they are too many to read, how many there are of
/// each sentence, at the time of the last.
fn list(told: &mut Story, what: &'static str, all: Vec<(i64, String, String)>) {
    if all.len() <= LISTED {
        let steps = all.into_iter().map(|(at, whom, sentence)| step(at, what, format!("{whom}: {sentence}")));
        told.steps.extend(steps);
        return;
    }
    let mut counted: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    for (at, _, sentence) in all {
        let entry = counted.entry(sentence).or_insert((0, at));
        *entry = (entry.0 + 1, entry.1.max(at));
    }
    let steps =
        counted.into_iter().map(|(sentence, (many, at))| step(at, what, format!("{many} times: {sentence}")));
    told.steps.extend(steps);
}
