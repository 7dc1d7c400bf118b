//! An installation whose processes may die: each that is killed is started again in its place, with what
//! it had written and at the address that it had, and nobody is told.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use futures::future::join_all;
use kit::config::Secret;
use kit::faults::Fault;
use kit::identity::{Keys, Signer};
use schoolbell::app;
use schoolbell::demo::databases::Databases;
use tokio::process::Command;
use tokio::sync::Mutex;
use tonic::transport::Channel;

use super::{Nats, Process, binary};
use crate::installation::{Backend, Installation};

/// Where an installation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Its databases.
    pub backend: Backend,
    /// Who is in one process with whom.
    pub shape: Shape,
}

/// Who is in one process with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Every service is in one process, of which there are so many. One alone has a nats-server of its
    /// own, which dies with it.
    Whole(usize),
    /// The dispatcher is in processes of its own, so many, and everybody else in another.
    Apart(usize),
}

/// What tests need otherwise: a fact is handed out again soon after its hearer died.
const OTHERWISE: [(&str, &str); 2] =
    [("SCHOOLBELL__NATS__ACK_WAIT", "2s"), ("SCHOOLBELL__STORE__CONNECTIONS", "4")];

/// Processes that may die.
pub struct Mortal {
    layout: Layout,
    places: Vec<Place>,
    nats: Option<Nats>,
    databases: Option<Databases>,
    folder: PathBuf,
    signer: Signer,
    deaths: AtomicUsize,
}

/// How a process is started.
struct Way {
    services: Vec<String>,
    settings: PathBuf,
    /// Where the directory is, if elsewhere.
    peer: Option<String>,
    log: PathBuf,
}

/// A process, and where it is put back.
struct Place {
    way: Way,
    grpc: SocketAddr,
    http: SocketAddr,
    process: Mutex<Process>,
    /// The id of the process that lives now.
    id: AtomicU32,
}

impl Mortal {
    /// Starts an installation in which these faults are set, each in whatever process its service is.
    pub async fn start(layout: Layout, installation: Installation<'_>, faults: &[Fault]) -> Self {
        let folder = installation.folder;
        let nats = match layout.shape {
            Shape::Whole(1) => None,
            Shape::Whole(_) | Shape::Apart(_) => Some(Nats::start(folder).await),
        };
        let settings = installation.file(nats.as_ref().map_or("", |nats| &nats.settings));
        let file = folder.join("faults.toml");
        std::fs::write(&file, format!("faults = [{}]\n", faults.iter().map(written).collect::<String>()))
            .unwrap();
        let (all, own) = (app::all(), "dispatcher".to_owned());
        let everybody_else: Vec<String> = all.iter().filter(|name| **name != own).cloned().collect();
        let (mut places, mut peers) = (Vec::<Place>::new(), None);
        let place = async |services: &[String], peer: Option<&str>, number: usize| {
            let log = folder.join(format!("process-{number}.log"));
            let way = Way {
                services: services.to_vec(),
                settings: settings.clone(),
                peer: peer.map(str::to_owned),
                log,
            };
            Place::start(way, &file).await
        };
        let (services, replicas) = match layout.shape {
            Shape::Whole(replicas) => (all, replicas),
            Shape::Apart(replicas) => {
                let others = place(&everybody_else, None, 0).await;
                peers = Some(format!("http://{}", others.grpc));
                places.push(others);
                (vec![own], replicas)
            }
        };
        for _ in 0..replicas {
            places.push(place(&services, peers.as_deref(), places.len()).await);
        }
        let signer = Keys::open(&folder.join("keys"), &[app::PEOPLE]).unwrap().signer(app::PEOPLE).unwrap();
        let databases = (layout.backend == Backend::Postgres).then(|| Databases {
            server: Secret::new(kit::testing::postgres()),
            prefix: installation.database_prefix(),
        });
        let (folder, deaths) = (folder.to_owned(), AtomicUsize::new(0));
        Self { layout, places, nats, databases, folder, signer, deaths }
    }

    /// Does something, and puts each process that dies meanwhile back in its place.
    pub async fn meanwhile<T>(&self, something: impl Future<Output = T>) -> T {
        tokio::select! {
            done = something => done,
            never = self.return_to_life() => never,
        }
    }

    /// Puts each process that dies back in its place, for as long as it is waited for.
    ///
    /// # Panics
    /// When one ends otherwise than by being killed.
    async fn return_to_life<T>(&self) -> T {
        join_all(self.places.iter().map(|place| async {
            let mut process = place.process.lock().await;
            loop {
                let status = process.child.wait().await.unwrap();
                assert_eq!(status.signal(), Some(9), "{:?} ended: {status}", place.way.services);
                let there = (place.grpc.to_string(), place.http.to_string());
                let command = place.way.command(&[], (&there.0, &there.1));
                *process = Process::serve(command, &place.way.log).await;
                place.id.store(process.id(), Ordering::Release);
                self.deaths.fetch_add(1, Ordering::AcqRel);
            }
        }))
        .await;
        // None of them ends.
        std::future::pending().await
    }

