//! One SMTP connection: opened, authenticated, and driven step by step, so that it is known how far a message got.
//!
//! lettre speaks the protocol over our stream. Its `send` is not used, because it says neither at which step a message failed nor
//! whether the final dot had left, and that is what tells a safe repetition from an unknown fate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use super::smtp_message::Written;
use super::smtp_replies::{Reply, Step, judge};
use super::smtp_stream::{self, Dialer};
use super::{Leave, NotSent, Outcome, Why, why};

/// How long each part of the dialogue may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) command: Duration,
    /// For the answer to the final dot. RFC 5321 §4.5.3.2.6 asks for ten minutes, since impatience makes duplicates.
    pub(super) acceptance: Duration,
}

/// An authenticated connection.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    patience: Patience,
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

/// How an attempt on one connection ended.
pub(super) enum Attempt {
    Settled(Outcome),
    /// The message may not leave any more, and has not.
    NotSent(NotSent),
    /// The connection broke while the relay could not yet have taken the message.
    LostBefore(Why),
}

impl Connection {
    pub(super) async fn open(
        dialer: &Dialer,
        credentials: Option<&Credentials>,
        patience: Patience,
    ) -> Result<Self, Why> {
        let stream = match timeout(patience.connect, dialer.dial()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(reason(&error)),
            Err(_) => return Err(why::UNREACHABLE),
        };
        let hello = ClientId::Domain(dialer.hello_name.clone());
        let opening = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello);
        let mut smtp =
            within(patience.command, opening).await.map_err(|broken| broken.refused(why::TRY_LATER))?;
        if let Some(credentials) = credentials {
            let login = smtp.auth(&[Mechanism::Plain, Mechanism::Login], credentials);
            within(patience.command, login).await.map_err(|broken| match broken {
                // No mechanism in common, or a challenge that never ends, is as much a matter of credentials as a refusal.
                Broken::Smtp(error) if error.is_client() || error.is_response() => why::CREDENTIALS,
                broken => broken.refused(why::CREDENTIALS),
            })?;
        }
        Ok(Self { smtp, patience, condition: Condition::Clean })
    }

    /// Whether the next message may go over it. An idle one is asked; a half-way one is reset.
    pub(super) async fn freshen(&mut self, idle: Idle) -> bool {
        let patience = self.patience.command;
        match (self.condition, idle) {
            (Condition::Broken, _) => false,
            (Condition::Clean, Idle::Briefly) => true,
            (Condition::Clean, Idle::Long) => within(patience, self.smtp.command(Noop)).await.is_ok(),
            (Condition::HalfWay, _) => {
                let reset = within(patience, self.smtp.command(Rset)).await.is_ok();
                if reset {
                    self.condition = Condition::Clean;
                }
                reset
            }
        }
    }

    /// Takes leave of a healthy connection; the relay may not answer, which is no matter.
    pub(super) async fn quit(&mut self) {
        if self.condition != Condition::Broken {
            self.condition = Condition::Broken;
            let _ = timeout(Duration::from_secs(1), self.smtp.quit()).await;
        }
    }

    /// Hands over one message, if it may still leave when the relay is ready to take it.
    pub(super) async fn deliver(&mut self, from: &Address, message: &Written, leave: &Leave) -> Attempt {
        // Should our caller go away at any await below, nobody may continue where it stood.
        self.condition = Condition::Broken;
        let patience = self.patience.command;
        let mail = Mail::new(Some(from.clone()), Vec::new());
        if let Err(broken) = within(patience, self.smtp.command(mail)).await {
            return self.failed(Step::Mail, broken);
        }
        let recipient = Rcpt::new(message.recipient.clone(), Vec::new());
        if let Err(broken) = within(patience, self.smtp.command(recipient)).await {
            return self.failed(Step::Recipient, broken);
        }
        if let Err(not_sent) = leave.ask() {
            self.condition = Condition::HalfWay;
            return Attempt::NotSent(not_sent);
        }
        if let Err(broken) = within(patience, self.smtp.command(Data)).await {
            return self.failed(Step::Content, broken);
        }
        // The relay may have taken its time to say yes. Without the final dot it discards what it was told, and a connection that
        // waits for one can only be closed.
        if let Err(not_sent) = leave.ask() {
            return Attempt::NotSent(not_sent);
        }
        self.content(message).await
    }

    async fn content(&mut self, message: &Written) -> Attempt {
        // lettre asks for the next part only when the last one is written, and then writes the final dot.
        let written = AtomicBool::new(false);
        let mut parts = std::iter::once(message.bytes.as_slice());
        let parts = std::iter::from_fn(|| {
            let part = parts.next();
            written.store(part.is_none(), Ordering::Relaxed);
            part
        });
        match within(self.patience.acceptance, self.smtp.message_iter(parts)).await {
            Ok(_) => {
                self.condition = Condition::Clean;
                Attempt::Settled(Outcome::Accepted { reference: message.message_id.clone() })
            }
            Err(Broken::Smtp(error)) if Reply::of(&error).is_some() => {
                self.failed(Step::Content, Broken::Smtp(error))
            }
            Err(_) if !written.load(Ordering::Relaxed) => Attempt::LostBefore(why::CONNECTION_LOST),
            Err(Broken::TimedOut) => Attempt::Settled(Outcome::Unknown { why: why::NO_ANSWER }),
            Err(Broken::Smtp(_)) => Attempt::Settled(Outcome::Unknown { why: why::ANSWER_LOST }),
        }
    }

    fn failed(&mut self, step: Step, broken: Broken) -> Attempt {
        match broken {
            Broken::TimedOut => Attempt::Settled(Outcome::retry(why::NO_ANSWER)),
            Broken::Smtp(error) => match Reply::of(&error) {
                // A farewell to a connection that idled; the relay may well take a new one.
                Some(reply) if reply.code == 421 && step != Step::Content => {
                    Attempt::LostBefore(why::SERVICE_CLOSING.answered(reply.code))
                }
                Some(reply) => {
                    self.condition = if reply.code == 421 { Condition::Broken } else { Condition::HalfWay };
                    Attempt::Settled(judge(step, reply))
                }
                None => Attempt::LostBefore(why::CONNECTION_LOST),
            },
        }
    }
}

