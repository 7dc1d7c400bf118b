//! The runner: services that are built, served, watched and stopped, as the binary does it.

mod apart;
mod away;
mod crowded;
mod protected;
mod silent;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use proto::options::v1::Role;
use proto::tasks::v1::ListTasksRequest;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::watch::Watch;
use super::{Host, Running, Settings};
use crate::Tenant;
use crate::bus::Reaction;
use crate::bus::server::Hearers;
use crate::clock::Clock;
use crate::config::{self, Mode};
use crate::fixtures::{LEDGER, Rang, account, caller, rang, real, rows, task};
use crate::service::{Parts, Platform, Service};
use crate::store::{Commit, Migration, Store};
use crate::testing::{eventually, tools};

/// Says what it is told to, through the store that it hands out.
struct Bell;

/// Opens an account for every bell.
struct Ear;

type Told = Arc<std::sync::Mutex<Option<Platform>>>;

impl Service for Bell {
    const NAME: &'static str = "bell";
    const MIGRATIONS: &'static [Migration] = LEDGER;
    type Config = (Told, Parts);

    async fn build((told, parts): Self::Config, platform: &Platform) -> anyhow::Result<Parts> {
        *told.lock().unwrap() = Some(platform.clone());
        Ok(parts)
    }
}

impl Service for Ear {
    const NAME: &'static str = "ear";
    const MIGRATIONS: &'static [Migration] = LEDGER;
    type Config = (Told, usize);

    async fn build((told, reactions): Self::Config, platform: &Platform) -> anyhow::Result<Parts> {
        *told.lock().unwrap() = Some(platform.clone());
        let store = platform.store.clone();
        let reaction = Reaction::to::<Rang, _, _>(move |event| {
            let commit = account(&store, &event.id.to_string(), event.data.number.into());
            async move { Ok(commit) }
        });
        Ok(Parts::new().reactions(vec![reaction; reactions]))
    }
}

fn hearers() -> Hearers {
    Hearers::from([("bell", vec![]), ("ear", vec!["bell"])])
}

fn settings(data: &Path) -> Settings {
    Settings {
        mode: Mode::Trial,
        data: data.to_owned(),
        grpc: "127.0.0.1:0".parse().unwrap(),
        http: "127.0.0.1:0".parse().unwrap(),
        serves: vec!["bell".to_owned(), "ear".to_owned()],
        peers: BTreeMap::new(),
        nats: config::Nats {
            url: None,
            passwords: BTreeMap::new(),
            tools: tools(),
            replicas: 1,
            ack_wait: Duration::from_secs(5),
            max_deliver: 3,
        },
        store: config::Store { postgres: None, database_prefix: String::new(), connections: 4 },
        identity: config::Identity::default(),
        tls: config::Tls::default(),
        people_issuers: vec!["people".to_owned()],
        clock: Clock::system(),
        faults: Vec::new(),
    }
}

/// Both services in one process, and what each was built on.
struct Trial {
    running: Running,
    bell: Platform,
    ear: Platform,
}

impl Trial {
    async fn start(data: &Path, parts: Parts) -> Self {
        Self::on(Host::bind(settings(data), hearers()).await.unwrap(), parts).await
    }

    async fn on(mut host: Host, parts: Parts) -> Self {
        let (bell, ear) = (Told::default(), Told::default());
        host.add::<Bell>((Arc::clone(&bell), parts));
        host.add::<Ear>((Arc::clone(&ear), 1));
        let running = host.run().await.unwrap();
        let take = |told: Told| told.lock().unwrap().take().unwrap();
        Self { running, bell: take(bell), ear: take(ear) }
    }

    async fn ring(&self, number: u32) {
        let commit = Commit::new().fact(&rang(Tenant::generate(), number)).unwrap();
        self.bell.store.commit(commit).await.unwrap();
    }

    async fn heard(&self, expected: i64) {
        eventually("accounts", expected, || rows(&self.ear.store, "ledger")).await;
    }

    async fn stop(self) {
        self.running.stop_token().cancel();
        self.running.wait().await.unwrap();
    }
}

async fn reopened(data: &Path, service: &str) -> Store {
    let settings = settings(data);
    Store::open(service, &settings.store, data, settings.clock, LEDGER).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fact_goes_from_one_service_to_another_and_a_stop_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::start(folder.path(), Parts::new()).await;
    trial.ring(1).await;
    trial.heard(1).await;
    // Committed a moment before the stop: published all the same.
    for number in 2..=50 {
        trial.ring(number).await;
    }
    trial.stop().await;
    let bell = reopened(folder.path(), "bell").await;
    assert_eq!(crate::fixtures::number(&bell, "SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL").await, 0);
    bell.close().await.unwrap();

    let again = Trial::start(folder.path(), Parts::new()).await;
    again.heard(50).await;
    assert_eq!(rows(&again.ear.store, "inbox").await, 50);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_live_in_one_process() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) =
        tokio::join!(Trial::start(one.path(), Parts::new()), Trial::start(two.path(), Parts::new()));
    one.ring(1).await;
    two.ring(1).await;
    two.ring(2).await;
    one.heard(1).await;
    two.heard(2).await;
    assert_ne!((one.running.grpc, one.running.http), (two.running.grpc, two.running.http));
    one.stop().await;
    two.ring(3).await;
    two.heard(3).await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_served_over_grpc_to_people_and_to_peers() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::start(folder.path(), Parts::new()).await;
    let tenant = Tenant::generate();
    trial.ear.store.commit(Commit::new().task(task(tenant, Role::Office))).await.unwrap();
    let list = ListTasksRequest { service: "ear".to_owned(), ..Default::default() };
    // A service asks in its own name, within the process.
    let peer = trial.bell.peer("ear").unwrap();
    let request = peer.request(tenant, list.clone(), SignedDuration::from_secs(5)).unwrap();
    let listed = TasksServiceClient::new(peer.way()).list_tasks(request).await.unwrap().into_inner();
    assert_eq!(listed.tasks.len(), 1);
    // A person asks with a token of the people's issuer.
    let signer = trial.running.keys.signer("people").unwrap();
    let life = (real(), SignedDuration::from_mins(1));
    let token = signer.token("person-7", tenant, &[Role::Office], life).unwrap();
    let mut request = tonic::Request::new(list);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let channel = connect(&trial.running).await;
    let listed = TasksServiceClient::new(channel).list_tasks(request).await.unwrap().into_inner();
    assert_eq!(listed.tasks.len(), 1);
    trial.stop().await;
}

