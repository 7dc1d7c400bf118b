//! A nats-server that can be stopped, killed and emptied: with settings of the test's, or with those that
//! are deployed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kit::bus::permissions::authorization;
use kit::bus::{Access, Bus, consumer_name};
use kit::config::{Secret, Tls};
use schoolbell::app;
use schoolbell::settings::Settings;
use tokio::process::{Child, Command};

use super::{PORTS_TRIED, end, is_ready, log, some_port};
use crate::apart::compose::root;
use crate::installation::tools;
use crate::wait::until;

/// How a server goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It is asked to end, and comes back with what it had stored.
    Stopped,
    /// It is killed, and comes back with what it had stored.
    Killed,
    /// It is killed, and comes back with nothing.
    Emptied,
}

/// A nats-server with the permissions of an installation.
pub struct GivenNats {
    folder: PathBuf,
    port: u16,
    passwords: BTreeMap<String, Secret>,
    deployed: Option<Deployed>,
    child: Option<Child>,
}

/// What `deploy/nats.conf` is told about the machine.
struct Deployed {
    /// The file.
    text: String,
    /// The passwords, as the file reads them.
    environment: BTreeMap<String, String>,
    /// What the server shows, and whom its callers believe.
    tls: Tls,
}

/// The prefix of the variables in which `deploy/nats.conf` looks for passwords.
const PASSWORD: &str = "NATS_PASSWORD_";

