//! Runs the parts of one service or of many in one process: binds the ports, opens the stores,
//! joins the bus, serves, and stops without losing anything.
//!
//! Everything runs under a [`watch`]: when any task ends before it was asked to, all are stopped
//! and [`Running::wait`] fails with its name.

mod away;
mod building;
mod https;
mod limit;
pub mod peers;
mod running;
#[cfg(test)]
mod tests;
pub mod trust;
mod watch;
mod wiring;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use crate::bus::relay;
use crate::bus::server::{Hearers, Server};
use crate::clock::Clock;
use crate::config::{self, Mode};
use crate::faults::Fault;
use crate::folder::DataFolder;
use crate::identity::{self, Gate, Keys};
use crate::operations::DeadLetterOffice;
use crate::service::{Peers, Service};
use crate::store::{housekeeping, presence};
use crate::tasks::TaskDesk;
use crate::telemetry;
use crate::tls::Tls;
use crate::way::{Closing, Here};

use building::{Added, Built};
use limit::{CallLimit, PEOPLE, SERVICES};
pub use running::Running;
use running::bounded;
use watch::Watch;

/// How often a gRPC caller is asked whether it is still there: one that vanished gives back its room.
const CALLERS_ARE_ASKED_EVERY: Duration = Duration::from_secs(30);

/// What a process is given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How much is allowed.
    pub mode: Mode,
    /// Where files go.
    pub data: PathBuf,
    /// Where gRPC is served; port 0 lets the system pick.
    pub grpc: SocketAddr,
    /// Where HTTP is served; port 0 lets the system pick.
    pub http: SocketAddr,
    /// The services that run in this process.
    pub serves: Vec<String>,
    /// Addresses of services that run elsewhere.
    pub peers: BTreeMap<String, String>,
    /// The bus.
    pub nats: config::Nats,
    /// The databases.
    pub store: config::Store,
    /// Keys.
    pub identity: config::Identity,
    /// The protection of connections.
    pub tls: config::Tls,
    /// The issuers whose keys sign for people: a service in which they sign in, and the command line.
    pub people_issuers: Vec<String>,
    /// The time.
    pub clock: Clock,
    /// What is to fail, for tests.
    pub faults: Vec<Fault>,
}

async fn port(what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("the {what} port cannot be bound at {address}"))
}

/// A process before it serves.
pub struct Host {
    settings: Settings,
    grpc: TcpListener,
    http: TcpListener,
    tls: Tls,
    folder: DataFolder,
    keys: Keys,
    gate: Gate,
    hearers: Hearers,
    server: Option<Server>,
    here: Here,
    calls: CallLimit,
    stop: CancellationToken,
    added: Vec<Added>,
}

impl Host {
    /// Binds the ports, reads certificates, reads or makes the keys and begins a nats-server when none is given.
    /// `hearers` is every service of the installation with the sayers that it hears.
    pub async fn bind(mut settings: Settings, hearers: Hearers) -> anyhow::Result<Self> {
        // Before anything counts.
        telemetry::recorder();
        let tls = Tls::read(&settings.tls)?;
        if let Err(error) = tls.check_dates(settings.clock.real()) {
            tracing::error!(error = %error, "others will not believe us");
        }
        settings.store.postgres = settings.store.postgres.map(|address| tls.postgres(&address));
        let grpc = port("gRPC", settings.grpc).await?;
        let http = port("HTTP", settings.http).await?;
        let folder = DataFolder::shared(&settings.data)?;
        // Nothing takes as long, so it is begun before anything else and waited for when it is needed.
        let server = if settings.nats.url.is_some() {
            None
        } else {
            let folder = settings.data.join("nats");
            Some(Server::begin(&folder, &settings.nats.tools, hearers.clone()).await?)
        };
        let (keys, issuers) = trust::keys_and_issuers(&settings, &hearers)?;
        let stop = CancellationToken::new();
        Ok(Self {
            settings,
            grpc,
            http,
            tls,
            folder,
            keys,
            gate: Gate::new(&issuers)?,
            hearers,
            server,
            here: Here::default(),
            calls: CallLimit::of(PEOPLE, SERVICES),
            stop,
            added: Vec::new(),
        })
    }

    /// Adds a service. Its store is opened, and its parts are built, when the process [runs](Self::run).
    pub fn add<S: Service>(&mut self, config: S::Config)
    where
        S::Config: Send + 'static,
    {
        self.added.push(Added::of::<S>(config, &self.settings));
    }

