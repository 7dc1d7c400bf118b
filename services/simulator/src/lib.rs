//! The outside world on loopback: GOV.UK Notify, an SMTP server, and the parents' phones to look at.
//!
//! Tests and the demo start it with [`start`], point the dispatcher at [`Simulator::notify_url`] and
//! [`Simulator::smtp_address`], tell it to misbehave with [`Simulator::behave`], and believe only its witness log
//! ([`read_log`]), which is written before any answer leaves.
//!
//! It depends on no other crate of ours, so that the witness cannot share a mistake with what it watches. It listens on
//! loopback only, sends nothing but receipts and bounces, and is refused by production mode.

mod address;
mod behaviour;
mod callback;
mod clock;
mod control;
mod log;
mod notify;
mod phones;
mod smtp;
mod witness;
mod world;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use jiff::SignedDuration;
use tokio::net::TcpListener;

pub use behaviour::{Behaviour, Failure, Returns, Travel};
pub use callback::ReceiptsTo;
pub use log::{
    Accepted, Entry, Error as LogError, Event, Medium, Provider, Receipt, Refused, Will, read_log,
};
pub use notify::NotifyOptions;
pub use phones::Person;
pub use smtp::{Login, Tls, TlsMode};
pub use witness::Message;

use notify::Notify;
use phones::Cast;
use smtp::Postman;
use witness::Witness;
use world::World;