/// How long a connection has been waiting in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    Briefly,
    Long,
}

enum Broken {
    TimedOut,
    Smtp(SmtpError),
}

impl Broken {
    /// The reason while nothing of a message has been said; `refused` stands for a negative reply.
    fn refused(self, refused: Why) -> Why {
        match self {
            Self::TimedOut => why::NO_ANSWER,
            Self::Smtp(error) => match Reply::of(&error) {
                Some(reply) if reply.code == 421 => why::SERVICE_CLOSING.answered(reply.code),
                Some(reply) => refused.answered(reply.code),
                None => why::CONNECTION_LOST,
            },
        }
    }
}

async fn within<T>(
    patience: Duration,
    step: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Broken> {
    timeout(patience, step).await.map_err(|_| Broken::TimedOut)?.map_err(Broken::Smtp)
}

fn reason(error: &smtp_stream::Error) -> Why {
    match error {
        smtp_stream::Error::Unreachable(_) => why::UNREACHABLE,
        smtp_stream::Error::Tls(cause) => {
            // Says what is wrong with a certificate; nothing of a message has been said yet.
            tracing::warn!(channel = "email.smtp", error = %cause, "the relay's encryption cannot be trusted");
            why::TLS
        }
        smtp_stream::Error::NotOffered | smtp_stream::Error::Injected => why::TLS,
        smtp_stream::Error::Refused(status) => why::TRY_LATER.answered(*status),
        smtp_stream::Error::Unreadable => why::WRONG_ENDPOINT,
    }
}
