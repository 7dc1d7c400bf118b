//! Runs the parts of one service or of many in one process: binds the ports, opens the stores,
//! joins the bus, serves, and stops without losing anything.
//!
//! Everything runs under one watch: when any task ends before it was asked to, all are stopped
//! and [`Running::wait`] fails.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint};

use crate::bus::consumer::Hearing;
use crate::bus::server::{Hearers, Server};
use crate::bus::{Bus, consumer_name, relay};
use crate::clock::Clock;
use crate::config::{self, Issuer, Mode, Secret};
use crate::identity::{self, Gate, Keys};
use crate::operations::{DeadLetterOffice, Drawer};
use crate::service::{Parts, Platform, Service};
use crate::store::Store;
use crate::tasks::TaskDesk;
use crate::telemetry;

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
    /// Addresses of services that run elsewhere; every other one is in this process.
    pub peers: BTreeMap<String, String>,
    /// The bus.
    pub nats: config::Nats,
    /// The databases.
    pub store: config::Store,
    /// Keys.
    pub identity: config::Identity,
    /// The issuer whose key signs the tokens that people use from the command line.
    pub people_issuer: Option<String>,
    /// The time.
    pub clock: Clock,
}

struct Built {
    platform: Platform,
    bus: Bus,
    parts: Parts,
}

/// A process before it serves.
pub struct Host {
    settings: Settings,
    grpc: TcpListener,
    http: TcpListener,
    keys: Keys,
    issuers: BTreeMap<String, Issuer>,
    server: Option<Server>,
    channel: Channel,
    stop: CancellationToken,
    built: Vec<Built>,
}

