//! Every service in a process of its own with TLS all the way: what `docker-compose.yml` runs, with what
//! `deploy/README.md` says that production needs, on a [`Ground`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use kit::clock::Clock;
use kit::config;
use kit::identity::{Keys, Signer};
use kit::tls::Tls;
use schoolbell::app::PEOPLE;
use tokio::process::Command;
use tonic::transport::Channel;

use super::compose::{Compose, Translation};
use super::ground::{Ground, HERE};
use super::{Process, binary};

/// How much is allowed, and what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A Tuesday in term, ten to nine.
    Trial,
    /// Now. Production knows no other time.
    Production,
}

impl Standing {
    fn clock(self) -> Clock {
        match self {
            Self::Trial => Clock::starting_at("2026-11-24T08:50:00Z".parse().unwrap()),
            Self::Production => Clock::system(),
        }
    }

    /// What a test needs otherwise than an installation: no waiting, facts handed out again soon after
    /// their hearer was killed, and one clock for all processes.
    fn settings(self, clock: &Clock) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("SCHOOLBELL__ABSENCES__CLOSE_AT_REGISTER_TIME", "false".to_owned()),
            ("SCHOOLBELL__NATS__ACK_WAIT", "5s".to_owned()),
        ];
        settings.extend(match self {
            Self::Trial => vec![("SCHOOLBELL__CLOCK_AHEAD_BY", clock.ahead().to_string())],
            Self::Production => vec![
                ("SCHOOLBELL__MODE", "production".to_owned()),
                ("SCHOOLBELL__CONSOLE__PUBLIC_URL", "https://console.example.org".to_owned()),
            ],
        });
        settings
    }
}

/// The processes, and what it takes to start more of them.
pub struct Protected {
    /// By service.
    pub processes: BTreeMap<String, Process>,
    /// Whom everybody here believes.
    pub tls: Tls,
    /// The same as a file of PEM.
    pub authorities: PathBuf,
    standing: Standing,
    clock: Clock,
    compose: Compose,
    translation: Translation,
    signer: Signer,
    folder: PathBuf,
    secrets: PathBuf,
}

impl Protected {
    /// Starts nothing yet. `providers` is the dispatcher's part of the settings.
    #[must_use]
    pub fn on(ground: &Ground, folder: &Path, standing: Standing, providers: &str) -> Self {
        std::fs::write(folder.join("providers.toml"), providers).unwrap();
        let keys = Keys::open(&ground.secrets.join("keys"), &[PEOPLE]).unwrap();
        let translation = nobody_yet(ground);
        Self {
            processes: BTreeMap::new(),
            tls: Tls::read(&ground.trust).unwrap(),
            authorities: ground.trust.authorities.clone().unwrap(),
            standing,
            clock: standing.clock(),
            compose: Compose::read(),
            translation,
            signer: keys.signer(PEOPLE).unwrap(),
            folder: folder.to_owned(),
            secrets: ground.secrets.clone(),
        }
    }

    /// Starts one process of every service, each after those that it asks.
    pub async fn start_all(&mut self, ground: &Ground) {
        self.translation = nobody_yet(ground);
        for (name, _) in self.compose.in_order() {
            let command = self.command(&name, &ground.certificate(&name));
            let process = Process::serve(command, &self.log()).await;
            let port = process.grpc.rsplit(':').next().unwrap();
            self.translation.put(format!("http://{name}:7400"), format!("https://{HERE}:{port}"));
            self.processes.insert(name, process);
        }
    }

    /// The command of a service's container, with a certificate of its own. A test may change it.
    #[must_use]
    pub fn command(&self, service: &str, tls: &config::Tls) -> Command {
        let container = &self.compose.services[service];
        let mut translation = self.translation.clone();
        let data = self.folder.join(format!("data-{service}"));
        translation.put("/var/lib/schoolbell", data.display().to_string());
        let providers = self.folder.join("providers.toml");
        let instead = [("deploy/secrets", self.secrets.clone()), ("deploy/trial.toml", providers)];
        translation.see(container, &instead);
        let mut command = Command::new(binary());
        command.env_clear().current_dir(&self.folder).kill_on_drop(true);
        command.args(container.command.iter().map(|argument| translation.of(argument)));
        command.envs(translation.environment(container)).envs(self.standing.settings(&self.clock));
        for (key, path) in
            [("CERTIFICATE", &tls.certificate), ("KEY", &tls.key), ("AUTHORITIES", &tls.authorities)]
        {
            command.envs(path.as_ref().map(|path| (format!("SCHOOLBELL__TLS__{key}"), path)));
        }
        command
    }

    /// What a command says that is given the settings of a service: `check SERVICE`, not `run SERVICE`.
    pub async fn said_by(&self, mut command: Command, words: &[&str]) -> Output {
        let given = command.as_std();
        let config: Vec<_> =
            given.get_args().take_while(|argument| *argument != "run").map(Into::into).collect();
        let environment: Vec<(std::ffi::OsString, _)> =
            given.get_envs().filter_map(|(key, value)| Some((key.into(), value?.to_owned()))).collect();
        let config: Vec<std::ffi::OsString> = config;
        command = Command::new(binary());
        command.env_clear().envs(environment).current_dir(&self.folder).args(config).args(words);
        command.output().await.unwrap()
    }

    /// What a command says to whoever works at the command line, whose settings compose has too.
    pub async fn at_the_command_line(&self, words: &[&str]) -> Output {
        let container = &self.compose.services["command"];
        let mut translation = self.translation.clone();
        translation.see(container, &[("deploy/secrets", self.secrets.clone())]);
        translation.put("/var/lib/schoolbell", self.folder.join("data-command").display().to_string());
        let mut command = Command::new(binary());
        command.env_clear().current_dir(&self.folder).envs(translation.environment(container));
        command
            .envs(self.standing.settings(&self.clock))
            .env("SCHOOLBELL__TLS__AUTHORITIES", &self.authorities);
        command.arg("--config").arg(self.secrets.join("identity.toml")).args(words);
        command.output().await.unwrap()
    }

    /// Takes a process out, to be killed or ended.
    pub fn take(&mut self, service: &str) -> Process {
        self.processes.remove(service).expect("a service")
    }

    /// A connection to a service.
    pub async fn channel(&self, service: &str) -> Channel {
        let port = self.processes[service].grpc.rsplit(':').next().unwrap();
        self.tls.endpoint(format!("https://{HERE}:{port}")).unwrap().connect().await.unwrap()
    }

    /// Where a service serves HTTP.
    #[must_use]
    pub fn http(&self, service: &str) -> SocketAddr {
        self.processes[service].http.parse().unwrap()
    }

    /// A document that a service serves over HTTP.
    pub async fn document(&self, service: &str, path: &str) -> reqwest::Result<reqwest::Response> {
        let authority = reqwest::Certificate::from_pem(&std::fs::read(&self.authorities).unwrap()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().build().unwrap();
        client.get(format!("https://{HERE}:{}{path}", self.http(service).port())).send().await
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

    /// Ends every process, each of which must end well. They can be started again.
    pub async fn stop(&mut self) {
        let mut ending = tokio::task::JoinSet::new();
        for process in std::mem::take(&mut self.processes).into_values() {
            ending.spawn(process.end());
        }
        ending.join_all().await;
    }
}

/// Names that stand for no process: the port of each is known when it serves.
fn nobody_yet(ground: &Ground) -> Translation {
    let mut translation = ground.translation();
    translation.put("0.0.0.0:7400", "127.0.0.1:0");
    translation.put("0.0.0.0:7401", "127.0.0.1:0");
    translation
}
