//! A round's preparation: what is still worth sending, who may still be told, and in which words.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use kit::store::Store;
use proto::ids::SchoolId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::time::Instant;

use super::{Error, Sender};
use crate::channels::{Found, Outgoing};
use crate::directory::School;
use crate::domain::clearance::{Cleared, clear};
use crate::domain::plan::Member;
use crate::domain::settle::{Attempted, Settled, resolve};
use crate::domain::{DeliveryState, Pupil, Reason};
use crate::store::chunks::{self, Chunk, Delivery};
use crate::store::rows;
use crate::store::settle::Finished;

/// A message that may leave, for as long as what it was made from is fresh.
pub(super) struct Ready {
    pub delivery: Delivery,
    pub school: SchoolId,
    pub lane: i64,
    pub outgoing: Outgoing,
    pub attempted: Attempted,
    pub dropped: Vec<(Member, Reason)>,
    /// When the directory was asked.
    pub cleared_at: Instant,
    /// The generation under which it was worded.
    pub generation: i64,
}

/// A message in words, and who fell out of it at the last look.
struct Worded {
    outgoing: Outgoing,
    dropped: Vec<(Member, Reason)>,
}

/// What a round knows.
struct Round {
    pupils: Vec<Pupil>,
    school: School,
    topics: HashMap<String, String>,
    members: HashMap<String, BTreeSet<Member>>,
    cleared_at: Instant,
    generation: i64,
}

impl Sender {
    /// Prepares a round. What will not leave is settled here.
    pub(super) async fn prepare(&self, chunk: &Chunk, open: Vec<Delivery>) -> Result<Vec<Ready>, Error> {
        let now = self.store.clock().now();
        let (mut done, mut live) = (Vec::new(), Vec::new());
        for delivery in open {
            if now >= delivery.valid_until {
                done.push(stopped(chunk, &delivery, DeliveryState::Expired, Reason::Expired));
            } else if delivery.state == DeliveryState::Unknown {
                match self.ask_provider(chunk, &delivery, now).await {
                    Some(finished) => done.push(finished),
                    None => live.push(delivery),
                }
            } else {
                live.push(delivery);
            }
        }
        let mut ready = Vec::with_capacity(live.len());
        if !live.is_empty() {
            let round = self.look(chunk, &live).await?;
            for delivery in live {
                match self.word(chunk, &delivery, &round) {
                    Ok(Worded { outgoing, dropped }) => ready.push(Ready {
                        school: chunk.school,
                        lane: chunk.lane,
                        outgoing,
                        attempted: self.attempted(&delivery),
                        dropped,
                        cleared_at: round.cleared_at,
                        generation: round.generation,
                        delivery,
                    }),
                    Err(finished) => done.push(*finished),
                }
            }
        }
        self.settler.settle_all(done).await;
        Ok(ready)
    }

    /// Asks the directory, then reads what the store says under a fresh generation. In this order,
    /// so that whatever changes afterwards raises the generation and is seen before the request.
    async fn look(&self, chunk: &Chunk, live: &[Delivery]) -> Result<Round, Error> {
        let generation = self.generation.wait_fresh().await;
        let ids: Vec<String> = live.iter().map(|delivery| delivery.id.clone()).collect();
        let mut members: HashMap<String, BTreeSet<Member>> = HashMap::new();
        for (delivery, row) in chunks::members(&self.store, &ids).await? {
            members.entry(delivery).or_default().insert(row.member);
        }
        let gatherings: BTreeSet<String> = live.iter().map(|delivery| delivery.gathering.clone()).collect();
        let topics = chunks::topics(&self.store, &gatherings.into_iter().collect::<Vec<_>>()).await?;
        let contacts = members.values().flatten().map(|(contact, _)| *contact).collect();
        let pupils = members.values().flatten().map(|(_, pupil)| *pupil).collect();
        let school = self.directory.school(chunk.school).await?;
        let cleared_at = Instant::now();
        let pupils = self.directory.clear(chunk.school, &contacts, &pupils).await?;
        Ok(Round { pupils, school, topics, members, cleared_at, generation })
    }

