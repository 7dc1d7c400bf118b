//! After the final dot: whether a mail is taken, and what the client gets to hear.
//!
//! Called by the session. Everything that [`behaviour`](crate::behaviour) told the server to do wrong happens here, except
//! for dead and greylisted mailboxes. A mail is in the witness log before its verdict is known to the session.

use super::Server;
use super::bounces::Returned;
use super::mail::Mail;
use crate::behaviour::{Effect, Returns};
use crate::clock;
use crate::log::{self, Accepted, Event, Medium, Provider, Refused, Will};
use crate::world::{World, provider_id};

/// Who a mail is from and to, as the dialogue says it.
#[derive(Default)]
pub(super) struct Envelope {
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
}

/// What becomes of the dialogue after the final dot.
pub(super) enum Verdict {
    /// Say this.
    Answer(String),
    /// Say nothing, and keep the connection.
    Silence,
    /// Say nothing, and close the connection.
    HangUp,
}

/// Takes a mail or does what was told instead.
pub(super) async fn judge(server: &Server, envelope: &Envelope, raw: &[u8]) -> Verdict {
    let (world, recipients) = (&*server.world, envelope.recipients.as_slice());
    world.dawdle(Provider::Smtp).await;
    let then = match world.behaviours.next(Provider::Smtp) {
        Some(Effect::Refuse { status, text }) => {
            let usual = if status < 500 { "4.3.0 Told to refuse this" } else { "5.3.0 Told to refuse this" };
            return refuse(world, recipients, status, text.as_deref().unwrap_or(usual));
        }
        Some(Effect::RateLimited) => return refuse(world, recipients, 450, "4.7.1 Too many mails"),
        Some(Effect::DailyLimitReached) => {
            return refuse(world, recipients, 550, "5.4.5 Daily quota is used up");
        }
        Some(Effect::TimeOutBefore) => return Verdict::Silence,
        Some(Effect::TimeOutAfter) => Some(Verdict::Silence),
        Some(Effect::Drop) => Some(Verdict::HangUp),
        None => None,
    };
    match accept(server, envelope, raw) {
        Ok(id) => then.unwrap_or_else(|| Verdict::Answer(format!("250 2.0.0 Ok: queued as {id}"))),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the witness log could not be written");
            Verdict::Answer("451 4.3.0 Try again".to_owned())
        }
    }
}

fn accept(server: &Server, envelope: &Envelope, raw: &[u8]) -> Result<String, log::Error> {
    let now = clock::now();
    let id = provider_id(now).to_string();
    let mail = Mail::read(raw);
    for to in &envelope.recipients {
        let returns = server.world.behaviours.returns(to);
        let will = match returns {
            Some(Returns::NoSuchMailbox | Returns::GivenUp) => Will::Fail,
            Some(Returns::Delayed) | None => Will::Deliver,
        };
        let accepted = Accepted {
            channel: Medium::Email,
            provider: Provider::Smtp,
            to: to.clone(),
            from: mail.from.clone(),
            subject: mail.subject.clone(),
            body: mail.body.clone(),
            reference: None,
            message_id: mail.message_id.clone(),
            id: id.clone(),
            will,
        };
        server.world.witness.record(Event::Accepted(accepted), now)?;
        if let Some(returns) = returns {
            let (id, sender, to) = (id.clone(), envelope.sender.clone(), to.clone());
            server.postman.promise(Returned { id, sender, to, headers: headers(raw), returns });
        }
    }
    Ok(id)
}

fn headers(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.split_once("\r\n\r\n").map_or_else(String::new, |(headers, _)| headers.to_owned())
}

/// Refuses a mail for all its recipients.
pub(super) fn refuse(world: &World, recipients: &[String], status: u16, text: &str) -> Verdict {
    for to in recipients {
        world.refused(refusal(to, status, text));
    }
    Verdict::Answer(format!("{status} {text}"))
}

/// A recipient's refusal, for the witness log.
pub(super) fn refusal(to: &str, status: u16, why: &str) -> Refused {
    Refused {
        channel: Medium::Email,
        provider: Provider::Smtp,
        to: Some(to.to_owned()),
        reference: None,
        status,
        why: why.to_owned(),
    }
}