    /// Kills the process of one of the dispatchers, by any number.
    pub async fn kill_a_dispatcher(&self, number: usize) {
        let dispatchers = self.dispatchers();
        let place = &dispatchers[number % dispatchers.len()];
        let id = place.id.load(Ordering::Acquire);
        Command::new("kill").args(["-s", "KILL", &id.to_string()]).status().await.unwrap();
    }

    /// Where the database of each service is.
    #[must_use]
    pub fn databases(&self) -> Vec<String> {
        let address = |service: String| match &self.databases {
            Some(Databases { server, prefix }) => format!("{}/{prefix}{service}", server.reveal()),
            None => format!("sqlite://{}/{service}.db?mode=rw", self.folder.display()),
        };
        app::all().into_iter().map(address).collect()
    }

    /// Lets no file of any process grow beyond so many bytes, as if the disk were full; none lets them
    /// grow again.
    pub async fn files_end_at(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        for place in &self.places {
            let id = place.id.load(Ordering::Acquire).to_string();
            let mut command = Command::new("prlimit");
            command.args(["--pid", &id, &format!("--fsize={limit}:unlimited")]);
            assert!(command.status().await.unwrap().success());
        }
    }

    /// How many processes have died.
    #[must_use]
    pub fn deaths(&self) -> usize {
        self.deaths.load(Ordering::Acquire)
    }

    fn dispatchers(&self) -> &[Place] {
        match self.layout.shape {
            Shape::Whole(_) => &self.places,
            Shape::Apart(_) => &self.places[1..],
        }
    }

    /// Where a replica of the dispatcher serves HTTP.
    #[must_use]
    pub fn receipts_to(&self) -> SocketAddr {
        self.dispatchers()[0].http
    }

    /// A connection to the first process of a service, whichever life it is in.
    #[must_use]
    pub fn channel(&self, service: &str) -> Channel {
        let place = self.places.iter().find(|place| place.way.services.iter().any(|one| one == service));
        let grpc = place.expect("a service").grpc;
        Channel::from_shared(format!("http://{grpc}")).unwrap().connect_lazy()
    }

    /// Signs in people.
    #[must_use]
    pub fn signer(&self) -> Signer {
        self.signer.clone()
    }

    /// What all processes said.
    #[must_use]
    pub fn words(&self) -> String {
        let logs = self.places.iter().map(|place| &place.way.log);
        logs.map(|log| std::fs::read_to_string(log).unwrap_or_default()).collect()
    }

    /// Ends every process, each of which must end well or be one that died at the last moment.
    pub async fn stop(self) {
        for place in self.places {
            let status = place.process.into_inner().told_to_end().await;
            assert!(status.success() || status.signal() == Some(9), "{status}");
        }
        if let Some(nats) = self.nats {
            nats.stop().await;
        }
        if let Some(databases) = self.databases {
            databases.drop_all().await.unwrap();
        }
    }
}

impl Place {
    /// The first life of a process, in which these faults are set.
    async fn start(way: Way, faults: &Path) -> Self {
        let command = |grpc: &str, http: &str| way.command(&[faults], (grpc, http));
        let process = Process::serve_for_good(command, &way.log).await;
        let (grpc, http) = (process.grpc.parse().unwrap(), process.http.parse().unwrap());
        let id = AtomicU32::new(process.id());
        Self { way, grpc, http, process: Mutex::new(process), id }
    }
}

impl Way {
    fn command(&self, further: &[&Path], (grpc, http): (&str, &str)) -> Command {
        // What does not fit is an error that the process hears of, as on a full disk.
        let mut command = Command::new("env");
        command.arg("--ignore-signal=XFSZ").arg(binary());
        for settings in [self.settings.as_path()].iter().chain(further) {
            command.arg("--config").arg(settings);
        }
        command.arg("run").args(&self.services).envs(OTHERWISE);
        if let Some(peer) = &self.peer {
            command.env("SCHOOLBELL__PEERS__DIRECTORY", peer);
        }
        command.env("SCHOOLBELL__GRPC", grpc).env("SCHOOLBELL__HTTP", http);
        command
    }
}

/// A fault as settings spell it.
fn written(fault: &Fault) -> String {
    let Fault { service, point, time, holds_for } = fault;
    let holds = holds_for.map(|time| format!(", holds_for = \"{}ms\"", time.as_millis()));
    format!("{{ service = {service:?}, point = {point:?}, time = {time}{} }}, ", holds.unwrap_or_default())
}