async fn connect(running: &Running) -> Channel {
    Channel::from_shared(format!("http://{}", running.grpc)).unwrap().connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_that_ends_early_stops_the_process_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::start(folder.path(), Parts::new().run("pendulum", async { Ok(()) })).await;
    let error = trial.running.wait().await.unwrap_err();
    assert_eq!(format!("{error:#}"), "pendulum ended before it was asked to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_that_fails_or_panics_stops_the_process_with_its_name() {
    for (parts, expected) in [
        (Parts::new().run("pendulum", async { anyhow::bail!("no weight") }), "pendulum failed: no weight"),
        (
            Parts::new().run("pendulum", async { panic!("as the test wants it") }),
            "pendulum failed: it panicked",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let trial = Trial::start(folder.path(), parts).await;
        let bell = trial.bell.clone();
        assert_eq!(format!("{:#}", trial.running.wait().await.unwrap_err()), expected);
        assert!(bell.stop.is_cancelled());
        assert!(bell.store.commit(Commit::new()).await.is_err(), "the stores are closed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_somebody_keeps_open_does_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::start(folder.path(), Parts::new()).await;
    let mut client = HealthClient::new(connect(&trial.running).await);
    let mut watching = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watching.message().await.unwrap().unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(18), trial.stop()).await;
    stopped.expect("the process stops although the stream is open");
    drop(watching);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_ended_and_named() {
    let stop = CancellationToken::new();
    let mut watch = Watch::new(stop.clone());
    watch.add("deaf", std::future::pending());
    watch.add("obedient", async move {
        stop.cancelled().await;
        Ok(())
    });
    let error = watch.end(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.to_string(), "deaf did not end in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_on_a_server_of_somebody_else_runs_until_it_is_stopped() {
    let (lender, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = crate::bus::server::Server::start(lender.path(), &tools(), hearers()).await.unwrap();
    let mut settings = settings(folder.path());
    settings.nats.url = Some(server.url());
    for service in ["bell", "ear"] {
        settings.nats.passwords.insert(service.to_owned(), server.password(service).unwrap().clone());
    }
    let trial = Trial::on(Host::bind(settings, hearers()).await.unwrap(), Parts::new()).await;
    trial.ring(1).await;
    trial.heard(1).await;
    let stop = trial.running.stop_token();
    assert!(!stop.is_cancelled());
    trial.stop().await;
}

#[tokio::test]
async fn a_reaction_that_could_never_be_asked_is_refused_at_the_start() {
    for (reactions, hearers, expected) in [
        (2, hearers(), "ear reacts to bell.rang twice"),
        (
            1,
            Hearers::from([("bell", vec![]), ("ear", vec![])]),
            "ear reacts to bell.rang, but is not among those who may hear bell",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut host = Host::bind(settings(folder.path()), hearers).await.unwrap();
        host.add::<Ear>((Told::default(), reactions));
        assert_eq!(host.run().await.err().unwrap().to_string(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_http_port_answers_health_and_metrics_and_what_a_service_adds() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { "ding" }
    };
    let parts = Parts::new().http(axum::Router::new().route("/bell/ring", axum::routing::get(count)));
    let trial = Trial::start(folder.path(), parts).await;
    for (path, expected) in [("/health", "serving"), ("/bell/ring", "ding"), ("/metrics", "200 OK")] {
        let answer = get(trial.running.http, path).await;
        assert!(answer.contains(expected), "{path}: {answer}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    trial.stop().await;
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_goes_on_while_the_server_is_killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::start(folder.path(), Parts::new()).await;
    let pid_file = folder.path().join("nats/nats.pid");
    let mut ringing = JoinSet::new();
    let store = trial.bell.store.clone();
    ringing.spawn(async move {
        let mut moments = tokio::time::interval(Duration::from_millis(5));
        for number in 0..300 {
            moments.tick().await;
            let commit = Commit::new().fact(&rang(Tenant::generate(), number)).unwrap();
            store
                .commit(commit.audit(&caller(Tenant::generate(), Role::Office), "Ring", &[], real()))
                .await
                .unwrap();
        }
    });
    let mut last = String::new();
    for _ in 0..3 {
        let running = eventually_another(&pid_file, &last).await;
        let id = rustix::process::Pid::from_raw(running.parse().unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
        last = running;
    }
    ringing.join_next().await.unwrap().unwrap();
    trial.heard(300).await;
    assert_eq!(rows(&trial.ear.store, "inbox").await, 300);
    assert_eq!(rows(&trial.ear.store, "dead_letters").await, 0);
    trial.stop().await;
}

/// The id of a nats-server that is another than the last one.
async fn eventually_another(file: &Path, last: &str) -> String {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    eventually("another nats-server", true, || async { !read().is_empty() && read() != last }).await;
    read()
}
