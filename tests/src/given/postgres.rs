//! A PostgreSQL that can be stopped in the middle of its work and started again.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;

use kit::config::Secret;
use kit::testing::authority::Issued;
use schoolbell::settings::Settings;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::{PORTS_TRIED, end, is_ready, log, some_port};
use crate::apart::compose::root;

/// As `deploy/tools/with-postgres` has it, which nobody but its own command may restart.
const OPTIONS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "shared_buffers=64MB",
    "wal_level=minimal",
    "max_wal_senders=0",
];

/// A PostgreSQL of a test's own.
pub struct GivenPostgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// What the server is run through: it refuses to be root.
    as_server: Vec<String>,
    password: String,
    port: u16,
    shows: bool,
    child: Option<Child>,
}

impl GivenPostgres {
    /// Makes a server and starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let mut postgres = Self::made().await;
        postgres.begin().await;
        postgres
    }

    /// The same with a certificate, which it shows to whoever asks for it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(issued: &Issued) -> Self {
        let mut postgres = Self::made().await;
        postgres.shows = true;
        postgres.show(issued).await;
        postgres.begin().await;
        postgres
    }

    /// Shows this certificate from now on. A server that runs takes a moment to.
    ///
    /// # Panics
    /// When the files cannot be written.
    pub async fn show(&self, issued: &Issued) {
        let data = self.folder.path().join("data");
        for (text, file) in [(&issued.certificate, "server.crt"), (&issued.key, "server.key")] {
            // The server takes only a key of its own that nobody else may read.
            let mut tee = self.through("tee");
            let mut tee =
                tee.arg(data.join(file)).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            tee.stdin.take().expect("its input").write_all(text.as_bytes()).await.unwrap();
            assert!(tee.wait().await.unwrap().success());
            said(self.through("chmod").arg("600").arg(data.join(file))).await;
        }
        if let Some(id) = self.child.as_ref().and_then(Child::id) {
            said(Command::new("kill").args(["-s", "HUP", &id.to_string()])).await;
        }
    }

    async fn made() -> Self {
        let script = root().join("deploy/tools/with-postgres");
        let programs = PathBuf::from(said(Command::new(script).arg("--find")).await);
        let folder = tempfile::tempdir().unwrap();
        let password = uuid::Uuid::now_v7().simple().to_string();
        std::fs::write(folder.path().join("password"), &password).unwrap();
        // The server ends with the thread that started it, which is the test's.
        let mut as_server: Vec<String> = ["--pdeathsig", "QUIT"].map(ToOwned::to_owned).into();
        if said(Command::new("id").arg("-u")).await == "0" {
            let known = Command::new("id").arg("postgres").output().await.unwrap().status.success();
            let user = if known { "postgres" } else { "nobody" };
            let group = said(Command::new("id").args(["-g", user])).await;
            as_server
                .extend(["--reuid", user, "--regid", group.as_str(), "--init-groups"].map(ToOwned::to_owned));
            said(Command::new("chown").args(["-R", user]).arg(folder.path())).await;
        }
        let postgres = Self { folder, programs, as_server, password, port: 0, shows: false, child: None };
        postgres.make().await;
        postgres
    }

    async fn begin(&mut self) {
        for _ in 0..PORTS_TRIED {
            if self.child.is_none() {
                self.port = some_port();
                self.child = self.launch().await;
            }
        }
        assert!(self.child.is_some(), "PostgreSQL does not start: {}", self.words());
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// One of PostgreSQL's programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// `postgres://user:password@host:port`, where the user may do everything.
    #[must_use]
    pub fn address(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// Gives it to an installation.
    pub fn give(&self, settings: &mut Settings) {
        settings.store.postgres = Some(Secret::new(self.address()));
    }

    /// Ends it at once, as `pg_ctl stop -m immediate` does: nothing is finished or written out.
    ///
    /// # Panics
    /// When it is away already.
    pub async fn leave(&mut self) {
        end(self.child.take().expect("a server that is there"), "QUIT").await;
    }

    /// Starts it again, on what it had written.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn come_back(&mut self) {
        self.child = self.launch().await;
        assert!(self.child.is_some(), "PostgreSQL does not come back: {}", self.words());
    }

    /// Ends the server.
    pub async fn stop(mut self) {
        self.leave().await;
    }

    fn command(&self, program: &str) -> Command {
        self.through(self.programs.join(program))
    }

    /// A program that runs as the server does.
    fn through(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(&self.as_server).arg(program);
        command.current_dir(self.folder.path()).env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    async fn make(&self) {
        let folder = self.folder.path();
        let mut command = self.command("initdb");
        command.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(folder.join("password"));
        // Not by challenge: a debug build would count for seconds before each of many connections.
        command.args(["--username", "postgres", "--auth", "password"]);
        said(command.args(["--encoding", "UTF8", "--no-locale", "--no-sync"])).await;
    }

    /// None when the server ended before it was ready.
    async fn launch(&self) -> Option<Child> {
        let path = self.folder.path().join("server.log");
        let (words, before) = log(&path);
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.path().join("data")).args(["-p", &self.port.to_string()]);
        command.args(OPTIONS.iter().flat_map(|option| ["-c", option]));
        if self.shows {
            command.args(["-c", "ssl=on"]);
        }
        let mut child = command.stdout(Stdio::null()).stderr(words).spawn().unwrap();
        let ready = || {
            let words = std::fs::read_to_string(&path).unwrap().split_off(before);
            words.contains("ready to accept connections").then_some(())
        };
        is_ready(&mut child, ready).await.map(|()| child)
    }

    fn words(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }
}

/// What a command says, which must end well.
async fn said(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
