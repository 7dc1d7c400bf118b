//! A nats-server of our own, for when none is given: started on a private port and folder, with
//! credentials per service, and started again when it dies.
//!
//! It dies with us (`setpriv --pdeathsig`) and not with the terminal's Ctrl-C, because we need it while we
//! stop. Its folder belongs to one process at a time; a server that outlived a former run is ended
//! first, so that two never write to one folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::permissions::authorization;
use crate::config::Secret;
use crate::folder::{self, DataFolder};
use crate::store::write_private;

/// How often a server that died is started before the process gives up.
const ATTEMPTS: u32 = 5;
/// How long it may take to start, with whatever its streams hold.
const MAY_START_FOR: Duration = Duration::from_secs(30);
/// It takes a few milliseconds, and everybody waits for it.
const LOOKED_FOR_EVERY: Duration = Duration::from_millis(1);

pub use super::permissions::Hearers;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not installed.
    #[error("nats-server is neither in the tools folders nor on PATH: run `make tools`")]
    NotFound,
    /// Another process has a server there.
    #[error(transparent)]
    Taken(#[from] folder::Error),
    /// Its folder cannot be used.
    #[error("the folder of nats-server cannot be used")]
    Folder(#[source] std::io::Error),
    /// It cannot be started.
    #[error("nats-server cannot be started")]
    Start(#[source] std::io::Error),
    /// It ended before it was ready.
    #[error("nats-server ended before it was ready; its words are in {}", log.display())]
    NotReady {
        /// Its log.
        log: PathBuf,
    },
}

/// A supervised nats-server.
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Child,
    passwords: BTreeMap<String, Secret>,
    hearers: Hearers,
    /// Given back after the child has been told to end.
    _alone: DataFolder,
}

impl Server {
    /// Starts a server under `folder` and waits until it takes connections.
    pub async fn start(folder: &Path, tools: &[PathBuf], hearers: Hearers) -> Result<Self, Error> {
        let mut server = Self::begin(folder, tools, hearers).await?;
        server.ready().await?;
        Ok(server)
    }

    /// Starts a server under `folder`. Until it is [ready](Self::ready) nobody knows its port.
    pub async fn begin(folder: &Path, tools: &[PathBuf], hearers: Hearers) -> Result<Self, Error> {
        let program = find(tools).ok_or(Error::NotFound)?;
        // Whoever lives has the lock: what is found with it in our hands has lost its parent.
        let alone = DataFolder::alone(folder)?;
        end_a_leftover(folder).await;
        let passwords = hearers.keys().map(|service| ((*service).to_owned(), Secret::random())).collect();
        // -1 lets the system pick; afterwards the port is kept, so that clients find us again.
        let text = settings(folder, -1, &passwords, &hearers);
        let child = spawn(&program, folder, &text)?;
        let folder = folder.to_owned();
        Ok(Self { program, folder, port: 0, child, passwords, hearers, _alone: alone })
    }

    /// Waits until it takes connections.
    pub async fn ready(&mut self) -> Result<(), Error> {
        self.port = port_of(&mut self.child, &self.folder).await?;
        Ok(())
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The password of a service's user.
    #[must_use]
    pub fn password(&self, service: &str) -> Option<&Secret> {
        self.passwords.get(service)
    }

    /// Watches the server until `stop` and starts it again when it dies; then ends it.
    pub async fn supervise(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                status = self.child.wait() => {
                    tracing::error!(status = ?status.ok(), "nats-server ended; starting it again");
                    self.child = self.start_again().await?;
                }
                () = stop.cancelled() => break,
            }
        }
        if let Some(id) = self.child.id() {
            signal(Signal::TERM, id);
        }
        if tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }

    /// On the port that clients know. One that dies while it starts may do better the next time.
    async fn start_again(&self) -> Result<Child, Error> {
        let text = settings(&self.folder, i32::from(self.port), &self.passwords, &self.hearers);
        let mut started = launch(&self.program, &self.folder, &text).await;
        for attempt in 1..ATTEMPTS {
            let Err(error) = &started else { break };
            tracing::error!(%error, attempt, "nats-server did not start");
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
            started = launch(&self.program, &self.folder, &text).await;
        }
        started.map(|(child, _)| child)
    }

    /// The id of the server's process, for tests that kill it.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }
}