/// How long open HTTP connections may go on after a stop.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Why the outside world could not start, or did not do what was waited for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It simulates other people's phones: nobody else on the network may reach it.
    #[error("the simulator listens on loopback only, not on {0}")]
    NotLoopback(IpAddr),
    /// A port could not be taken.
    #[error("port {port} cannot be listened on")]
    Listen {
        /// The port that was asked for; 0 = any.
        port: u16,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The witness log cannot be used.
    #[error("the simulator has no witness")]
    Log(#[from] LogError),
    /// The client for receipts could not be built.
    #[error("the simulator cannot send receipts")]
    Client(#[source] reqwest::Error),
    /// What was waited for did not come about in time.
    #[error("it did not come about within {within:?}; {seen} messages or entries were seen")]
    TimedOut {
        /// How long it was waited for.
        within: Duration,
        /// How many messages (or log entries) there were at the end.
        seen: usize,
    },
}

/// What the outside world consists of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The witness log; appended to when it exists.
    pub log: PathBuf,
    /// A loopback address.
    pub listen: IpAddr,
    /// For Notify's API, the page and the control; 0 = any.
    pub http_port: u16,
    /// For SMTP; 0 = any.
    pub smtp_port: u16,
    /// The one service of Notify.
    pub notify: NotifyOptions,
    /// Where receipts go; may be told later with [`Simulator::send_receipts_to`].
    pub receipts: Option<ReceiptsTo>,
    /// Where bounces go; may be told later with [`Simulator::send_bounces_to`].
    pub bounces: Option<ReceiptsTo>,
    /// The login that SMTP asks for, if any.
    pub smtp_login: Option<Login>,
    /// The encryption of SMTP, if any.
    pub smtp_tls: Option<Tls>,
    /// Whose phones the page shows.
    pub people: Vec<Person>,
    /// How far the school's clock is ahead of real time, for the times on the page only.
    pub school_clock: SignedDuration,
}

impl Options {
    /// A world without limits, logins, encryption or people, on ports of the system's choice.
    pub fn new(log: impl Into<PathBuf>) -> Self {
        Self {
            log: log.into(),
            listen: Ipv4Addr::LOCALHOST.into(),
            http_port: 0,
            smtp_port: 0,
            notify: NotifyOptions::default(),
            receipts: None,
            bounces: None,
            smtp_login: None,
            smtp_tls: None,
            people: Vec::new(),
            school_clock: SignedDuration::ZERO,
        }
    }
}

/// The running outside world. Dropping it stops it without waiting; [`Simulator::stop`] waits.
pub struct Simulator {
    world: Arc<World>,
    notify: Arc<Notify>,
    postman: Arc<Postman>,
    options: NotifyOptions,
    http: SocketAddr,
    smtp: SocketAddr,
}

/// Opens the witness log, takes the ports and serves until stopped.
///
/// Fails when the address is not loopback, a port is taken, or the log cannot be appended to.
pub async fn start(options: Options) -> Result<Simulator, Error> {
    if !options.listen.is_loopback() {
        return Err(Error::NotLoopback(options.listen));
    }
    let world = Arc::new(World::new(Witness::open(&options.log)?));
    let (http_listener, http) = listen(options.listen, options.http_port).await?;
    let (smtp_listener, smtp) = listen(options.listen, options.smtp_port).await?;
    let notify = Notify::new(options.notify.clone(), options.receipts, Arc::clone(&world));
    let notify = Arc::new(notify.map_err(Error::Client)?);
    let cast = Cast {
        school: options.notify.service_name.clone(),
        people: options.people,
        clock_offset: options.school_clock,
    };
    let router = Arc::clone(&notify)
        .router()
        .merge(phones::router(Arc::clone(&world), cast))
        .merge(control::router(Arc::clone(&world)));
    world.tasks.spawn(serve_http(Arc::clone(&world), http_listener, router));
    let postman =
        Postman::new(Arc::clone(&world), options.bounces, options.notify.receipts_authorities.clone());
    let postman = Arc::new(postman.map_err(Error::Client)?);
    let server = smtp::Server {
        world: Arc::clone(&world),
        login: options.smtp_login,
        tls: options.smtp_tls,
        postman: Arc::clone(&postman),
    };
    world.tasks.spawn(Arc::new(server).listen(smtp_listener));
    Ok(Simulator { world, notify, postman, options: options.notify, http, smtp })
}

async fn listen(address: IpAddr, port: u16) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { port, source };
    let listener = TcpListener::bind((address, port)).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn serve_http(world: Arc<World>, listener: TcpListener, router: axum::Router) {
    let listener = listener.tap_io(|stream| {
        // Best effort: without it answers are only slower.
        let _slower = stream.set_nodelay(true);
    });
    let stopped = world.stopping.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let overdue = async {
        world.stopping.cancelled().await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        _ended = async { serving.await } => {}
        () = overdue => {}
    }
}

impl Simulator {
    /// The base address of Notify's API, such as `http://127.0.0.1:41234`.
    pub fn notify_url(&self) -> String {
        self.http_url()
    }

    /// The address of the page *Parents' phones*; `/control` is beneath it.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// What Notify puts before every text.
    pub fn service_name(&self) -> &str {
        &self.options.service_name
    }

    /// Where mails are taken.
    pub fn smtp_address(&self) -> SocketAddr {
        self.smtp
    }

    /// The witness log.
    pub fn log_path(&self) -> &Path {
        self.world.witness.path()
    }

    /// An API key of the simulated service, as Notify would show it.
    pub fn api_key(&self, name: &str) -> String {
        self.options.api_key(name)
    }

    /// The messages accepted since the start, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.world.witness.messages(<[Message]>::to_vec)
    }

    /// From now on, do that.
    pub fn behave(&self, behaviour: Behaviour) {
        self.world.behaviours.tell(behaviour);
    }

    /// From now on receipts go there, those included that have been due and waiting.
    pub fn send_receipts_to(&self, target: ReceiptsTo) {
        self.notify.send_receipts_to(target);
    }

    /// From now on bounces are posted there as whole mails, those included that have been due and waiting.
    pub fn send_bounces_to(&self, target: ReceiptsTo) {
        self.postman.send_to(target);
    }

    /// Waits until the accepted messages fulfil a condition, and returns them; [`Error::TimedOut`] if they do not in time.
    ///
    /// The condition is asked after each new line of the log and must be quick: providers wait for it.
    pub async fn wait_until(
        &self,
        within: Duration,
        mut holds: impl FnMut(&[Message]) -> bool,
    ) -> Result<Vec<Message>, Error> {
        let look = || Ok(self.world.witness.messages(|messages| holds(messages).then(|| messages.to_vec())));
        let found = self.wait(within, look).await?;
        let seen = self.world.witness.messages(<[Message]>::len);
        found.ok_or(Error::TimedOut { within, seen })
    }

    /// Like [`Simulator::wait_until`], over the whole log with its refusals and receipts, read anew each time.
    pub async fn wait_until_logged(
        &self,
        within: Duration,
        mut holds: impl FnMut(&[Entry]) -> bool,
    ) -> Result<Vec<Entry>, Error> {
        let mut seen = 0;
        let look = || {
            let entries = read_log(self.log_path())?;
            seen = entries.len();
            Ok(holds(&entries).then_some(entries))
        };
        self.wait(within, look).await?.ok_or(Error::TimedOut { within, seen })
    }

    /// `None` when nothing was found in time.
    async fn wait<T>(
        &self,
        within: Duration,
        mut look: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let mut lines = self.world.witness.watch();
        let deadline = tokio::time::Instant::now() + within;
        loop {
            lines.mark_unchanged();
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            if !matches!(tokio::time::timeout_at(deadline, lines.changed()).await, Ok(Ok(()))) {
                return Ok(None);
            }
        }
    }

    /// Stops listening, ends all waits and open dialogues, and returns when no task is left.
    ///
    /// Receipts that are not due yet are not sent any more.
    pub async fn stop(self) {
        self.world.stopping.cancel();
        self.world.tasks.close();
        self.world.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stopping.cancel();
    }
}
