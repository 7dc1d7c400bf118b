//! A round's preparation: what is still worth sending, who may still be told, and in which words.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use kit::store::Commit;
use kit::tasks::NewTask;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::look::Known;
use super::stopped::{Halt, finished, stopped};
use super::{Error, Sender};
use crate::channels::{Found, Medium, Outcome, Outgoing};
use crate::directory::{self, School};
use crate::domain::settle::{Attempted, Settled, resolve, settle};
use crate::domain::{DeliveryState, Reason, Texts, why};
use crate::points;
use crate::routes::Lane;
use crate::store::chunks::{Chunk, Delivery};
use crate::store::drops;
use crate::store::settle::Finished;
use crate::store::uncleared::{self, Uncleared};
use crate::store::waits::collection_not_told;
use crate::store::wordings;

/// After so many messages somebody else may use the processor.
const YIELDS_EVERY: usize = 32;
/// How many messages a provider is asked about at the same time.
const QUESTIONS: usize = 16;

/// A message that may leave, for as long as what it was made from is fresh.
pub(super) struct Ready {
    pub delivery: Delivery,
    pub school: SchoolId,
    pub lane: Lane,
    pub outgoing: Outgoing,
    pub attempted: Attempted,
    /// When the directory was asked.
    pub cleared_at: Instant,
    /// The generation under which it was worded.
    pub generation: i64,
    /// The traces of the facts that it tells.
    pub traces: Vec<Arc<str>>,
    /// Whether its chunk is still ours.
    pub held: Arc<AtomicBool>,
    /// Its round lasts for as long as it holds this.
    pub round: mpsc::Sender<Infallible>,
}

/// What a round is of.
pub(super) struct Round<'a> {
    pub chunk: &'a Chunk,
    pub held: &'a Arc<AtomicBool>,
    pub lasts: mpsc::Sender<Infallible>,
}

/// A round that is prepared.
pub(super) struct Prepared {
    /// What may leave.
    pub ready: Vec<Ready>,
    /// Why the rest waits: the directory is away, and it is about children.
    pub held_up: Option<directory::Error>,
}

