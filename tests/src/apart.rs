//! Schoolbell in processes of its own, which can be killed: some services, or with [`Apart`] all of
//! them as `docker-compose.yml` says.

pub mod compose;
pub mod ground;
pub mod mortal;
pub mod protected;
mod whole;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use kit::bus::server::Server;
use schoolbell::app;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::given::{PORTS_TRIED, some_port};
use crate::installation::tools;
use crate::wait::until;

pub use whole::Apart;

/// What a process writes down; `info` unless a test says otherwise.
const LOG: &str = "SCHOOLBELL__TELEMETRY__LOG";

/// A process of `schoolbell run …`.
pub struct Process {
    child: Child,
    /// Where it serves gRPC.
    pub grpc: String,
    /// Where it serves HTTP.
    pub http: String,
}

impl Process {
    /// Starts some services and waits until they serve.
    pub async fn run(config: &Path, services: &[&str], log: &Path) -> Self {
        let mut command = Command::new(binary());
        command.arg("--config").arg(config).arg("run").args(services);
        Self::serve(command, log).await
    }

    /// Starts a command of `schoolbell run` and waits until it serves. What it says goes to `log`.
    pub async fn serve(command: Command, log: &Path) -> Self {
        Self::try_to_serve(command, log).await.map_err(|words| format!("it does not serve: {words}")).unwrap()
    }

    /// Starts a command at places that the system gives nobody, so that they are free when it is put
    /// back there after it died.
    async fn serve_for_good(command: impl Fn(&str, &str) -> Command, log: &Path) -> Self {
        let mut tried = Err(String::new());
        for _ in 0..PORTS_TRIED {
            let [grpc, http] = [some_port(), some_port()].map(|port| format!("127.0.0.1:{port}"));
            tried = Self::try_to_serve(command(&grpc, &http), log).await;
            if !matches!(&tried, Err(words) if words.contains("port cannot be bound")) {
                break;
            }
        }
        tried.map_err(|words| format!("it does not serve: {words}")).unwrap()
    }

    /// What it said instead, when it does not serve.
    async fn try_to_serve(mut command: Command, log: &Path) -> Result<Self, String> {
        let words = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let before = std::fs::read_to_string(log).unwrap().len();
        let says = |(key, _): (&std::ffi::OsStr, _)| key == LOG;
        if !command.as_std().get_envs().any(says) {
            command.env(LOG, "info");
        }
        let child = command
            .env("SCHOOLBELL__TELEMETRY__LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(words)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = log.to_owned();
        let look = || async { std::fs::read_to_string(&log).unwrap().split_off(before) };
        let spoken = |text: &String| text.contains("\"message\":\"serving\"") || text.contains("Error: ");
        let text = until("serving", look, spoken).await;
        let line = text.lines().find(|line| line.contains("\"message\":\"serving\""));
        let Some(line) = line else { return Err(text) };
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let place = |key: &str| line[key].as_str().unwrap().to_owned();
        Ok(Self { child, grpc: place("grpc"), http: place("http") })
    }

    /// What its HTTP port answers when it is asked for its health.
    pub async fn health(&self) -> String {
        let asking = async {
            let mut stream = tokio::net::TcpStream::connect(&self.http).await?;
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        asking.await.unwrap_or_else(|error| error.to_string())
    }

    fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// SIGKILL: nothing is finished, flushed or said.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, which must end with code 0.
    pub async fn end(self) {
        let status = self.told_to_end().await;
        assert!(status.success(), "{status}");
    }

    async fn told_to_end(mut self) -> ExitStatus {
        if let Some(id) = self.child.id() {
            Command::new("kill").args(["-s", "TERM", &id.to_string()]).status().await.unwrap();
        }
        tokio::time::timeout(crate::wait::PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }
}

/// The binary, which `cargo test --workspace` builds beside the tests.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let binary = tests.parent().and_then(Path::parent).unwrap().join("schoolbell");
    assert!(binary.exists(), "{} is missing: run `cargo build -p schoolbell`", binary.display());
    binary
}

/// A nats-server for processes that run apart, and the settings that lead to it.
pub struct Nats {
    /// What is added to the file of settings.
    pub settings: String,
    stop: CancellationToken,
    supervisor: tokio::task::JoinSet<()>,
}

impl Nats {
    /// Starts a server under `folder`.
    pub async fn start(folder: &Path) -> Self {
        let hearers: BTreeMap<_, _> =
            app::HEARERS.iter().map(|(name, sayers)| (*name, sayers.to_vec())).collect();
        let server = Server::start(&folder.join("nats"), &[tools()], hearers).await.unwrap();
        let mut settings = format!("url = {:?}\n[nats.passwords]\n", server.url());
        for (service, _) in app::HEARERS {
            writeln!(settings, "{service} = {:?}", server.password(service).unwrap().reveal()).unwrap();
        }
        let stop = CancellationToken::new();
        let mut supervisor = tokio::task::JoinSet::new();
        let watched = stop.clone();
        supervisor.spawn(async move { server.supervise(watched).await.unwrap() });
        Self { settings, stop, supervisor }
    }

    /// Ends the server.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.supervisor.join_next().await.is_some() {}
    }
}
