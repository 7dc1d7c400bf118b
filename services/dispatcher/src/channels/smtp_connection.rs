//! One SMTP connection: opened, encrypted, authenticated, and driven step by step, so that it is known how far a message got.
//!
//! Where the relay offers PIPELINING (RFC 2920), the envelope goes in one write, and the envelope of the next message in the write that
//! ends the one before; else command by command. What has been answered after the final dot is accepted. A connection that is lost
//! before the dot has left has carried nothing; after it, nobody here knows. See [`Carried`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::{Instant, timeout};

use super::smtp_message::{FINAL_DOT, Written};
use super::smtp_queue::{Letter, Queue};
use super::smtp_replies::{Step, judge};
use super::smtp_stream::{Dialer, Encryption, Starts, Stream};
use super::smtp_wire::{NoReply, Reply, Wire};
use super::{NotSent, Outcome, Secret, Why, why};

/// How long each part of the dialogue may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) command: Duration,
    /// For the answer to the final dot. RFC 5321 §4.5.3.2.6 asks for ten minutes, since impatience makes duplicates.
    pub(super) acceptance: Duration,
}

/// Who logs in.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// How long a message whose envelope has gone ahead waits for the answer to the one before, until it takes another way.
const BEHIND_ANOTHER: Duration = Duration::from_secs(1);

/// An authenticated connection.
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

/// Whether the envelope of a message has been said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Envelope {
    ToSay,
    Said,
}

impl Connection {
    pub(super) async fn open(
        dialer: &Dialer,
        credentials: Option<&Credentials>,
        patience: Patience,
    ) -> Result<Self, Why> {
        let (wire, offers) = greet(dialer, patience).await?;
        let pipelining = offers.iter().any(|offer| offer.eq_ignore_ascii_case("PIPELINING"));
        let mut connection = Self { wire, patience, pipelining, condition: Condition::Clean };
        if let Some(credentials) = credentials {
            connection.log_in(credentials, &offers).await?;
        }
        Ok(connection)
    }

    pub(super) fn is_usable(&self) -> bool {
        self.condition != Condition::Broken
    }