    fn peers(&self) -> anyhow::Result<Peers> {
        let channel = |peer: peers::Peer| (peer.name, peer.endpoint.connect_lazy());
        let elsewhere: BTreeMap<_, _> = self.elsewhere()?.into_iter().map(channel).collect();
        let (here, served) = (self.here.clone(), self.settings.serves.clone());
        Ok(Arc::new(move |name| match elsewhere.get(name) {
            Some(channel) => Some(channel.clone().into()),
            None => served.iter().any(|service| service == name).then(|| here.clone().into()),
        }))
    }

    fn elsewhere(&self) -> anyhow::Result<Vec<peers::Peer>> {
        let peer = |(name, address): (&String, &String)| {
            let endpoint = self.tls.endpoint(address);
            let endpoint = endpoint.with_context(|| format!("the address of peer {name} is not one"))?;
            Ok(peers::Peer { name: name.clone(), address: address.clone(), endpoint })
        };
        self.settings.peers.iter().map(peer).collect()
    }

    /// Serves until it is stopped.
    pub async fn run(mut self) -> anyhow::Result<Running> {
        let built = building::build(&mut self).await?;
        let stop = self.stop.clone();
        let elsewhere = self.elsewhere()?;
        let mut work = Watch::new(stop.clone());
        // The relays go on until nothing more can be committed.
        let late = CancellationToken::new();
        let mut relays = Watch::new(late.clone());
        let (mut routes, mut http) = (Routes::default(), axum::Router::new());
        let (mut stores, mut drawers, mut names) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut buses = Vec::new();
        for Built { platform, bus, parts } in built {
            let (service, store) = (platform.service, platform.store.clone());
            drawers.insert(service, wiring::drawer(&platform, &parts));
            names.extend(&parts.grpc_names);
            routes = parts.grpc.into_iter().fold(routes, |routes, add| add(routes));
            http = http.merge(parts.http);
            let nats = &self.settings.nats;
            for hearing in wiring::hearings(&platform, &bus, nats, &self.hearers, parts.reactions)? {
                work.add("consumer", hearing.run(stop.clone()));
            }
            for part in parts.loops {
                work.add(part.name, part.run);
            }
            work.add("housekeeping", housekeeping::run(store.clone(), stop.clone()));
            relays.add("relay", relay::run(store.clone(), bus.clone(), late.clone()));
            stores.insert(service, store);
            buses.push(bus);
        }
        if !elsewhere.is_empty() {
            work.add("peers", peers::run(elsewhere, stop.clone()));
        }
        let closing = stores.values().cloned().collect();
        let (tasks, letters) = (TaskDesk::new(stores), DeadLetterOffice::new(drawers));
        let routes = wiring::common_services(routes, tasks, letters, &names).await?;
        let mut routes = routes.into_axum_router();
        // Databases in files are never away.
        if let (presence, Some(watcher)) = presence::of(&self.settings.store) {
            work.add("presence", watcher.run(stop.clone()));
            routes = routes.layer(from_fn_with_state(presence, away::check));
        }
        // The layer that is added last is asked first.
        let gated = routes
            .layer(from_fn_with_state(self.calls, limit::check))
            .layer(from_fn_with_state(self.gate, identity::check));
        let (grpc_address, http_address) = (self.grpc.local_addr()?, self.http.local_addr()?);
        let incoming = TcpIncoming::from(self.grpc).with_nodelay(Some(true));
        self.here.serve(gated.clone());
        let mut grpc = tonic::transport::Server::builder()
            .max_concurrent_streams(limit::STREAMS)
            .http2_keepalive_interval(Some(CALLERS_ARE_ASKED_EVERY));
        if let Some(tls) = self.tls.grpc() {
            grpc = grpc.tls_config(tls)?;
        }
        let serve = grpc
            .add_routes(Routes::from(gated))
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        work.add("grpc", bounded(serve, stop.clone()));
        let http = http
            .route("/metrics", axum::routing::get(|| async { telemetry::metrics() }))
            .route("/health", axum::routing::get(|| async { "serving" }));
        let stopping = stop.clone().cancelled_owned();
        if let Some(acceptor) = self.tls.http() {
            let port = https::Protected::new(self.http, acceptor);
            let serve = axum::serve(port, http).with_graceful_shutdown(stopping);
            work.add("http", bounded(serve.into_future(), stop.clone()));
        } else {
            let serve = axum::serve(self.http, http).with_graceful_shutdown(stopping);
            work.add("http", bounded(serve.into_future(), stop.clone()));
        }
        let end_server = CancellationToken::new();
        let mut server = Watch::new(end_server.clone());
        if let Some(supervised) = self.server {
            server.add("nats-server", supervised.supervise(end_server));
        }
        Ok(Running {
            grpc: grpc_address,
            http: http_address,
            keys: self.keys,
            _folder: self.folder,
            stop,
            work,
            relays,
            server,
            stores: closing,
            buses,
            way: Closing(self.here),
        })
    }
}
