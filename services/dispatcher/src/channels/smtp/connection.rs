//! One SMTP connection, driven step by step, so that it is known how far a message got.
//!
//! Where the relay offers PIPELINING (RFC 2920), the envelope goes in one write, and the envelope of the next message in the write that
//! ends the one before; else command by command. What has been answered after the final dot is accepted. A connection that is lost
//! before the dot has left has carried nothing; after it, nobody here knows. See [`Carried`].

mod offer;

use std::time::Duration;

use tokio::time::Instant;

use self::offer::Envelope;
use super::greeting::{Access, Patience, greet};
use super::message::FINAL_DOT;
use super::queue::{Carries, Letter, Queue};
use super::replies::Step;
use super::wire::{NoReply, Reply, Wire};
use crate::channels::{NotSent, Outcome, Why, why};

/// How long a message whose envelope has gone ahead waits for the answer to the one before, until it takes another way.
const BEHIND_ANOTHER: Duration = Duration::from_secs(1);

/// How long a relay may take to answer to a farewell.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A connection that is ready for messages.
pub(super) struct Connection {
    wire: Wire,
    patience: Patience,
    pipelining: bool,
    condition: Condition,
}

/// What a connection may be used for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// For a new message.
    Clean,
    /// A message was refused half-way: RSET first.
    HalfWay,
    /// For nothing: it is closed, out of step, or its user went away in the middle of a step.
    Broken,
}

/// How a run of messages over one connection ended.
pub(super) struct Carried {
    /// How many were begun.
    pub(super) messages: usize,
    /// The one that the relay could not yet have taken when the connection broke, and how it broke.
    pub(super) lost: Option<(Letter, Why)>,
}

/// How one message ended.
enum End {
    Known(Outcome),
    NotSent(NotSent),
    LostBefore(Why),
    /// Nobody waits for it any more; the connection is left in the middle of it.
    Forsaken,
}

impl Connection {
    /// A connection that is ready for a message.
    pub(super) async fn open(access: &Access) -> Result<Self, Why> {
        let (wire, offers) = greet(access).await?;
        let pipelining = offers.has("PIPELINING");
        Ok(Self { wire, patience: access.patience, pipelining, condition: Condition::Clean })
    }

    pub(super) fn is_usable(&self) -> bool {
        self.condition != Condition::Broken
    }

    /// Asks whether the relay is still there.
    pub(super) async fn is_there(&mut self) -> bool {
        let before = std::mem::replace(&mut self.condition, Condition::Broken);
        let heard = self.wire.ask("NOOP\r\n", self.patience.command).await;
        let is_there = heard.is_ok_and(|reply| reply.is_positive());
        if is_there {
            self.condition = before;
        }
        is_there
    }

    /// Takes leave of a healthy connection; the relay may not answer, which is no matter.
    pub(super) async fn quit(&mut self) {
        if self.is_usable() {
            self.condition = Condition::Broken;
            let _ = self.wire.ask("QUIT\r\n", LAST_WORDS).await;
        }
    }

    /// Carries a letter, and those that wait when it is about to end, as far as the relay lets one follow the other; at most
    /// `most`. Tells their senders what became of them.
    pub(super) async fn carry(
        &mut self,
        first: Letter,
        (queue, carries): (&Queue, Carries),
        most: usize,
    ) -> Carried {
        let (mut letter, mut envelope, mut messages) = (first, Envelope::ToSay, 0);
        loop {
            messages += 1;
            let (end, next) = match self.offer(&mut letter, envelope).await {
                Ok(()) => {
                    let next = if self.pipelining && messages < most { queue.take(carries) } else { None };
                    self.hand_over(&mut letter, next).await
                }
                Err(end) => (end, None),
            };
            match end {
                End::Known(outcome) => letter.end(Ok(outcome)),
                End::NotSent(not_sent) => letter.end(Err(not_sent)),
                End::LostBefore(why) => {
                    // The envelope of a next one goes out only with the whole of this.
                    if let Some(next) = next {
                        next.end(Err(NotSent::NoTurn));
                    }
                    return Carried { messages, lost: Some((letter, why)) };
                }
                End::Forsaken => {}
            }
            let Some(next) = next else { return Carried { messages, lost: None } };
            if !self.is_usable() {
                return Carried { messages, lost: Some((next, why::CONNECTION_LOST)) };
            }
            (letter, envelope) = (next, Envelope::Said);
        }
    }

    /// The content with its final dot, and the answer to it. With it goes the envelope of a next one, which is given back where it can
    /// go on: to [`offer`](Self::offer), or to another connection.
    async fn hand_over(&mut self, letter: &mut Letter, next: Option<Letter>) -> (End, Option<Letter>) {
        let mut content = std::mem::take(&mut letter.written.content);
        let dot_at = content.len().saturating_sub(FINAL_DOT.len());
        let is_ahead = next.is_some();
        if let Some(next) = &next {
            content.extend_from_slice(next.written.envelope().as_bytes());
        }
        let until = Instant::now() + self.patience.acceptance;
        if let Err(silence) = self.wire.say(&content, self.patience.acceptance).await {
            // It may be carried again.
            content.truncate(dot_at + FINAL_DOT.len());
            letter.written.content = content;
            let end = if self.wire.taken() <= dot_at {
                End::LostBefore(why::CONNECTION_LOST)
            } else {
                End::Known(unknown(silence))
            };
            return (end, next);
        }
        let mut next = next;
        let end = match self.hear_beside(letter, &mut next, until).await {
            None => End::Forsaken,
            Some(Err(silence)) => End::Known(unknown(silence)),
            Some(Ok(reply)) if reply.is_positive() => {
                self.condition = Condition::Clean;
                End::Known(Outcome::Accepted { reference: letter.written.message_id.clone() })
            }
            Some(Ok(reply)) if reply.code < 400 => {
                End::Known(Outcome::Unknown { why: why::ANSWER_UNREADABLE })
            }
            Some(Ok(reply)) => self.refused(Step::Content, &reply),
        };
        if is_ahead && next.is_none() {
            // The relay has an envelope that nobody goes on with.
            self.condition = Condition::Broken;
        }
        (end, next)
    }

    /// The answer to the final dot; `None` when nobody waits for it any more. A next message does not wait long for it.
    async fn hear_beside(
        &mut self,
        letter: &mut Letter,
        next: &mut Option<Letter>,
        until: Instant,
    ) -> Option<Result<Reply, NoReply>> {
        let wire = &mut self.wire;
        let hearing = async {
            if next.is_some() {
                match wire.hear(BEHIND_ANOTHER.min(until.duration_since(Instant::now()))).await {
                    Err(NoReply::Late) => {}
                    heard => return heard,
                }
                if let Some(next) = next.take() {
                    next.end(Err(NotSent::NoTurn));
                }
            }
            wire.hear(until.duration_since(Instant::now())).await
        };
        tokio::select! {
            biased;
            heard = hearing => Some(heard),
            () = letter.forsaken() => None,
        }
    }
}

/// Nothing is heard after the final dot may have left.
fn unknown(silence: NoReply) -> Outcome {
    match silence {
        NoReply::Late => Outcome::Unknown { why: why::NO_ANSWER },
        NoReply::Gone => Outcome::Unknown { why: why::ANSWER_LOST },
        NoReply::Unreadable => Outcome::Unknown { why: why::ANSWER_UNREADABLE },
    }
}
