//! The whole of Schoolbell apart: what `docker-compose.yml` runs in containers, as processes on this
//! machine, each with its own key and login, over a nats-server with `deploy/nats.conf` and a
//! PostgreSQL that `deploy/postgres/init.sql` has prepared.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use kit::clock::Clock;
use kit::identity::{Keys, Signer};
use kit::testing::Postgres;
use schoolbell::app::PEOPLE;
use schoolbell::demo::doors::Doors;
use tokio::process::{Child, Command};
use tonic::transport::Channel;

use super::compose::{Compose, Container, Translation, root};
use super::{Process, binary};
use crate::installation::{Installation, tools};
use crate::wait::until;

/// What the tests need otherwise than an installation: no waiting for the time at which the register
/// closes, and facts handed out again soon after their hearer was killed.
const OTHERWISE: [(&str, &str); 2] =
    [("SCHOOLBELL__ABSENCES__CLOSE_AT_REGISTER_TIME", "false"), ("SCHOOLBELL__NATS__ACK_WAIT", "5s")];

/// Every service in processes of its own.
pub struct Apart {
    replicas: BTreeMap<String, Vec<Replica>>,
    signer: Signer,
    folder: PathBuf,
    clock: Clock,
    translation: Translation,
    compose: Compose,
    _nats: Child,
    _postgres: Postgres,
}

/// One of the processes of a service. Killed, it is put back where it was.
struct Replica {
    process: Process,
    /// What its container keeps.
    data: PathBuf,
}

impl Apart {
    /// Makes keys and passwords as an operator does, and starts everything that compose starts. All
    /// of it goes by one clock.
    pub async fn start(installation: Installation<'_>, clock: Clock) -> Self {
        let folder = installation.folder;
        let (compose, secrets) = (Compose::read(), folder.join("secrets"));
        let made = Command::new(binary()).arg("keys").arg(&secrets).output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut translation = Translation::with_variables(&secrets.join("compose.env"));
        let postgres = Postgres::start().await;
        prepare(&postgres, &translation.environment(&compose.services["postgres"])).await;
        let environment = translation.environment(&compose.services["nats"]);
        let (nats, port) = start_nats(folder, &environment).await;
        translation.put("nats:4222", format!("127.0.0.1:{port}"));
        let (_, server) = postgres.address.rsplit_once('@').unwrap();
        translation.put("postgres:5432", server);
        std::fs::write(folder.join("providers.toml"), installation.providers()).unwrap();
        let keys = Keys::open(&secrets.join("keys"), &[PEOPLE]).unwrap();
        let mut apart = Self {
            replicas: BTreeMap::new(),
            signer: keys.signer(PEOPLE).unwrap(),
            folder: folder.to_owned(),
            clock,
            translation,
            compose,
            _nats: nats,
            _postgres: postgres,
        };
        apart.start_all().await;
        apart
    }

    /// Each service after those that it asks, whose ports are not known before they serve.
    async fn start_all(&mut self) {
        let mut waiting: BTreeMap<String, Container> =
            self.compose.ours().map(|(name, container)| (name.clone(), container.clone())).collect();
        while !waiting.is_empty() {
            let asks = |container: &Container, name: &String| {
                container.environment.values().any(|value| value.contains(&format!("//{name}:7400")))
            };
            let next = waiting.iter().find(|(_, one)| !waiting.keys().any(|name| asks(one, name)));
            let (name, replicas) =
                next.map(|(name, one)| (name.clone(), one.deploy.replicas)).expect("no circle of questions");
            waiting.remove(&name);
            for place in 1..=replicas {
                let data = self.folder.join(format!("data-{name}-{place}"));
                let command = |grpc: &str, http: &str| self.command(&name, &data, (grpc, http));
                let process = Process::serve_for_good(command, &self.log()).await;
                until("health", || process.health(), |answer| answer.ends_with("serving")).await;
                self.replicas.entry(name.clone()).or_default().push(Replica { process, data });
            }
            let first = self.replicas[&name][0].process.grpc.clone();
            self.translation.put(format!("//{name}:7400"), format!("//{first}"));
        }
    }

    /// A process of a service that speaks gRPC and HTTP there.
    fn command(&self, service: &str, data: &Path, (grpc, http): (&str, &str)) -> Command {
        let container = &self.compose.services[service];
        let mut translation = self.translation.clone();
        translation.put("0.0.0.0:7400", grpc);
        translation.put("0.0.0.0:7401", http);
        translation.put("/var/lib/schoolbell", data.display().to_string());
        let secrets = self.folder.join("secrets");
        let providers = self.folder.join("providers.toml");
        translation.see(container, &[("deploy/secrets", secrets), ("deploy/trial.toml", providers)]);
        let mut command = Command::new(binary());
        command.env_clear().current_dir(&self.folder);
        command.args(container.command.iter().map(|argument| translation.of(argument)));
        command.envs(translation.environment(container)).envs(OTHERWISE);
        command.env("SCHOOLBELL__CLOCK_AHEAD_BY", self.clock.ahead().to_string());
        command
    }

