//! A round's preparation: what is still worth sending, who may still be told, and in which words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::StreamExt;
use jiff::Timestamp;
use proto::ids::{PupilId, SchoolId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Error, Sender};
use crate::channels::{Found, Outgoing};
use crate::directory::School;
use crate::domain::clearance::{Cleared, clear};
use crate::domain::plan::Member;
use crate::domain::settle::{Attempted, Settled, resolve};
use crate::domain::{DeliveryState, Pupil, Reason};
use crate::store::chunks::{self, Chunk, Delivery, MemberRow};
use crate::store::drops::{self, Drops, Next};
use crate::store::settle::Finished;
use crate::store::waits;

/// How many messages a provider is asked about at the same time.
const QUESTIONS: usize = 16;

/// A message that may leave, for as long as what it was made from is fresh.
pub(super) struct Ready {
    pub delivery: Delivery,
    pub school: SchoolId,
    pub lane: i64,
    pub outgoing: Outgoing,
    pub attempted: Attempted,
    /// When the directory was asked.
    pub cleared_at: Instant,
    /// The generation under which it was worded.
    pub generation: i64,
}

/// A message in words, and who fell out of it at the last look.
struct Worded {
    outgoing: Outgoing,
    dropped: Option<Drops>,
}

/// What a round knows.
struct Round {
    pupils: Vec<Pupil>,
    school: School,
    topics: HashMap<String, String>,
    members: HashMap<String, Vec<MemberRow>>,
    dealt_with: BTreeMap<String, BTreeSet<PupilId>>,
    cleared_at: Instant,
    generation: i64,
}

/// Why a message does not leave.
#[derive(Clone, Copy)]
struct Halt(DeliveryState, Reason);