    /// Asks whether the relay is still there.
    pub(super) async fn is_there(&mut self) -> bool {
        let before = std::mem::replace(&mut self.condition, Condition::Broken);
        let heard = self.ask("NOOP\r\n").await;
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
            let _ = timeout(Duration::from_secs(1), self.ask("QUIT\r\n")).await;
        }
    }

    async fn ask(&mut self, command: &str) -> Result<Reply, NoReply> {
        let patience = self.patience.command;
        self.wire.say(command.as_bytes(), patience).await?;
        self.wire.hear(patience).await
    }

    async fn log_in(&mut self, credentials: &Credentials, offers: &[String]) -> Result<(), Why> {
        let offered = |mechanism: &str| {
            let auth = offers.iter().filter_map(|offer| {
                let (keyword, mechanisms) = offer.split_once([' ', '='])?;
                keyword.eq_ignore_ascii_case("AUTH").then_some(mechanisms)
            });
            auth.flat_map(str::split_whitespace).any(|given| given.eq_ignore_ascii_case(mechanism))
        };
        let Credentials { user, password } = credentials;
        let password = password.reveal();
        let turns = if offered("PLAIN") {
            vec![format!("AUTH PLAIN {}\r\n", STANDARD.encode(format!("\0{user}\0{password}")))]
        } else if offered("LOGIN") {
            let line = |text: &str| format!("{}\r\n", STANDARD.encode(text));
            vec!["AUTH LOGIN\r\n".to_owned(), line(user), line(password)]
        } else {
            return Err(why::CREDENTIALS);
        };
        let mut left = turns.len();
        for turn in &turns {
            let reply = self.ask(turn).await.map_err(unheard)?;
            left -= 1;
            match reply.code {
                235 if left == 0 => return Ok(()),
                334 if left > 0 => {}
                421 => return Err(why::SERVICE_CLOSING.answered(421)),
                code => return Err(why::CREDENTIALS.answered(code)),
            }
        }
        Err(why::CREDENTIALS)
    }

    /// Carries a letter, and those that wait when it is about to end, as far as the relay lets one follow the other; at most
    /// `most`. Tells their senders what became of them.
    pub(super) async fn carry(&mut self, first: Letter, queue: &Queue, most: usize) -> Carried {
        let (mut letter, mut envelope, mut messages) = (first, Envelope::ToSay, 0);
        loop {
            messages += 1;
            let (end, next) = match self.offer(&mut letter, envelope).await {
                Ok(()) => {
                    let next = if self.pipelining && messages < most { queue.take() } else { None };
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

    /// From MAIL to the relay's word that it is ready for the content, and a last look at whether it may leave.
    async fn offer(&mut self, letter: &mut Letter, envelope: Envelope) -> Result<(), End> {
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
            let said = [reset, &envelope_of(&letter.written)].concat();
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
            [(Step::Mail, mail_from(&letter.written)), (Step::Recipient, rcpt_to(&letter.written))]
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

    fn refused(&mut self, step: Step, reply: &Reply) -> End {
        // A farewell to a connection that idled; the relay may well take a new one.
        if reply.code == 421 && step != Step::Content {
            return End::LostBefore(why::SERVICE_CLOSING.answered(reply.code));
        }
        self.condition = if reply.code == 421 { Condition::Broken } else { Condition::HalfWay };
        End::Known(judge(step, reply))
    }

    /// The content with its final dot, and the answer to it. With it goes the envelope of a next one, which is given back where it can
    /// go on: to [`offer`](Self::offer), or to another connection.
    async fn hand_over(&mut self, letter: &mut Letter, next: Option<Letter>) -> (End, Option<Letter>) {
        let mut content = std::mem::take(&mut letter.written.content);
        let dot_at = content.len().saturating_sub(FINAL_DOT.len());
        let is_ahead = next.is_some();
        if let Some(next) = &next {
            content.extend_from_slice(envelope_of(&next.written).as_bytes());
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

const RESET: &str = "RSET\r\n";
const DATA: &str = "DATA\r\n";
/// The relay waits for the content.
const READY: u16 = 354;

fn mail_from(written: &Written) -> String {
    format!("MAIL FROM:<{}>\r\n", written.return_path)
}

fn rcpt_to(written: &Written) -> String {
    format!("RCPT TO:<{}>\r\n", written.recipient)
}

fn envelope_of(written: &Written) -> String {
    [&mail_from(written), &rcpt_to(written), DATA].concat()
}

/// Nothing is heard while the relay cannot have taken the message yet.
fn unanswered(silence: NoReply) -> End {
    match silence {
        NoReply::Late => End::Known(Outcome::retry(why::NO_ANSWER)),
        NoReply::Gone | NoReply::Unreadable => End::LostBefore(why::CONNECTION_LOST),
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

/// From the first byte to what the relay offers, encrypted where it is to be.
async fn greet(dialer: &Dialer, patience: Patience) -> Result<(Wire, Vec<String>), Why> {
    let dialing = timeout(patience.connect, dialer.dial()).await;
    let mut stream = dialing.map_err(|_| why::UNREACHABLE)?.map_err(|_| why::UNREACHABLE)?;
    let starts = dialer.encryption.as_ref().map(|encryption| (encryption, encryption.starts));
    if let Some((encryption, Starts::WithTheFirstByte)) = starts {
        stream = encrypt(encryption, stream, patience).await?;
    }
    let mut wire = Wire::new(stream);
    positive(&wire.hear(patience.command).await.map_err(unheard)?)?;
    let mut offers = hello(&mut wire, dialer, patience).await?;
    if let Some((encryption, Starts::AfterStarttls)) = starts {
        if !offers.iter().any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
            return Err(why::TLS);
        }
        wire.say(b"STARTTLS\r\n", patience.command).await.map_err(unheard)?;
        positive(&wire.hear(patience.command).await.map_err(unheard)?)?;
        let stream = wire.into_stream().ok_or(why::TLS)?;
        wire = Wire::new(encrypt(encryption, stream, patience).await?);
        // What was offered in plain text may have been a stranger's.
        offers = hello(&mut wire, dialer, patience).await?;
    }
    Ok((wire, offers))
}

async fn encrypt(
    encryption: &Encryption,
    stream: Box<dyn Stream>,
    patience: Patience,
) -> Result<Box<dyn Stream>, Why> {
    let shaking_hands = timeout(patience.connect, encryption.encrypt(stream)).await;
    shaking_hands.map_err(|_| why::UNREACHABLE)?.map_err(|cause| {
        // Says what is wrong with a certificate; nothing of a message has been said yet.
        tracing::warn!(channel = "email.smtp", error = %cause, "the relay's encryption cannot be trusted");
        why::TLS
    })
}

/// What the relay offers, a line each.
async fn hello(wire: &mut Wire, dialer: &Dialer, patience: Patience) -> Result<Vec<String>, Why> {
    let hello = format!("EHLO {}\r\n", dialer.hello_name);
    wire.say(hello.as_bytes(), patience.command).await.map_err(unheard)?;
    let mut reply = wire.hear(patience.command).await.map_err(unheard)?;
    positive(&reply)?;
    Ok(reply.lines.split_off(1))
}

fn positive(reply: &Reply) -> Result<(), Why> {
    match reply.code {
        200..300 => Ok(()),
        421 => Err(why::SERVICE_CLOSING.answered(421)),
        code => Err(why::TRY_LATER.answered(code)),
    }
}

/// Nothing is heard while nothing of a message has been said.
fn unheard(silence: NoReply) -> Why {
    match silence {
        NoReply::Late => why::NO_ANSWER,
        NoReply::Gone => why::CONNECTION_LOST,
        NoReply::Unreadable => why::WRONG_ENDPOINT,
    }
}
