//! One SMTP dialogue: which command may follow which, and what is answered.
//!
//! Called once per connection, and once more after STARTTLS, when everything said before is forgotten. Order is enforced
//! with 503. Dead and greylisted mailboxes are refused at RCPT; all other misbehaviour comes at the final dot.

use std::io;
use std::sync::Arc;

use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, Error, MailFrom, Request};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{Connection, Received};
use super::delivery::{self, Envelope, Verdict};
use super::{LARGEST_MAIL, Server, TlsMode, sasl};
use crate::behaviour::Failure;

/// The most recipients of one mail.
const MOST_RECIPIENTS: usize = 100;

/// How a dialogue ended.
pub(super) enum Ended {
    Closed,
    /// The client was told to go ahead with TLS.
    StartTls,
}

/// Who speaks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// We do, as on every new connection.
    Banner,
    /// The client does, as after STARTTLS.
    Client,
}

pub(super) struct Session<'a> {
    server: &'a Server,
    encrypted: bool,
    introduced: bool,
    authenticated: bool,
    /// Sender and recipients since MAIL; `None` outside a mail.
    envelope: Option<Envelope>,
}

/// What to do after a reply was written.
enum Next {
    Command,
    Data,
    Authenticate { mechanism: u64, initial: String },
    StartTls,
    Close,
}

impl<'a> Session<'a> {
    /// A dialogue on a fresh, plain connection.
    pub(super) fn new(server: &'a Server) -> Self {
        Self { server, encrypted: false, introduced: false, authenticated: false, envelope: None }
    }

    /// A dialogue on an encrypted connection.
    pub(super) fn encrypted(server: &'a Server) -> Self {
        Self { encrypted: true, ..Self::new(server) }
    }