impl GivenNats {
    /// Starts a server under `folder`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(folder: &Path) -> Self {
        let passwords = app::all().into_iter().map(|service| (service, Secret::random())).collect();
        let folder = folder.join("given-nats");
        Self { folder, port: 0, passwords, deployed: None, child: None }.started().await
    }

    /// Starts a server under `folder` with `deploy/nats.conf`, whose passwords stand in an environment and
    /// whose `tls` block is taken in as the file says.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_as_deployed(folder: &Path, environment: BTreeMap<String, String>, tls: Tls) -> Self {
        let name = |key: &str| key.strip_prefix(PASSWORD).map(str::to_lowercase);
        let password = |(key, value): (&String, &String)| Some((name(key)?, Secret::new(value)));
        let passwords = environment.iter().filter_map(password).collect();
        let text = std::fs::read_to_string(root().join("deploy/nats.conf")).unwrap();
        let (folder, deployed) = (folder.to_owned(), Some(Deployed { text, environment, tls }));
        Self { folder, port: 0, passwords, deployed, child: None }.started().await
    }

    async fn started(self) -> Self {
        let mut nats = self;
        std::fs::create_dir_all(&nats.folder).unwrap();
        for _ in 0..PORTS_TRIED {
            if nats.child.is_none() {
                nats.port = some_port();
                nats.child = nats.launch().await;
            }
        }
        assert!(nats.child.is_some(), "nats-server does not start: {}", nats.words());
        nats
    }

    /// Gives it to an installation.
    pub fn give(&self, settings: &mut Settings) {
        settings.nats.url = Some(self.url());
        settings.nats.passwords.clone_from(&self.passwords);
        // What was handed out before the server went away is handed out again soon.
        settings.nats.ack_wait = Duration::from_secs(5);
    }

    /// A connection in the name of a service.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn bus(&self, service: &'static str) -> Bus {
        let (url, password) = (self.url(), self.passwords.get(service));
        let authorities = self.deployed.as_ref().and_then(|deployed| deployed.tls.authorities.as_deref());
        let access = Access { url: &url, password, authorities, replicas: 1 };
        Bus::connect(service, access).await.unwrap()
    }

    /// Takes the server away.
    ///
    /// # Panics
    /// When it is away already.
    pub async fn leave(&mut self, departure: Departure) {
        let child = self.child.take().expect("a server that is there");
        let signal = if departure == Departure::Stopped { "TERM" } else { "KILL" };
        end(child, signal).await;
        if departure == Departure::Emptied {
            std::fs::remove_dir_all(self.folder.join("store")).unwrap();
        }
    }

    /// Puts it back where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn come_back(&mut self) {
        self.child = self.launch().await;
        assert!(self.child.is_some(), "nats-server does not come back: {}", self.words());
    }

    /// Starts it again with other settings than are deployed.
    ///
    /// # Panics
    /// When it does not start, or the change changes nothing.
    pub async fn changed(&mut self, change: impl Fn(String) -> String) {
        let deployed = self.deployed.as_mut().expect("a server as it is deployed");
        let original = std::fs::read_to_string(root().join("deploy/nats.conf")).unwrap();
        deployed.text = change(original.clone());
        assert_ne!(deployed.text, original, "nothing was changed");
        self.leave(Departure::Stopped).await;
        self.come_back().await;
    }

    /// Waits until every consumer has heard everything, and has said so.
    ///
    /// # Panics
    /// When one does not.
    pub async fn is_heard(&self) {
        let mut hearers = Vec::new();
        for (hearer, sayers) in app::HEARERS {
            hearers.push((hearer, sayers, self.bus(hearer).await));
        }
        let look = || async {
            let mut waiting = Vec::new();
            for (hearer, sayers, bus) in &hearers {
                for sayer in *sayers {
                    let name = consumer_name(hearer, sayer);
                    let stream = bus.stream_of(sayer).await.unwrap();
                    let info = stream.consumer_info(&name).await.unwrap();
                    if (info.num_pending, info.num_ack_pending) != (0, 0) {
                        waiting.push((name, info.num_pending, info.num_ack_pending));
                    }
                }
            }
            waiting
        };
        until("hearing", look, Vec::is_empty).await;
        for (_, _, bus) in &hearers {
            bus.close().await;
        }
    }

    /// Ends the server.
    ///
    /// # Panics
    /// When it is away.
    pub async fn stop(mut self) {
        end(self.child.take().expect("a server that is there"), "TERM").await;
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        match self.deployed {
            Some(_) => format!("tls://localhost:{}", self.port),
            None => format!("nats://127.0.0.1:{}", self.port),
        }
    }

    fn words(&self) -> String {
        std::fs::read_to_string(self.folder.join("nats.log")).unwrap_or_default()
    }

    /// None when the server ended before it was ready.
    async fn launch(&self) -> Option<Child> {
        let file = self.folder.join("nats.conf");
        std::fs::write(&file, self.settings()).unwrap();
        let (words, _) = log(&self.folder.join("nats.log"));
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(tools().join("nats-server"))
            .arg("-c")
            .arg(&file)
            .envs(self.deployed.iter().flat_map(|deployed| &deployed.environment))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(words)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // The server writes this file when it takes connections.
        let ports = self.folder.join(format!("nats-server_{}.ports", child.id()?));
        let ready = is_ready(&mut child, || ports.exists().then_some(())).await;
        ready.map(|()| child)
    }

    fn settings(&self) -> String {
        if let Some(deployed) = &self.deployed {
            return deployed.settings(&self.folder, self.port);
        }
        let hearers = app::HEARERS.iter().map(|(name, sayers)| (*name, sayers.to_vec())).collect();
        let users = authorization(&hearers, |service| format!("{:?}", self.passwords[service].reveal()));
        format!(
            "listen: \"127.0.0.1:{}\"\nports_file_dir: \"{}\"\nserver_name: \"given\"\n\
             jetstream {{ store_dir: \"{}\", sync_interval: always, max_mem: 64MB }}\nmax_payload: 1MB\n{users}",
            self.port,
            self.folder.display(),
            self.folder.join("store").display(),
        )
    }
}

impl Deployed {
    /// The file with what a person changes in it: the address, the folder and the certificate.
    fn settings(&self, folder: &Path, port: u16) -> String {
        let mut text = self.text.clone();
        let block: Vec<&str> = text.lines().skip_while(|line| *line != "# tls {").collect();
        let end = block.iter().position(|line| *line == "# }").expect("the end of the tls block");
        let block = block[..=end].join("\n");
        let taken_in = block.replace("\n# ", "\n").replacen("# ", "", 1);
        let [certificate, key] =
            [&self.tls.certificate, &self.tls.key].map(|path| quoted(path.as_ref().unwrap()));
        for (theirs, ours) in [
            (block, taken_in),
            ("\"/etc/nats/tls/chain.pem\"".to_owned(), certificate),
            ("\"/etc/nats/tls/key.pem\"".to_owned(), key),
            ("\"0.0.0.0:4222\"".to_owned(), format!("\"127.0.0.1:{port}\"")),
            ("\"/data\"".to_owned(), quoted(&folder.join("store"))),
        ] {
            assert!(text.contains(&theirs), "deploy/nats.conf has no {theirs}");
            text = text.replacen(&theirs, &ours, 1);
        }
        format!("ports_file_dir: {}\n{text}", quoted(folder))
    }
}

fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}
