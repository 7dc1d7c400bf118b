//! The dispatcher whole, against a directory that says what a test tells it and the simulated
//! providers, on SQLite and on PostgreSQL. Each file is one story; this one is the world of all.

mod accidents;
mod announcements;
mod announcements_corrected;
mod asking;
mod backlog;
mod bad_input;
mod bounced;
mod chunks;
mod clearance;
mod clocks;
mod closures;
mod closures_uncleared;
mod corrections;
mod erased;
mod exercises;
mod expiry;
mod facts;
mod head_injuries;
mod lanes;
mod left_too_late;
mod lines;
mod parts;
mod plans;
mod previews;
mod quiet_hours;
mod recalls;
mod receipts;
mod redeliveries;
mod restored;
mod said;
mod seen;
mod settling;
mod setup;
mod stalled;
mod steps;
mod suppressed;
mod traced;
mod waiting;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use kit::bus::{Handler, Raw, Reaction, Verdict};
use kit::clock::Clock;
use kit::identity::Caller;
use kit::store::Store;
use kit::tasks::TaskDesk;
use kit::testing::{TestStore, eventually, stores};
use neighbours::Neighbours;
use neighbours::directory::{Call, FakeDirectory, parent, parents};
use proto::events::absences::{Arrived, Explained, Session, Unexplained};
use proto::events::directory::Restricted;
use proto::events::{About, Event, Fact, subject_of};
use proto::ids::{CaseId, ContactId, EventId, PupilId, SchoolId};
use proto::options::v1::Role;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QueryOrder, Statement};
use simulator::{Behaviour, Options, ReceiptsTo, Simulator};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::channels::email_smtp::ReturnPath;
use crate::channels::{self, Secret};
use crate::domain::Choices;
use crate::planner::Planner;
use crate::routes::Timing;
use crate::sender::Sender;
use crate::store::rows;
use crate::{api, reactions, wire};
use setup::{Setup, channels_of, return_path};

const TOKEN: &str = "the-token-of-receipts";
const BOUNCES_TOKEN: &str = "the-token-of-bounces";
const BOUNCES: &str = "bounces@mail.example.com";
const GATHERS_FOR: i64 = 30;
const PATIENCE: i64 = 600;

/// What of the dispatcher runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    Nothing,
    Everything,
}

/// A school with its dispatcher, and the world outside.
struct World {
    backend: &'static str,
    school: SchoolId,
    store: Store,
    clock: Clock,
    directory: FakeDirectory,
    simulator: Simulator,
    api: api::Api,
    reactions: Vec<Reaction>,
    /// What does not run yet.
    planner: Option<Planner>,
    sender: Option<Sender>,
    settling: Option<BoxFuture<'static, anyhow::Result<()>>>,
    receipts: String,
    bounces: String,
    receipt: Handler,
    wakes: [Arc<tokio::sync::Notify>; 3],
    stop: CancellationToken,
    work: JoinSet<anyhow::Result<()>>,
    test: TestStore,
    // These end with the world.
    _folder: tempfile::TempDir,
    _neighbours: Neighbours,
    _servers: JoinSet<anyhow::Result<()>>,
}

/// A follow-up case, as absences tells it.
#[derive(Debug, Clone)]
struct Case {
    subject: String,
    pupil: PupilId,
}

/// A task of the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
struct Task {
    kind: String,
    role: String,
    subjects: String,
    why: String,
    state: String,
}

fn session_ends_at() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn timing(gathers_for: i64) -> Timing {
    Timing {
        absence_gathers_for_seconds: gathers_for,
        absence_patience_seconds: PATIENCE,
        head_injury_patience_seconds: 180,
        closure_patience_seconds: PATIENCE,
        closure_waits_for_directory_seconds: 0,
        quiet_hours: serde_json::from_value(serde_json::json!({
            "first_aid": { "from": "21:00", "until": "07:00" },
            "announcement": { "from": "19:00", "until": "08:00", "days": ["sunday"] },
        }))
        .unwrap(),
    }
}

async fn worlds(setup: &Setup) -> Vec<World> {
    let mut worlds = Vec::new();
    for test in stores("dispatcher", crate::store::MIGRATIONS).await {
        worlds.push(World::start(test, setup).await);
    }
    worlds
}

/// Worlds in which nothing runs by itself.
async fn quiet_worlds() -> Vec<World> {
    worlds(&Setup { runs: Runs::Nothing, ..Setup::default() }).await
}