    /// The words of one message, and who fell out of it; or why it does not leave.
    fn word(&self, chunk: &Chunk, delivery: &Delivery, round: &Round) -> Result<Worded, Box<Finished>> {
        let Some(members) = round.members.get(&delivery.id).filter(|members| !members.is_empty()) else {
            // Every notice in it was withdrawn: its own reason stands there.
            return Err(Box::new(stopped(chunk, delivery, DeliveryState::Recalled, Reason::Recalled)));
        };
        let Cleared { members, dropped } = clear(delivery.kind, &delivery.address, members, &round.pupils);
        if members.is_empty() {
            let reason = dropped.last().map_or(Reason::NotLinked, |(_, reason)| *reason);
            let finished = stopped(chunk, delivery, DeliveryState::Skipped, reason);
            return Err(Box::new(Finished { dropped, ..finished }));
        }
        let named: BTreeSet<_> = members.iter().map(|(_, pupil)| *pupil).collect();
        let first_names: Vec<&str> = round
            .pupils
            .iter()
            .filter(|pupil| named.contains(&pupil.id))
            .map(|pupil| pupil.first_name.as_str())
            .collect();
        let topic = round.topics.get(&delivery.gathering).map_or("", String::as_str);
        let worded = self.renderer.words(
            delivery.kind,
            delivery.channel.medium(),
            &first_names,
            (&round.school, topic),
        );
        match worded {
            Ok(words) => {
                let outgoing = Outgoing {
                    key: delivery.id.clone(),
                    to: delivery.address.clone(),
                    subject: words.subject,
                    body: words.body,
                };
                Ok(Worded { outgoing, dropped })
            }
            Err(error) => {
                tracing::error!(
                    delivery.id = delivery.id,
                    error = &error as &(dyn std::error::Error + 'static),
                    "no words"
                );
                let finished = stopped(chunk, delivery, DeliveryState::Failed, Reason::CannotBeWorded);
                Err(Box::new(finished))
            }
        }
    }

    fn attempted(&self, delivery: &Delivery) -> Attempted {
        Attempted {
            attempts: delivery.attempts + 1,
            valid_until: delivery.valid_until,
            patience: self.patience(delivery.kind),
            medium: delivery.channel.medium(),
        }
    }

    /// A message that may have left is asked for before it is sent again.
    async fn ask_provider(&self, chunk: &Chunk, delivery: &Delivery, now: Timestamp) -> Option<Finished> {
        let outlet = self.outlets.get(&delivery.channel)?;
        let found: Found = outlet.find(&delivery.id, self.store.clock().real()).await;
        let attempted = Attempted { attempts: delivery.attempts, ..self.attempted(delivery) };
        let settled = resolve(&attempted, found, now)?;
        let finished = stopped(chunk, delivery, settled.state, Reason::Sent);
        Some(Finished { settled, ..finished })
    }
}

/// A delivery that does not leave. What expired or could not be worded is owed all the same: its
/// contacts go to the next step, which ends with a person.
fn stopped(chunk: &Chunk, delivery: &Delivery, state: DeliveryState, reason: Reason) -> Finished {
    let owed = match state {
        DeliveryState::Expired | DeliveryState::Failed => true,
        // The address is gone or shared now, but the contact may still be told otherwise.
        DeliveryState::Skipped => matches!(reason, Reason::AddressGone | Reason::AddressShared),
        _ => false,
    };
    Finished {
        delivery: delivery.id.clone(),
        kind: delivery.kind,
        school: chunk.school,
        channel: delivery.channel.clone(),
        lane: chunk.lane,
        settled: Settled { next_address: owed, ..Settled::at(state, reason.code()) },
        attempts: delivery.attempts,
        started_at: None,
        dropped: Vec::new(),
    }
}

/// The gatherings with open deliveries, each with its school and pupils, for the task that says
/// that they wait.
pub(super) async fn waiting(
    store: &Store,
) -> Result<Vec<(SchoolId, String, Vec<String>)>, kit::store::Error> {
    let open = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::ChunkId.is_not_null())
        .limit(5_000)
        .all(store.read())
        .await?;
    let mut gatherings: HashMap<String, SchoolId> = HashMap::new();
    for delivery in &open {
        gatherings.insert(
            delivery.gathering_id.clone(),
            crate::store::parsed(&delivery.school, "school of a delivery")?,
        );
    }
    let mut waiting = Vec::new();
    for (gathering, school) in gatherings {
        let notices = rows::notices::Entity::find()
            .filter(rows::notices::Column::GatheringId.eq(gathering.as_str()))
            .filter(rows::notices::Column::State.eq("planned"))
            .all(store.read())
            .await?;
        waiting.push((school, gathering, notices.into_iter().map(|notice| notice.pupil_id).collect()));
    }
    Ok(waiting)
}
