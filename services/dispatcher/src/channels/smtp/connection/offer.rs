//! From the envelope to the relay's word that it is ready for the content: until then it has nothing, whatever breaks.
//!
//! A reply is heard for every command that was said, so that none is ever taken for the answer to another.

use super::super::message::DATA;
use super::super::queue::Letter;
use super::super::replies::{Step, judge};
use super::super::wire::{NoReply, Reply};
use super::{Condition, Connection, End};
use crate::channels::{Outcome, why};

const RESET: &str = "RSET\r\n";
/// The relay waits for the content.
const READY: u16 = 354;

/// Whether the envelope of a message has been said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    ToSay,
    Said,
}

impl Connection {
    /// From MAIL to the relay's word that it is ready for the content, and a last look at whether it may leave.
    pub(super) async fn offer(&mut self, letter: &mut Letter, envelope: Envelope) -> Result<(), End> {
        let before = self.condition;
        // Should this future be dropped at any await below, nobody may continue where it stood.
        self.condition = Condition::Broken;
        if self.pipelining {
            self.offer_at_once(letter, envelope, before).await?;
        } else {
            self.offer_step_by_step(letter, before).await?;
        }
        // The relay may have taken its time to say yes. Without the final dot it discards what it was told, and a connection that
        // waits for one can only be closed.
        letter.may_leave().map_err(End::NotSent)?;
        if letter.is_forsaken() { Err(End::Forsaken) } else { Ok(()) }
    }

    async fn offer_at_once(
        &mut self,
        letter: &mut Letter,
        envelope: Envelope,
        before: Condition,
    ) -> Result<(), End> {
        if envelope == Envelope::ToSay {
            let reset = if before == Condition::HalfWay { RESET } else { "" };
            let said = [reset, &letter.written.envelope()].concat();
            let said = self.wire.say(said.as_bytes(), self.patience.command).await;
            said.map_err(unanswered)?;
            if before == Condition::HalfWay && !self.hear(letter).await?.is_positive() {
                return Err(End::LostBefore(why::CONNECTION_LOST));
            }
        }
        for (step, behind) in [(Step::Mail, 2), (Step::Recipient, 1)] {
            let reply = self.hear(letter).await?;
            if !reply.is_positive() {
                let end = self.refused(step, &reply);
                self.hear_out(behind).await;
                return Err(end);
            }
        }
        let reply = self.hear(letter).await?;
        if reply.code == READY { Ok(()) } else { Err(self.refused(Step::Content, &reply)) }
    }

    /// The answers to the commands behind one that was refused, so that none is taken for an answer to something else.
    async fn hear_out(&mut self, behind: usize) {
        for _ in 0..behind {
            if !self.is_usable() {
                return;
            }
            let heard = self.wire.hear(self.patience.command).await;
            // A relay that wants content all the same can only be left.
            if heard.is_ok_and(|reply| reply.code != READY && reply.code != 421) {
                continue;
            }
            self.condition = Condition::Broken;
        }
    }

    async fn offer_step_by_step(&mut self, letter: &mut Letter, before: Condition) -> Result<(), End> {
        if before == Condition::HalfWay && !self.command(letter, RESET).await?.is_positive() {
            return Err(End::LostBefore(why::CONNECTION_LOST));
        }
        for (step, command) in
            [(Step::Mail, letter.written.mail_from()), (Step::Recipient, letter.written.rcpt_to())]
        {
            let reply = self.command(letter, &command).await?;
            if !reply.is_positive() {
                return Err(self.refused(step, &reply));
            }
        }
        if let Err(not_sent) = letter.may_leave() {
            self.condition = Condition::HalfWay;
            return Err(End::NotSent(not_sent));
        }
        let reply = self.command(letter, DATA).await?;
        if reply.code == READY { Ok(()) } else { Err(self.refused(Step::Content, &reply)) }
    }

    async fn command(&mut self, letter: &mut Letter, command: &str) -> Result<Reply, End> {
        let said = self.wire.say(command.as_bytes(), self.patience.command).await;
        said.map_err(unanswered)?;
        self.hear(letter).await
    }

    /// A reply while the relay cannot have taken the message yet.
    async fn hear(&mut self, letter: &mut Letter) -> Result<Reply, End> {
        tokio::select! {
            biased;
            heard = self.wire.hear(self.patience.command) => heard.map_err(unanswered),
            () = letter.forsaken() => Err(End::Forsaken),
        }
    }

    pub(super) fn refused(&mut self, step: Step, reply: &Reply) -> End {
        // A farewell to a connection that idled; the relay may well take a new one.
        if reply.code == 421 && step != Step::Content {
            return End::LostBefore(why::SERVICE_CLOSING.answered(reply.code));
        }
        self.condition = if reply.code == 421 { Condition::Broken } else { Condition::HalfWay };
        End::Known(judge(step, reply))
    }
}

/// Nothing is heard while the relay cannot have taken the message yet.
fn unanswered(silence: NoReply) -> End {
    match silence {
        NoReply::Late => End::Known(Outcome::retry(why::NO_ANSWER)),
        NoReply::Gone | NoReply::Unreadable => End::LostBefore(why::CONNECTION_LOST),
    }
}