impl World {
    async fn start(test: TestStore, setup: &Setup) -> Self {
        // Only the first test in the process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut servers = JoinSet::new();
        let folder = tempfile::tempdir().unwrap();
        let neighbours = Neighbours::start("dispatcher", &test.clock).await;
        let (store, clock) = (test.store.clone(), test.clock.clone());
        let simulator = simulator::start(Options::new(folder.path().join("witness.jsonl"))).await.unwrap();
        let stop = CancellationToken::new();
        let timing = Timing {
            absence_patience_seconds: setup.patience,
            closure_waits_for_directory_seconds: setup.waits_for_directory,
            ..timing(GATHERS_FOR)
        };
        let channels = channels_of(&simulator, setup);
        let directory_of = crate::directory::Directory::new(neighbours.peer());
        let wired = wire(&store, directory_of, channels, (timing, setup.choices), &stop).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receipts = format!("http://{}/dispatcher/receipts/notify", listener.local_addr().unwrap());
        let bounces = format!("http://{}/dispatcher/bounces", listener.local_addr().unwrap());
        let returns = (Secret::new(BOUNCES_TOKEN), return_path(BOUNCES_TOKEN));
        let routes = crate::receipts::routes(
            store.clone(),
            (wired.receipts, wired.receipt.clone()),
            Secret::new(TOKEN),
        )
        .merge(crate::bounces::routes(store.clone(), wired.bounce, returns));
        servers.spawn(wired.taking);
        servers.spawn(async move { Ok(axum::serve(listener, routes).await?) });
        simulator.send_receipts_to(ReceiptsTo {
            url: receipts.clone(),
            bearer_token: TOKEN.to_owned(),
            after: Duration::ZERO,
            retry_every: Duration::from_millis(50),
        });
        simulator.send_bounces_to(ReceiptsTo {
            url: bounces.clone(),
            bearer_token: BOUNCES_TOKEN.to_owned(),
            after: Duration::ZERO,
            retry_every: Duration::from_millis(50),
        });
        let wakes =
            [Arc::clone(&wired.planner.wake), Arc::clone(&wired.sender.wake), wired.generation.wake()];
        let mut world = Self {
            backend: test.backend,
            school: SchoolId::generate(),
            store,
            clock,
            directory: neighbours.directory.clone(),
            simulator,
            reactions: reactions::all(&wired.hearer),
            api: wired.api,
            planner: Some(wired.planner),
            sender: Some(wired.sender),
            settling: Some(wired.settling),
            receipts,
            bounces,
            receipt: wired.receipt,
            wakes,
            stop,
            work: JoinSet::new(),
            test,
            _folder: folder,
            _neighbours: neighbours,
            _servers: servers,
        };
        if setup.runs == Runs::Everything {
            world.run();
        }
        world
    }

    /// From now on everything runs by itself.
    fn run(&mut self) {
        let (store, stop) = (self.store.clone(), &self.stop);
        self.work.spawn(self.api.generation.clone().follow(store, stop.clone()));
        self.work.spawn(self.planner.take().unwrap().run(stop.clone()));
        self.work.spawn(self.sender.take().unwrap().run(stop.clone()));
        self.work.spawn(self.settling.take().unwrap());
    }

    /// Stops everything, and sees that it ends well.
    async fn end(mut self) {
        self.stop.cancel();
        // The settler goes on for as long as somebody may have something to settle.
        drop(self.sender.take());
        let ended = async {
            while let Some(ended) = self.work.join_next().await {
                ended.unwrap().unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("everything stops");
        self.simulator.stop().await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass by the school's clock.
    fn pass(&self, seconds: i64) {
        self.clock.set(self.now() + SignedDuration::from_secs(seconds));
        self.wakes.iter().for_each(|wake| wake.notify_one());
    }

    /// Lets a gathering leave.
    fn gathered(&self) {
        self.pass(GATHERS_FOR);
    }

    async fn sweep(&self) {
        self.planner.as_ref().unwrap().sweep(self.now()).await.unwrap();
    }

    fn caller(&self) -> Caller {
        Caller { subject: "person-1".to_owned(), tenant: self.school, roles: vec![Role::AttendanceOfficer] }
    }

    fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.extensions_mut().insert(self.caller());
        request
    }

    /// Changes rows behind everybody's back.
    async fn meddle(&self, sql: &str) {
        let tx = self.store.begin().await.unwrap();
        tx.execute_raw(self.statement(sql)).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What was accepted, by address, in the order of acceptance.
    fn received(&self) -> BTreeMap<String, Vec<String>> {
        let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for message in self.simulator.messages() {
            received.entry(message.accepted.to).or_default().push(message.accepted.body);
        }
        received
    }

    /// Completes the one task of a kind, as somebody of the office.
    async fn complete_task(&self, kind: &str) {
        use proto::tasks::v1::tasks_service_server::TasksService;
        let id = format!("SELECT id FROM tasks WHERE kind = '{kind}'");
        let row = self.store.read().query_one_raw(self.statement(&id)).await.unwrap().unwrap();
        let desk = TaskDesk::new(BTreeMap::from([("dispatcher", self.store.clone())]));
        let request = proto::tasks::v1::CompleteTaskRequest {
            request_id: EventId::generate().to_string(),
            service: "dispatcher".to_owned(),
            task_id: row.try_get("", "id").unwrap(),
            outcome: "rang them all".to_owned(),
        };
        desk.complete_task(self.request(request)).await.unwrap();
    }

    /// How often the directory was asked to clear contacts.
    fn times_cleared(&self) -> usize {
        let calls = self.directory.calls();
        calls.iter().filter(|call| matches!(call, Call::ClearContacts(_))).count()
    }

    async fn until_received(&self, number: usize) {
        eventually(&format!("messages on {}", self.backend), number, async || {
            self.simulator.messages().len()
        })
        .await;
    }

    fn dead(&self, address: &str) {
        let failure = simulator::Failure::Permanent;
        self.simulator.behave(Behaviour::Dead { address: address.to_owned(), failure });
    }
}