impl Sender {
    /// Prepares a round. What will not leave is settled here.
    pub(super) async fn prepare(
        &self,
        Round { chunk, held, lasts }: Round<'_>,
        open: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<Prepared, Error> {
        let live = self.worth_sending(chunk, open).await;
        if live.is_empty() {
            return Ok(Prepared { ready: Vec::new(), held_up: None });
        }
        let round = tokio::select! {
            round = self.look(chunk, &live) => round?,
            // The copy of the generation is followed no more, so nothing may be started.
            () = stop.cancelled() => return Ok(Prepared { ready: Vec::new(), held_up: None }),
        };
        self.store.faults().at(points::CLEARED).await;
        let (mut done, mut ready, mut dropped) = (Vec::new(), Vec::with_capacity(live.len()), Vec::new());
        let (mut uncleared, mut waits, mut unsaid) = (Vec::new(), false, BTreeSet::new());
        let (mut said, mut wordless) = (Vec::new(), Vec::new());
        let is_away = matches!(round.known, Known::Away { .. });
        let now = self.store.clock().now();
        for (place, delivery) in live.into_iter().enumerate() {
            if place % YIELDS_EVERY == 0 {
                tokio::task::yield_now().await;
            }
            if is_away && !delivery.kind.is_about_closing() {
                waits = true;
                continue;
            }
            if let Some(finished) = self.in_quiet_hours(chunk, &delivery, &round.school) {
                done.push(finished);
                continue;
            }
            match self.word(chunk, &delivery, &round) {
                Ok(worded) => {
                    dropped.extend(worded.dropped);
                    said.extend(worded.said);
                    if is_away {
                        let gathering = delivery.gathering.clone();
                        if round.says_where_children_are(&gathering) {
                            unsaid.insert(gathering.clone());
                        }
                        uncleared.push(Uncleared { gathering, members: worded.members });
                    }
                    ready.push(Ready {
                        school: chunk.school,
                        lane: chunk.lane,
                        outgoing: worded.outgoing,
                        attempted: self.attempted(&delivery),
                        cleared_at: round.cleared_at,
                        generation: round.generation,
                        traces: round.traces(&delivery),
                        delivery,
                        held: Arc::clone(held),
                        round: lasts.clone(),
                    });
                }
                Err(finished) => {
                    if !round.is_drill(&delivery) {
                        wordless.extend(no_words(chunk, &delivery, &finished, now));
                    }
                    done.push(*finished);
                }
            }
        }
        if !wordless.is_empty() {
            self.store.commit(wordless.into_iter().fold(Commit::new(), Commit::task)).await?;
        }
        drops::write(&self.store, &dropped, now).await?;
        wordings::write(&self.store, &said).await?;
        let tasks = unsaid.iter().map(|gathering| collection_not_told((chunk.school, gathering), now));
        uncleared::write(&self.store, &uncleared, tasks.collect(), now).await?;
        self.settler.settle_all(done).await;
        let held_up = match round.known {
            Known::Away { error, .. } if waits => Some(error),
            Known::Away { .. } | Known::Cleared(_) => None,
        };
        Ok(Prepared { ready, held_up })
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
                Ok(delivery) => match self.parked(&delivery) {
                    Some(settled) => done.push(finished(chunk, &delivery, settled, None)),
                    None => live.push(delivery),
                },
            }
        }
        self.settler.settle_all(done).await;
        live
    }

    /// What becomes of a message whose provider takes nothing more today: it waits until that is over, but
    /// its contact no longer than the kind's patience.
    fn parked(&self, delivery: &Delivery) -> Option<Settled> {
        let real = self.store.clock().real();
        let until = self.outlets.get(&delivery.channel)?.parked_until(real)?;
        let after = Some(until.duration_since(real).unsigned_abs());
        let outcome = Outcome::Retry { why: why::DAILY_LIMIT, after };
        Some(settle(&self.attempted(delivery), outcome, self.store.clock().now()))
    }

    /// A message that may have left is asked for before anything else becomes of it.
    async fn ask_provider(
        &self,
        chunk: &Chunk,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<Delivery, Box<Finished>> {
        let Some(outlet) = self.outlets.get(&delivery.channel) else { return Ok(delivery) };
        // What stands there as started was started by a process that has ended since.
        if !matches!(delivery.state, DeliveryState::Unknown | DeliveryState::Started) {
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

    /// What becomes of a text whose turn comes in quiet hours, because it was tried before or waited
    /// for others: it is held again, or it comes too late. None when it may go.
    fn in_quiet_hours(&self, chunk: &Chunk, delivery: &Delivery, school: &School) -> Option<Finished> {
        let hours = self.timing.quiet_hours.hours(delivery.kind)?;
        if delivery.channel.medium() != Medium::Text {
            return None;
        }
        match hours.texts(&school.zone, self.store.clock().now(), delivery.valid_until) {
            Texts::Go => None,
            Texts::WaitUntil(end) => {
                // What may have left does not look as if it had not.
                let may_have_left = delivery.state == DeliveryState::Unknown;
                let state = if may_have_left { DeliveryState::Unknown } else { DeliveryState::Held };
                let held = Settled::at(state, Reason::QuietHours.code());
                Some(finished(chunk, delivery, Settled { again_at: Some(end), ..held }, None))
            }
            Texts::ComeTooLate => {
                let halt = Halt(DeliveryState::Expired, Reason::TooLateAfterQuietHours);
                Some(stopped(chunk, delivery, halt, Vec::new()))
            }
        }
    }

    fn attempted(&self, delivery: &Delivery) -> Attempted {
        let route = self.route(delivery.kind);
        Attempted {
            attempts: delivery.attempts + 1,
            valid_until: delivery.valid_until,
            patience: route.patience,
            semantics: route.semantics,
            patience_until: delivery.patience_until,
            medium: delivery.channel.medium(),
        }
    }
}

/// The task about words that there are none of: once for a gathering, because everybody's would fail
/// alike. Whoever is not told otherwise is on a list of their own, but for what is no safety.
fn no_words(chunk: &Chunk, delivery: &Delivery, finished: &Finished, now: Timestamp) -> Option<NewTask> {
    let own = [Reason::CannotBeWorded, Reason::TextTooLong];
    let reason = own.into_iter().find(|reason| reason.code() == finished.settled.code)?;
    let due = (now, SignedDuration::from_mins(30));
    let task = NewTask::new(chunk.school, "cannot_be_worded", Role::Office, due)
        .about([delivery.gathering.clone()])
        .because(format!("{}: say it in other words, or tell it otherwise", reason.sentence()))
        .once(format!("cannot_be_worded:{}:{}", delivery.gathering, reason.code()));
    Some(task)
}
