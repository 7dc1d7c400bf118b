//! A process that a measurement starts: until when it gets ready, what it says, how much memory it holds, how it ends.
//!
//! It is ended whatever happens to us: by a signal that the kernel sends when we are gone.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// How long anything may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// The place of `utime` behind the name, with `stime` beside it: see proc(5).
const IN_USER_MODE: usize = 11;
/// Of that file a second, on every machine that Linux runs on today.
const TICKS: u64 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where a process says that it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// On its standard output.
    Out,
    /// On its standard error.
    Error,
}

/// A running process.
pub struct Process {
    child: Child,
    name: &'static str,
    /// Writes down what it says after it was ready.
    words: JoinSet<()>,
    /// From its start until it was ready.
    pub ready_after: Duration,
}

impl Process {
    /// A command that is asked to end when we are gone.
    pub fn command(program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(program);
        command
    }

    /// Starts a command and reads its lines until one of them says what is waited for.
    pub async fn start<T>(
        name: &'static str,
        mut command: Command,
        (voice, log): (Voice, &Path),
        ready: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        let other = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::piped()).kill_on_drop(true);
        match voice {
            Voice::Out => command.stdout(Stdio::piped()).stderr(other),
            Voice::Error => command.stdout(Stdio::null()).stderr(Stdio::piped()),
        };
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        let log = tokio::fs::OpenOptions::new().create(true).append(true).open(log).await?;
        let mut words = JoinSet::new();
        let said = match voice {
            Voice::Out => listen(child.stdout.take(), (log, &mut words), ready).await,
            Voice::Error => listen(child.stderr.take(), (log, &mut words), ready).await,
        };
        let ready_after = started.elapsed();
        let said = said.with_context(|| format!("{name} did not get ready"))?;
        Ok((Self { child, name, words, ready_after }, said))
    }

    /// Starts a command that says nothing when it is ready.
    pub fn silent(name: &'static str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { child, name, words: JoinSet::new(), ready_after: Duration::ZERO })
    }

    /// Waits until it takes connections there; false when it ends before.
    pub async fn serves(&mut self, address: &str) -> anyhow::Result<bool> {
        let (mut ticks, until) = (tokio::time::interval(LOOK_EVERY), Instant::now() + PATIENCE);
        loop {
            ticks.tick().await;
            if self.has_ended()? {
                return Ok(false);
            }
            if TcpStream::connect(address).await.is_ok() {
                return Ok(true);
            }
            ensure!(Instant::now() < until, "{} does not serve", self.name);
        }
    }

    /// The most memory that it held so far, in MiB.
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        self.status("VmHWM:")
    }

    /// The memory that it holds, in MiB.
    pub fn memory(&self) -> anyhow::Result<f64> {
        self.status("VmRSS:")
    }

    /// The time that it has spent on processors so far.
    pub fn processor_time(&self) -> anyhow::Result<Duration> {
        let id = self.child.id().with_context(|| format!("{} has ended", self.name))?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // Its name stands in brackets and may hold anything; what is counted from there on has fixed places.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace()).context("no stat")?;
        let ticks = fields.skip(IN_USER_MODE).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 1_000 / TICKS))
    }

    fn status(&self, key: &str) -> anyhow::Result<f64> {
        let id = self.child.id().with_context(|| format!("{} has ended", self.name))?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kib = line.and_then(|line| line.split_whitespace().next()).context("no such line of status")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Asks it to end, and sees to it that it does.
    pub async fn end(mut self) -> anyhow::Result<()> {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            kill_process(id, Signal::TERM)?;
        }
        drop(self.child.stdin.take());
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
            bail!("{} did not end when it was asked", self.name);
        }
        while self.words.join_next().await.is_some() {}
        Ok(())
    }
}

async fn listen<T>(
    voice: Option<impl AsyncRead + Unpin + Send + 'static>,
    (mut log, words): (tokio::fs::File, &mut JoinSet<()>),
    ready: impl Fn(&str) -> Option<T>,
) -> anyhow::Result<T> {
    let mut lines = BufReader::new(voice.context("it has no voice")?).lines();
    let first = async {
        while let Some(line) = lines.next_line().await? {
            log.write_all(format!("{line}\n").as_bytes()).await?;
            if let Some(said) = ready(&line) {
                return Ok(said);
            }
        }
        bail!("it ended; its last words are in its log")
    };
    let said = tokio::time::timeout(PATIENCE, first).await.context("it took too long")??;
    words.spawn(async move {
        // A log that cannot be written must not stop the process that writes it.
        let _ = write_down(lines, log).await;
    });
    Ok(said)
}

async fn write_down(
    mut lines: Lines<BufReader<impl AsyncRead + Unpin>>,
    mut log: tokio::fs::File,
) -> std::io::Result<()> {
    while let Some(line) = lines.next_line().await? {
        log.write_all(format!("{line}\n").as_bytes()).await?;
    }
    log.flush().await
}

/// Waits until a command ends well, for no longer than a time; gives what it printed.
pub async fn output(name: &str, command: &mut Command, patience: Duration) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output =
        tokio::time::timeout(patience, output).await.with_context(|| format!("{name} took too long"))??;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