/// The program that would be started.
pub fn installed(tools: &[PathBuf]) -> Result<PathBuf, Error> {
    find(tools).ok_or(Error::NotFound)
}

pub(crate) fn find(tools: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = tools.iter().cloned().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join("nats-server")).find(|file| file.is_file())
}

pub(crate) async fn launch(program: &Path, folder: &Path, settings: &str) -> Result<(Child, u16), Error> {
    let mut child = spawn(program, folder, settings)?;
    let port = port_of(&mut child, folder).await?;
    Ok((child, port))
}

fn spawn(program: &Path, folder: &Path, settings: &str) -> Result<Child, Error> {
    let (file, log) = (folder.join("nats.conf"), log_in(folder));
    write_private(&file, settings.as_bytes()).map_err(Error::Folder)?;
    let out = std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(Error::Folder)?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program).arg("-c").arg(&file);
    // In a group of its own a Ctrl-C that is meant for us does not reach it.
    command.process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(out)).kill_on_drop(true);
    // Numbers of processes come round again: a file of an earlier server must not speak for this one.
    forget_ports(folder).map_err(Error::Folder)?;
    let child = command.spawn().map_err(Error::Start)?;
    std::fs::write(folder.join("nats.pid"), child.id().unwrap_or_default().to_string())
        .map_err(Error::Folder)?;
    Ok(child)
}

/// The port of a server that was launched, which it writes down when it takes connections.
async fn port_of(child: &mut Child, folder: &Path) -> Result<u16, Error> {
    let ports = folder.join(format!("nats-server_{}.ports", child.id().unwrap_or_default()));
    let (began, mut looks) = (Instant::now(), tokio::time::interval(LOOKED_FOR_EVERY));
    while began.elapsed() < MAY_START_FOR {
        looks.tick().await;
        if let Some(port) = read_port(&ports) {
            return Ok(port);
        }
        if child.try_wait().map_err(Error::Start)?.is_some() {
            break;
        }
    }
    child.kill().await.map_err(Error::Start)?;
    Err(Error::NotReady { log: log_in(folder) })
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("nats.log")
}

fn forget_ports(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ports") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn read_port(file: &Path) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let url = ports.get("nats")?.as_array()?.first()?.as_str()?;
    url.rsplit(':').next()?.parse().ok()
}

async fn end_a_leftover(folder: &Path) {
    let Ok(text) = std::fs::read_to_string(folder.join("nats.pid")) else { return };
    let Ok(id) = text.trim().parse::<u32>() else { return };
    if !is_our_server(folder, id) {
        return;
    }
    tracing::warn!("ending a nats-server that outlived its parent");
    signal(Signal::KILL, id);
    // One that nobody waits for stays in /proc without a command line, which is as good as gone.
    for _ in 0..500 {
        if !is_our_server(folder, id) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tracing::error!("a nats-server that outlived its parent does not end");
}

pub(super) fn is_our_server(folder: &Path, id: u32) -> bool {
    let command_line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command_line).contains(&*folder.join("nats.conf").to_string_lossy())
}

fn signal(signal: Signal, id: u32) {
    let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return };
    if let Err(error) = kill_process(process, signal) {
        tracing::error!(%error, "a nats-server could not be signalled");
    }
}

fn settings(folder: &Path, port: i32, passwords: &BTreeMap<String, Secret>, hearers: &Hearers) -> String {
    let users =
        authorization(hearers, |service| format!("{:?}", passwords.get(service).map_or("", Secret::reveal)));
    format!(
        "listen: \"127.0.0.1:{port}\"\nports_file_dir: {}\nserver_name: \"schoolbell\"\n\
         jetstream {{ store_dir: {}, sync_interval: always, max_mem: 64MB }}\n\
         max_payload: 1MB\n{users}",
        quoted_path(folder),
        quoted_path(&folder.join("jetstream")),
    )
}

fn quoted_path(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}