impl Sender {
    /// Prepares a round. What will not leave is settled here.
    pub(super) async fn prepare(
        &self,
        chunk: &Chunk,
        open: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<Vec<Ready>, Error> {
        let live = self.worth_sending(chunk, open).await;
        if live.is_empty() {
            return Ok(Vec::new());
        }
        let round = tokio::select! {
            round = self.look(chunk, &live) => round?,
            // The copy of the generation is followed no more, so nothing may be started.
            () = stop.cancelled() => return Ok(Vec::new()),
        };
        let (mut done, mut ready, mut dropped) = (Vec::new(), Vec::with_capacity(live.len()), Vec::new());
        for delivery in live {
            match self.word(chunk, &delivery, &round) {
                Ok(worded) => {
                    dropped.extend(worded.dropped);
                    ready.push(Ready {
                        school: chunk.school,
                        lane: chunk.lane,
                        outgoing: worded.outgoing,
                        attempted: self.attempted(&delivery),
                        cleared_at: round.cleared_at,
                        generation: round.generation,
                        delivery,
                    });
                }
                Err(finished) => done.push(*finished),
            }
        }
        drops::write(&self.store, &dropped, self.store.clock().now()).await?;
        self.settler.settle_all(done).await;
        Ok(ready)
    }

    /// Settles what is already decided: messages that turn out to have left, that come too late,
    /// or that no channel carries any more.
    async fn worth_sending(&self, chunk: &Chunk, open: Vec<Delivery>) -> Vec<Delivery> {
        let now = self.store.clock().now();
        let asked = open.into_iter().map(|delivery| self.ask_provider(chunk, delivery, now));
        let asked: Vec<_> = futures::stream::iter(asked).buffered(QUESTIONS).collect().await;
        let (mut done, mut live) = (Vec::new(), Vec::new());
        for answer in asked {
            match answer {
                Err(finished) => done.push(*finished),
                Ok(delivery) if now >= delivery.valid_until => {
                    let halt = Halt(DeliveryState::Expired, Reason::Expired);
                    done.push(stopped(chunk, &delivery, halt, Vec::new()));
                }
                Ok(delivery) if !self.outlets.contains_key(&delivery.channel) => {
                    let halt = Halt(DeliveryState::Failed, Reason::NoChannel);
                    done.push(stopped(chunk, &delivery, halt, Vec::new()));
                }
                Ok(delivery) => live.push(delivery),
            }
        }
        self.settler.settle_all(done).await;
        live
    }

    /// A message that may have left is asked for before anything else becomes of it.
    async fn ask_provider(
        &self,
        chunk: &Chunk,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<Delivery, Box<Finished>> {
        let Some(outlet) = self.outlets.get(&delivery.channel) else { return Ok(delivery) };
        if delivery.state != DeliveryState::Unknown {
            return Ok(delivery);
        }
        let found: Found = outlet.find(&delivery.id, self.store.clock().real()).await;
        let has_not_left = found == Found::NotFound;
        let attempted = Attempted { attempts: delivery.attempts, ..self.attempted(&delivery) };
        match resolve(&attempted, found, now) {
            Some(settled) => Err(Box::new(finished(chunk, &delivery, settled, None))),
            None if has_not_left => Ok(Delivery { state: DeliveryState::Due, ..delivery }),
            None => Ok(delivery),
        }
    }

    /// Asks the directory, then reads what the store says under a fresh generation. In this order,
    /// so that whatever changes afterwards raises the generation and is seen before the request.
    async fn look(&self, chunk: &Chunk, live: &[Delivery]) -> Result<Round, Error> {
        let generation = self.generation.wait_fresh().await;
        let ids: Vec<String> = live.iter().map(|delivery| delivery.id.clone()).collect();
        let mut members: HashMap<String, Vec<MemberRow>> = HashMap::new();
        for (delivery, row) in chunks::members(&self.store, &ids).await? {
            members.entry(delivery).or_default().push(row);
        }
        let gatherings: BTreeSet<String> = live.iter().map(|delivery| delivery.gathering.clone()).collect();
        let topics = chunks::topics(&self.store, &gatherings).await?;
        let holding = || members.values().flatten().filter(|row| row.withdrawn.is_none());
        let contacts = holding().map(|row| row.member.0).collect();
        let pupils = holding().map(|row| row.member.1).collect();
        let school = self.directory.school(chunk.school).await?;
        let cleared_at = Instant::now();
        let pupils = self.directory.clear(chunk.school, &contacts, &pupils).await?;
        // Read last: while the directory was away, a person may have completed the task.
        let dealt_with = waits::dealt_with(&self.store, gatherings.iter().map(String::as_str)).await?;
        Ok(Round { pupils, school, topics, members, dealt_with, cleared_at, generation })
    }

    /// The words of one message, and who fell out of it; or why it does not leave.
    fn word(&self, chunk: &Chunk, delivery: &Delivery, round: &Round) -> Result<Worded, Box<Finished>> {
        let (holding, mut dropped) = round.hold(delivery);
        if holding.is_empty() {
            let halt = match dropped.last() {
                Some((_, Reason::HandledByPerson)) => Halt(DeliveryState::Skipped, Reason::HandledByPerson),
                other => Halt(DeliveryState::Recalled, other.map_or(Reason::Recalled, |(_, reason)| *reason)),
            };
            return Err(Box::new(stopped(chunk, delivery, halt, dropped)));
        }
        let cleared = clear(delivery.kind, &delivery.address, &holding, &round.pupils);
        let Cleared { members, dropped: not_cleared } = cleared;
        let last = not_cleared.last().map_or(Reason::NotLinked, |(_, reason)| *reason);
        dropped.extend(not_cleared);
        if members.is_empty() {
            return Err(Box::new(stopped(chunk, delivery, Halt(DeliveryState::Skipped, last), dropped)));
        }
        match self.words(delivery, &members, round) {
            Ok(outgoing) => {
                Ok(Worded { outgoing, dropped: drops_of(chunk, delivery, dropped, Next::Nothing) })
            }
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(delivery.id = delivery.id, error, "no words");
                let halt = Halt(DeliveryState::Failed, Reason::CannotBeWorded);
                Err(Box::new(stopped(chunk, delivery, halt, dropped)))
            }
        }
    }

    fn words(
        &self,
        delivery: &Delivery,
        members: &BTreeSet<Member>,
        round: &Round,
    ) -> Result<Outgoing, crate::render::Error> {
        let named: BTreeSet<_> = members.iter().map(|(_, pupil)| *pupil).collect();
        let named = round.pupils.iter().filter(|pupil| named.contains(&pupil.id));
        let first_names: Vec<&str> = named.map(|pupil| pupil.first_name.as_str()).collect();
        let topic = round.topics.get(&delivery.gathering).map_or("", String::as_str);
        let medium = delivery.channel.medium();
        let words = self.renderer.words(delivery.kind, medium, &first_names, (&round.school, topic))?;
        Ok(Outgoing {
            key: delivery.id.clone(),
            to: delivery.address.clone(),
            subject: words.subject,
            body: words.body,
        })
    }

    fn attempted(&self, delivery: &Delivery) -> Attempted {
        Attempted {
            attempts: delivery.attempts + 1,
            valid_until: delivery.valid_until,
            patience: self.patience(delivery.kind),
            patience_until: delivery.patience_until,
            medium: delivery.channel.medium(),
        }
    }
}

impl Round {
    /// Those about whom there is still something to tell, and the others with the reason.
    fn hold(&self, delivery: &Delivery) -> (BTreeSet<Member>, Vec<(Member, Reason)>) {
        let (mut holding, mut dropped) = (BTreeSet::new(), Vec::new());
        let dealt_with = self.dealt_with.get(&delivery.gathering);
        for row in self.members.get(&delivery.id).into_iter().flatten() {
            let by_person = || dealt_with.is_some_and(|pupils| pupils.contains(&row.member.1));
            match row.withdrawn.or_else(|| by_person().then_some(Reason::HandledByPerson)) {
                None => {
                    holding.insert(row.member);
                }
                Some(reason) => dropped.push((row.member, reason)),
            }
        }
        (holding, dropped)
    }
}

/// A delivery that does not leave. What expired or could not be worded is owed all the same: its
/// contacts go to the next step, which ends with a person. What may have left already stays
/// unknown, because nothing that is learnt now makes it unsaid.
fn stopped(chunk: &Chunk, delivery: &Delivery, halt: Halt, dropped: Vec<(Member, Reason)>) -> Finished {
    let Halt(state, reason) = halt;
    let by_address =
        |(_, reason): &(Member, Reason)| matches!(reason, Reason::AddressGone | Reason::AddressShared);
    let next = match state {
        DeliveryState::Expired | DeliveryState::Failed => Next::Address,
        // The address is gone or shared now, but the contact may still be told otherwise.
        DeliveryState::Skipped if dropped.iter().any(by_address) => Next::Address,
        _ => Next::Nothing,
    };
    let state = if delivery.state == DeliveryState::Unknown { DeliveryState::Unknown } else { state };
    let settled = Settled { next_address: next == Next::Address, ..Settled::at(state, reason.code()) };
    finished(chunk, delivery, settled, drops_of(chunk, delivery, dropped, next))
}

fn finished(chunk: &Chunk, delivery: &Delivery, settled: Settled, dropped: Option<Drops>) -> Finished {
    Finished {
        delivery: delivery.id.clone(),
        school: chunk.school,
        channel: delivery.channel.clone(),
        lane: chunk.lane,
        settled,
        attempts: delivery.attempts,
        started_at: None,
        dropped,
    }
}

fn drops_of(chunk: &Chunk, delivery: &Delivery, members: Vec<(Member, Reason)>, next: Next) -> Option<Drops> {
    if members.is_empty() {
        return None;
    }
    Some(Drops { delivery: delivery.id.clone(), school: chunk.school, kind: delivery.kind, members, next })
}