    /// Kills the first replica of a service, which stays away.
    pub async fn kill_one(&mut self, service: &str) {
        self.replicas.get_mut(service).expect("a service").remove(0).process.kill().await;
    }

    /// Kills a replica of a service, and starts it again in its place when `return_now` comes.
    pub async fn kill_for_a_while(&mut self, (service, place): (&str, usize), return_now: impl Future) {
        let replica = self.replicas.get_mut(service).expect("a service").remove(place);
        let (grpc, http) = (replica.process.grpc.clone(), replica.process.http.clone());
        replica.process.kill().await;
        return_now.await;
        let command = self.command(service, &replica.data, (&grpc, &http));
        let process = Process::serve(command, &self.log()).await;
        until("health", || process.health(), |answer| answer.ends_with("serving")).await;
        let replicas = self.replicas.get_mut(service).expect("a service");
        replicas.insert(place, Replica { process, data: replica.data });
    }

    /// Every replica, by service and place.
    #[must_use]
    pub fn everybody(&self) -> Vec<(String, usize)> {
        let replicas = self.replicas.iter();
        replicas.flat_map(|(name, all)| (0..all.len()).map(|place| (name.clone(), place))).collect()
    }

    /// Where each replica of each service is reached.
    #[must_use]
    pub fn doors(&self) -> Doors {
        let place = |replica: &Replica| replica.process.grpc.parse().unwrap();
        let of = |replicas: &Vec<Replica>| replicas.iter().map(place).collect();
        let places = self.replicas.iter().map(|(name, replicas)| (name.clone(), of(replicas))).collect();
        Doors::at(places, self.http("website")).unwrap()
    }

    /// A connection to the first replica of a service that is left.
    pub async fn channel(&self, service: &str) -> Channel {
        let address = format!("http://{}", self.replicas[service][0].process.grpc);
        Channel::from_shared(address).unwrap().connect().await.unwrap()
    }

    /// Where the first replica of a service that is left serves HTTP.
    #[must_use]
    pub fn http(&self, service: &str) -> SocketAddr {
        self.replicas[service][0].process.http.parse().unwrap()
    }

    /// Signs in people.
    #[must_use]
    pub fn signer(&self) -> Signer {
        self.signer.clone()
    }

    /// What all processes say.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("schoolbell.log")
    }

    /// Ends every process, each of which must end well.
    pub async fn stop(self) {
        let mut ending = tokio::task::JoinSet::new();
        for replica in self.replicas.into_values().flatten() {
            ending.spawn(replica.process.end());
        }
        ending.join_all().await;
    }
}

/// The databases and logins, by the file that PostgreSQL's image runs at its first start.
async fn prepare(postgres: &Postgres, environment: &BTreeMap<String, String>) {
    let found = Command::new(root().join("deploy/tools/with-postgres")).arg("--find").output().await.unwrap();
    let folder = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
    let psql = Some(folder.join("psql")).filter(|file| file.exists()).unwrap_or_else(|| "psql".into());
    let done = Command::new(psql)
        .arg(format!("{}/postgres", postgres.address))
        .args(["--quiet", "--no-psqlrc", "--file"])
        .arg(root().join("deploy/postgres/init.sql"))
        .envs(environment)
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// With the settings that are installed; only the address and the folder are the test's.
async fn start_nats(folder: &Path, environment: &BTreeMap<String, String>) -> (Child, u16) {
    let folder = folder.join("nats");
    std::fs::create_dir_all(&folder).unwrap();
    let log = std::fs::File::create(folder.join("nats.log")).unwrap();
    let mut settings = std::fs::read_to_string(root().join("deploy/nats.conf")).unwrap();
    for (theirs, ours) in [
        ("\"0.0.0.0:4222\"", "\"127.0.0.1:-1\"".to_owned()),
        ("\"/data\"", format!("{:?}", folder.join("store").display().to_string())),
    ] {
        assert!(settings.contains(theirs), "deploy/nats.conf has no {theirs}");
        settings = settings.replace(theirs, &ours);
    }
    let file = folder.join("nats.conf");
    std::fs::write(&file, settings).unwrap();
    let child = Command::new(tools().join("nats-server"))
        .arg("-c")
        .arg(file)
        .arg("--ports_file_dir")
        .arg(&folder)
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ports = folder.join(format!("nats-server_{}.ports", child.id().unwrap()));
    let read = || async { port_in(&std::fs::read(&ports).unwrap_or_default()) };
    let port = until("a port of nats-server", read, Option::is_some).await;
    (child, port.unwrap())
}

fn port_in(ports: &[u8]) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_slice(ports).ok()?;
    ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
}