impl Host {
    /// Binds the ports, reads or makes the keys and starts a nats-server when none is given.
    /// `hearers` is every service of the installation with the sayers that it hears.
    pub async fn bind(settings: Settings, hearers: Hearers) -> anyhow::Result<Self> {
        let grpc = TcpListener::bind(settings.grpc).await.context("the gRPC port cannot be bound")?;
        let http = TcpListener::bind(settings.http).await.context("the HTTP port cannot be bound")?;
        std::fs::create_dir_all(&settings.data).context("the data folder cannot be made")?;
        let (keys, issuers) = keys_and_issuers(&settings, &hearers)?;
        let server = match &settings.nats.url {
            Some(_) => None,
            None => Some(Server::start(&settings.data.join("nats"), &settings.nats.tools, hearers).await?),
        };
        let channel = Endpoint::from_shared(format!("http://{}", grpc.local_addr()?))?
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(5))
            .connect_lazy();
        let stop = CancellationToken::new();
        Ok(Self { settings, grpc, http, keys, issuers, server, channel, stop, built: Vec::new() })
    }

    /// Opens a service's store, connects it to the bus and builds its parts.
    pub async fn add<S: Service>(&mut self, config: S::Config) -> anyhow::Result<()> {
        let settings = &self.settings;
        let store =
            Store::open(S::NAME, &settings.store, &settings.data, settings.clock.clone(), S::MIGRATIONS)
                .await
                .with_context(|| format!("the store of {} cannot be opened", S::NAME))?;
        let (url, password): (String, Option<&Secret>) = match (&self.server, &settings.nats.url) {
            (Some(server), _) => (server.url(), server.password(S::NAME)),
            (None, Some(url)) => (url.clone(), settings.nats.passwords.get(S::NAME)),
            (None, None) => bail!("there is no nats-server"),
        };
        let bus = Bus::connect(S::NAME, &url, password, settings.nats.replicas).await?;
        let platform = Platform {
            service: S::NAME,
            mode: settings.mode,
            clock: settings.clock.clone(),
            store,
            stop: self.stop.clone(),
            http: self.http.local_addr()?,
            signer: self.keys.signer(S::NAME)?,
            peers: self.peers()?,
        };
        let parts =
            S::build(config, &platform).await.with_context(|| format!("{} cannot be built", S::NAME))?;
        self.built.push(Built { platform, bus, parts });
        Ok(())
    }

    fn peers(&self) -> anyhow::Result<Arc<dyn Fn(&str) -> Option<Channel> + Send + Sync>> {
        let mut elsewhere = BTreeMap::new();
        for (name, address) in &self.settings.peers {
            let endpoint = Endpoint::from_shared(address.clone())
                .with_context(|| format!("the address of peer {name} is not one"))?;
            elsewhere.insert(name.clone(), endpoint.tcp_nodelay(true).connect_lazy());
        }
        let here = self.channel.clone();
        Ok(Arc::new(move |name| Some(elsewhere.get(name).unwrap_or(&here).clone())))
    }

    /// Serves until it is stopped.
    pub async fn run(self) -> anyhow::Result<Running> {
        telemetry::recorder();
        let (stop, late) = (self.stop.clone(), CancellationToken::new());
        let (grpc_address, http_address) = (self.grpc.local_addr()?, self.http.local_addr()?);
        let gate = Gate::new(&self.issuers)?;
        let mut watch = Watch::new(stop.clone());
        let mut last = Watch::new(stop.clone());
        let (mut routes, mut http) = (Routes::default(), axum::Router::new());
        let (mut stores, mut drawers, mut names) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut buses = Vec::new();
        for Built { platform, bus, parts } in self.built {
            let service = platform.service;
            stores.insert(service, platform.store.clone());
            drawers.insert(service, drawer(&platform, &parts));
            names.extend(&parts.grpc_names);
            routes = parts.grpc.into_iter().fold(routes, |routes, add| add(routes));
            http = http.merge(parts.http);
            for hearing in hearings(&platform, &bus, &self.settings.nats, parts.reactions) {
                watch.add("consumer", hearing.run(stop.clone()));
            }
            for part in parts.loops {
                watch.add(part.name, part.run);
            }
            last.add("relay", relay::run(platform.store.clone(), bus.clone(), late.clone()));
            buses.push(bus);
        }
        let closing: Vec<Store> = stores.values().cloned().collect();
        let routes =
            common_services(routes, TaskDesk::new(stores), DeadLetterOffice::new(drawers), &names).await?;
        let router =
            routes.into_axum_router().layer(axum::middleware::from_fn_with_state(gate, identity::check));
        let incoming = TcpIncoming::from(self.grpc).with_nodelay(Some(true));
        let serve = tonic::transport::Server::builder()
            .add_routes(Routes::from(router))
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        watch.add("grpc", async move { Ok(serve.await?) });
        let http = http
            .route("/metrics", axum::routing::get(|| async { telemetry::metrics() }))
            .route("/health", axum::routing::get(|| async { "serving" }));
        let serve = axum::serve(self.http, http).with_graceful_shutdown(stop.clone().cancelled_owned());
        watch.add("http", async move { Ok(serve.await?) });
        let nats_process = self.server.as_ref().and_then(Server::process_id);
        let mut very_last = Watch::new(stop.clone());
        let end_server = CancellationToken::new();
        if let Some(server) = self.server {
            very_last.add("nats-server", server.supervise(end_server.clone()));
        }
        Ok(Running {
            grpc: grpc_address,
            http: http_address,
            keys: self.keys,
            stop,
            late,
            end_server,
            watches: [watch, last, very_last],
            stores: closing,
            buses,
            nats_process,
        })
    }
}

fn keys_and_issuers(
    settings: &Settings,
    hearers: &Hearers,
) -> anyhow::Result<(Keys, BTreeMap<String, Issuer>)> {
    let services: Vec<&str> = hearers.keys().copied().collect();
    let mut names = services.clone();
    names.extend(settings.people_issuer.as_deref());
    let given = &settings.identity.keys;
    if settings.mode == Mode::Production
        && let Some(missing) = services.iter().find(|name| !given.contains_key(**name))
    {
        bail!("production needs identity.keys.{missing}: the key of each service by file");
    }
    let mut keys = Keys::open(&settings.data.join("keys"), &names)?;
    for (name, path) in given {
        keys.read(name, path)?;
    }
    let mut issuers = BTreeMap::new();
    for name in &services {
        let issuer = keys.issuer(name, &[proto::options::v1::Role::Service]).context("a key is missing")?;
        issuers.insert((*name).to_owned(), issuer);
    }
    if let Some(people) = &settings.people_issuer {
        let roles =
            (1..=8).filter_map(|number| proto::options::v1::Role::try_from(number).ok()).collect::<Vec<_>>();
        issuers.insert(people.clone(), keys.issuer(people, &roles).context("a key is missing")?);
    }
    issuers.extend(settings.identity.issuers.clone());
    Ok((keys, issuers))
}