    pub(super) async fn run<S>(mut self, stream: &mut S, opening: Opening) -> io::Result<Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut connection = Connection::new(stream);
        if opening == Opening::Banner {
            connection.reply("220 mail.example.org ESMTP the simulated world");
        }
        while let Some(line) = connection.line().await? {
            let (reply, next) = self.command(&line);
            if !reply.is_empty() {
                connection.reply(&reply);
            }
            match next {
                Next::Command => {}
                Next::Data => {
                    if !self.data(&mut connection).await? {
                        return Ok(Ended::Closed);
                    }
                }
                Next::Authenticate { mechanism, initial } => {
                    self.authenticate(&mut connection, mechanism, initial).await?;
                }
                Next::StartTls => {
                    connection.forget_input();
                    connection.flush().await?;
                    return Ok(Ended::StartTls);
                }
                Next::Close => {
                    connection.flush().await?;
                    return Ok(Ended::Closed);
                }
            }
        }
        Ok(Ended::Closed)
    }

    fn command(&mut self, line: &[u8]) -> (String, Next) {
        let request = match Request::parse(&mut line.iter()) {
            Ok(request) => request.into_owned(),
            Err(error) => return (fault(&error).to_owned(), Next::Command),
        };
        let reply = match request {
            Request::Ehlo { .. } => {
                self.introduce();
                self.extensions()
            }
            Request::Helo { .. } => {
                self.introduce();
                "250 mail.example.org".to_owned()
            }
            Request::Mail { from } => self.mail_from(&from).to_owned(),
            Request::Rcpt { to } => self.recipient(&to.address.to_lowercase()).to_owned(),
            Request::Data => match self.envelope.as_ref().map(|envelope| envelope.recipients.as_slice()) {
                None => "503 5.5.1 MAIL first".to_owned(),
                Some([]) => "503 5.5.1 RCPT first".to_owned(),
                Some(_) => return ("354 End with a dot on a line of its own".to_owned(), Next::Data),
            },
            Request::Rset => {
                self.envelope = None;
                "250 2.0.0 Ok".to_owned()
            }
            Request::Noop { .. } => "250 2.0.0 Ok".to_owned(),
            Request::Vrfy { .. } => "252 2.5.2 Send some mail, and see".to_owned(),
            Request::Quit => return ("221 2.0.0 Bye".to_owned(), Next::Close),
            Request::StartTls if self.offers_start_tls() => {
                return ("220 2.0.0 Go ahead".to_owned(), Next::StartTls);
            }
            Request::Auth { mechanism, initial_response } => match self.may_authenticate(mechanism) {
                Ok(()) => {
                    let initial = initial_response;
                    return (String::new(), Next::Authenticate { mechanism, initial });
                }
                Err(reply) => reply.to_owned(),
            },
            Request::StartTls
            | Request::Lhlo { .. }
            | Request::Bdat { .. }
            | Request::Expn { .. }
            | Request::Help { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. } => "502 5.5.1 Not offered here".to_owned(),
        };
        (reply, Next::Command)
    }

    fn introduce(&mut self) {
        self.introduced = true;
        self.envelope = None;
    }

    fn extensions(&self) -> String {
        let mut lines = vec![
            "mail.example.org".to_owned(),
            "PIPELINING".to_owned(),
            "8BITMIME".to_owned(),
            "SMTPUTF8".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
            format!("SIZE {LARGEST_MAIL}"),
        ];
        if self.offers_start_tls() {
            lines.push("STARTTLS".to_owned());
        }
        if self.offers_login() {
            lines.push("AUTH PLAIN LOGIN".to_owned());
        }
        let last = lines.pop().unwrap_or_default();
        lines.iter().rev().fold(format!("250 {last}"), |after, line| format!("250-{line}\r\n{after}"))
    }

    fn offers_start_tls(&self) -> bool {
        !self.encrypted && self.server.tls.as_ref().is_some_and(|tls| tls.mode == TlsMode::StartTls)
    }

    /// A password is asked for only where nobody can listen, or where there is no encryption at all.
    fn offers_login(&self) -> bool {
        self.server.login.is_some() && !self.offers_start_tls()
    }

    fn may_authenticate(&self, mechanism: u64) -> Result<(), &'static str> {
        if self.offers_start_tls() && self.server.login.is_some() {
            Err("538 5.7.11 STARTTLS first")
        } else if !self.introduced || self.authenticated || self.envelope.is_some() || !self.offers_login() {
            Err("503 5.5.1 Not now")
        } else if mechanism == AUTH_PLAIN || mechanism == AUTH_LOGIN {
            Ok(())
        } else {
            Err("504 5.5.4 PLAIN or LOGIN")
        }
    }

    async fn authenticate<S>(
        &mut self,
        connection: &mut Connection<'_, S>,
        mechanism: u64,
        initial: String,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(login) = &self.server.login else { return Ok(()) };
        let question = if mechanism == AUTH_PLAIN { "334 " } else { sasl::ASK_USER };
        let first = if initial.is_empty() { connection.ask(question).await? } else { initial };
        let right = if mechanism == AUTH_PLAIN {
            sasl::plain_is(login, &first)
        } else {
            let second = connection.ask(sasl::ASK_PASSWORD).await?;
            sasl::login_is(login, &first, &second)
        };
        self.authenticated = right;
        connection.reply(if right { "235 2.7.0 Welcome" } else { "535 5.7.8 User or password is wrong" });
        Ok(())
    }

    fn mail_from(&mut self, from: &MailFrom<String>) -> &'static str {
        if !self.introduced {
            "503 5.5.1 EHLO first"
        } else if self.server.login.is_some() && !self.authenticated {
            "530 5.7.0 Authentication required"
        } else if self.envelope.is_some() {
            "503 5.5.1 One mail at a time"
        } else if from.size > LARGEST_MAIL {
            "552 5.3.4 Too large"
        } else {
            self.envelope = Some(Envelope { sender: from.address.clone(), recipients: Vec::new() });
            "250 2.1.0 Ok"
        }
    }

    fn recipient(&mut self, to: &str) -> &'static str {
        let world = Arc::clone(&self.server.world);
        let behaviours = &world.behaviours;
        let recipients = self.envelope.as_mut().map(|envelope| &mut envelope.recipients);
        let (failure, status, reply) = match recipients {
            None => return "503 5.5.1 MAIL first",
            Some(recipients) if recipients.len() >= MOST_RECIPIENTS => return "452 4.5.3 Too many recipients",
            Some(recipients) => match behaviours.failure(to) {
                Some(Failure::Permanent) => ("5.1.1 no such mailbox", 550, "550 5.1.1 No such mailbox"),
                Some(Failure::Temporary) => ("4.2.2 mailbox is full", 452, "452 4.2.2 Mailbox is full"),
                None if behaviours.greylisted(to) => ("4.7.1 greylisted", 451, "451 4.7.1 Come back later"),
                None => {
                    recipients.push(to.to_owned());
                    return "250 2.1.5 Ok";
                }
            },
        };
        world.refused(delivery::refusal(to, status, failure));
        reply
    }

    /// Reads a mail and answers its final dot; false when the connection is to be closed.
    async fn data<S>(&mut self, connection: &mut Connection<'_, S>) -> io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let envelope = self.envelope.take().unwrap_or_default();
        let verdict = match connection.mail(LARGEST_MAIL).await? {
            Received::Gone => return Ok(false),
            Received::TooLarge => {
                delivery::refuse(&self.server.world, &envelope.recipients, 552, "5.3.4 Too large")
            }
            Received::Mail(raw) => delivery::judge(self.server, &envelope, &raw).await,
        };
        match verdict {
            Verdict::Answer(reply) => {
                connection.reply(&reply);
                if reply.starts_with("421") {
                    connection.flush().await?;
                    return Ok(false);
                }
                Ok(true)
            }
            Verdict::Silence => connection.silence().await.map(|()| false),
            Verdict::HangUp => Ok(false),
        }
    }
}

/// What is answered to a line that is no command.
fn fault(error: &Error) -> &'static str {
    match error {
        Error::UnknownCommand => "500 5.5.1 No such command",
        Error::InvalidSenderAddress => "501 5.1.7 Not a sender",
        Error::InvalidRecipientAddress => "501 5.1.3 Not a recipient",
        Error::UnsupportedParameter { .. } => "555 5.5.4 No such parameter",
        Error::SyntaxError { .. }
        | Error::InvalidParameter { .. }
        | Error::NeedsMoreData { .. }
        | Error::ResponseTooLong
        | Error::InvalidResponse { .. } => "501 5.5.4 Not understood",
    }
}
