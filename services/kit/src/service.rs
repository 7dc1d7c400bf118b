//! What a service is: a library that returns its parts and leaves running them to the
//! [`runner`](crate::runner).

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::Tenant;
use crate::bus::pulse::Pulses;
use crate::bus::{Handler, Reaction};
use crate::clock::Clock;
use crate::config::Mode;
use crate::faults::Point;
use crate::identity::{Caller, Gate, Signer};
use crate::operations::trace::Tracer;
use crate::rejection::failure;
use crate::store::{self, Commit, Migration, Store};
use crate::way::Way;

/// A service, implemented once per service crate. `build` opens and wires; it binds no port and
/// spawns nothing.
pub trait Service {
    /// Its name, in lower case.
    const NAME: &'static str;
    /// Its own tables.
    const MIGRATIONS: &'static [Migration];
    /// Its own fault points.
    const POINTS: &'static [Point] = &[];
    /// Its own settings.
    type Config;
    /// Wires the parts.
    fn build(config: Self::Config, platform: &Platform)
    -> impl Future<Output = anyhow::Result<Parts>> + Send;
    /// What is held back when the service's data was put back to an earlier state: whatever it
    /// would do by itself that may have been done already becomes a person's task. `now` is by the
    /// clock of the tenants. Nothing, for a service that only keeps what it was told.
    fn hold_back(
        _store: &Store,
        _now: Timestamp,
    ) -> impl Future<Output = Result<Commit, store::Error>> + Send {
        async { Ok(Commit::new()) }
    }
}

/// The way to another service, by its name.
pub(crate) type Peers = Arc<dyn Fn(&str) -> Option<Way> + Send + Sync>;

type AddRoutes = Box<dyn FnOnce(Routes) -> Routes + Send>;

/// What a service gives to be run. The parts of many services are concatenated.
#[derive(Default)]
pub struct Parts {
    pub(crate) grpc: Vec<AddRoutes>,
    pub(crate) grpc_names: Vec<&'static str>,
    pub(crate) http: axum::Router,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) replays: Vec<(String, Handler)>,
    pub(crate) tracer: Option<Tracer>,
    pub(crate) loops: Vec<Loop>,
}

/// Something that runs until the service stops. When it ends earlier the process ends, with a
/// code that is not zero.
pub struct Loop {
    pub(crate) name: &'static str,
    pub(crate) run: BoxFuture<'static, anyhow::Result<()>>,
}

impl Parts {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a gRPC service.
    #[must_use]
    pub fn grpc<S>(mut self, service: S) -> Self
    where
        S: tower::Service<axum::http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.grpc_names.push(S::NAME);
        self.grpc.push(Box::new(move |routes| routes.add_service(service)));
        self
    }

    /// Adds routes on the HTTP port; their paths begin with the service's name.
    #[must_use]
    pub fn http(mut self, routes: axum::Router) -> Self {
        self.http = self.http.merge(routes);
        self
    }

    /// Adds a reaction to somebody's fact.
    #[must_use]
    pub fn reactions(mut self, reactions: impl IntoIterator<Item = Reaction>) -> Self {
        self.reactions.extend(reactions);
        self
    }

    /// Says how a dead letter that did not come from the bus is replayed.
    #[must_use]
    pub fn replay(mut self, consumer: impl Into<String>, handler: Handler) -> Self {
        self.replays.push((consumer.into(), handler));
        self
    }

    /// Says what the service's own tables add to the story of a fact.
    #[must_use]
    pub fn trace(mut self, tracer: Tracer) -> Self {
        self.tracer = Some(tracer);
        self
    }

    /// Adds a loop. It should end soon after the platform's `stop` is cancelled.
    #[must_use]
    pub fn run(
        mut self,
        name: &'static str,
        run: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> Self {
        self.loops.push(Loop { name, run: Box::pin(run) });
        self
    }
}

/// What a service stands on.
#[derive(Clone)]
pub struct Platform {
    /// The service's name.
    pub service: &'static str,
    /// How much is allowed.
    pub mode: Mode,
    /// The time of the tenants, and real time.
    pub clock: Clock,
    /// The service's own database.
    pub store: Store,
    /// When the service was last in touch with those whom it hears.
    pub pulses: Pulses,
    /// Cancelled when the service should stop.
    pub stop: CancellationToken,
    pub(crate) signer: Signer,
    pub(crate) gate: Gate,
    pub(crate) peers: Peers,
}

impl Platform {
    /// Another service, over gRPC.
    pub fn peer(&self, name: &'static str) -> anyhow::Result<Peer> {
        let way = (self.peers)(name).ok_or_else(|| anyhow::anyhow!("no address is set for peer {name}"))?;
        Ok(Peer { way, signer: self.signer.clone(), clock: self.clock.clone() })
    }

    /// What lets calls through here: it knows whom a token stands for.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }
}

/// A service that is asked over gRPC, in our own name or in that of whom we serve.
#[derive(Clone)]
pub struct Peer {
    way: Way,
    signer: Signer,
    clock: Clock,
}

impl Peer {
    /// A peer on a channel of one's own, for tests.
    #[must_use]
    pub fn new(channel: Channel, signer: Signer, clock: Clock) -> Self {
        Self { way: channel.into(), signer, clock }
    }

    /// The way there, for a generated client. A connection is made when it is first used, and again
    /// after it was lost.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way.clone()
    }

    /// A request in the name of this service for one tenant, with a time-out.
    pub fn request<T>(
        &self,
        tenant: Tenant,
        message: T,
        patience: SignedDuration,
    ) -> Result<Request<T>, Status> {
        let token = self.signer.own_token(tenant, self.clock.real());
        carry(&token.map_err(|error| failure(&error))?, message, patience)
    }

    /// A request in the name of somebody who is served here, with a time-out.
    pub fn request_of<T>(
        &self,
        caller: &Caller,
        message: T,
        patience: SignedDuration,
    ) -> Result<Request<T>, Status> {
        let token = self.signer.token_of(caller, self.clock.real());
        carry(&token.map_err(|error| failure(&error))?, message, patience)
    }
}

fn carry<T>(token: &str, message: T, patience: SignedDuration) -> Result<Request<T>, Status> {
    let mut request = Request::new(message);
    let bearer = MetadataValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Status::internal("a token does not fit into a header"))?;
    request.metadata_mut().insert("authorization", bearer);
    if let Some(trace) = crate::telemetry::traceparent().and_then(|trace| MetadataValue::try_from(trace).ok())
    {
        request.metadata_mut().insert("traceparent", trace);
    }
    request.set_timeout(patience.unsigned_abs());
    Ok(request)
}