fn drawer(platform: &Platform, parts: &Parts) -> Drawer {
    let mut handlers = BTreeMap::new();
    for reaction in &parts.reactions {
        let consumer = consumer_name(platform.service, reaction.sayer);
        handlers.insert((consumer, reaction.fact.to_owned()), reaction.handler.clone());
    }
    for (consumer, handler) in &parts.replays {
        handlers.insert((consumer.clone(), String::new()), handler.clone());
    }
    Drawer { store: platform.store.clone(), handlers }
}

fn hearings(
    platform: &Platform,
    bus: &Bus,
    settings: &config::Nats,
    reactions: Vec<crate::bus::Reaction>,
) -> Vec<Hearing> {
    let mut by_sayer: BTreeMap<&'static str, Vec<crate::bus::Reaction>> = BTreeMap::new();
    for reaction in reactions {
        by_sayer.entry(reaction.sayer).or_default().push(reaction);
    }
    by_sayer
        .into_iter()
        .map(|(sayer, reactions)| Hearing {
            bus: bus.clone(),
            store: platform.store.clone(),
            settings: settings.clone(),
            sayer,
            reactions,
        })
        .collect()
}

async fn common_services(
    routes: Routes,
    tasks: TaskDesk,
    letters: DeadLetterOffice,
    names: &[&'static str],
) -> anyhow::Result<Routes> {
    use proto::operations::v1::operations_service_server::OperationsServiceServer;
    use proto::tasks::v1::tasks_service_server::TasksServiceServer;
    let (health, health_service) = tonic_health::server::health_reporter();
    for name in names.iter().chain(&[""]) {
        health.set_service_status(*name, tonic_health::ServingStatus::Serving).await;
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()?;
    Ok(routes
        .add_service(TasksServiceServer::new(tasks))
        .add_service(OperationsServiceServer::new(letters))
        .add_service(health_service)
        .add_service(reflection))
}

/// Tasks that must all live until they are asked to end.
struct Watch {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
}

impl Watch {
    fn new(stop: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), stop }
    }

    fn add(&mut self, name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Waits until every task has ended; the first that ended unasked, or badly, is the error.
    async fn ended(&mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let failed = match ended {
                Ok((_, Ok(()))) if self.stop.is_cancelled() => continue,
                Ok((name, Ok(()))) => anyhow::anyhow!("{name} ended before it was asked to"),
                Ok((name, Err(error))) => error.context(format!("{name} failed")),
                Err(error) => anyhow::Error::from(error).context("a task panicked"),
            };
            self.stop.cancel();
            if outcome.is_ok() {
                outcome = Err(failed);
            }
        }
        outcome
    }
}

/// A process that serves.
pub struct Running {
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// The keys of the installation, to make tokens with.
    pub keys: Keys,
    /// The nats-server that was started, for tests that kill it.
    pub nats_process: Option<u32>,
    stop: CancellationToken,
    late: CancellationToken,
    end_server: CancellationToken,
    watches: [Watch; 3],
    stores: Vec<Store>,
    buses: Vec<Bus>,
}

impl Running {
    /// Cancelled when everything should stop; cancel it to stop everything.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until everything has stopped: first what takes work in, then the relay, which
    /// publishes what was committed, then the databases and the nats-server.
    pub async fn wait(self) -> anyhow::Result<()> {
        let [mut first, mut relays, mut server] = self.watches;
        let outcome = tokio::select! {
            outcome = first.ended() => outcome,
            outcome = relays.ended() => outcome,
            outcome = server.ended() => outcome,
        };
        self.stop.cancel();
        let outcome = outcome.and(first.ended().await);
        self.late.cancel();
        let outcome = outcome.and(relays.ended().await);
        for bus in &self.buses {
            bus.close().await;
        }
        for store in &self.stores {
            store.close().await?;
        }
        self.end_server.cancel();
        outcome.and(server.ended().await)
    }
}
