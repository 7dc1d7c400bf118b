//! The settings of an installation under test, as the file that a person would write.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::Secret;
use schoolbell::settings::Settings;
use simulator::{NotifyOptions, Simulator};

/// Where the databases are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file for each service.
    Sqlite,
    /// The server that the tests start.
    Postgres,
}

/// What an installation under test is made from.
#[derive(Clone, Copy)]
pub struct Installation<'a> {
    /// Where files go.
    pub folder: &'a Path,
    /// Where the databases are.
    pub backend: Backend,
    /// The providers.
    pub phones: &'a Simulator,
    /// What receipts carry.
    pub receipts_token: &'a Secret,
    /// How long absences wait for each other, in whole seconds.
    pub gathers: SignedDuration,
}

/// How long absences wait for each other unless a test says otherwise.
pub const GATHERS: SignedDuration = SignedDuration::from_secs(1);

impl Installation<'_> {
    /// Writes the file: every port picked by the system, the clock at ten to nine, short waits; the
    /// patience is longer than an unclear answer takes to be cleared up.
    /// `further` is added at the end.
    #[must_use]
    pub fn file(&self, further: &str) -> PathBuf {
        let postgres = match self.backend {
            Backend::Sqlite => String::new(),
            Backend::Postgres => {
                let prefix = self.database_prefix();
                format!("postgres = {:?}\ndatabase_prefix = {prefix:?}\n", kit::testing::postgres())
            }
        };
        let text = format!(
            r#"mode = "demo"
data = {data:?}
grpc = "127.0.0.1:0"
http = "127.0.0.1:0"
clock_ahead_by = "{ahead}"
[store]
{postgres}
[telemetry]
log = "warn"
[absences]
close_at_register_time = false
{providers}[nats]
tools = [{tools:?}]
{further}
"#,
            data = self.folder.display().to_string(),
            ahead = Clock::starting_at("2026-11-24T08:50:00Z".parse().unwrap()).ahead(),
            providers = self.providers(),
            tools = tools().display().to_string(),
        );
        let file = self.folder.join("schoolbell.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// What the names of its databases on a server begin with: the same for every process of one
    /// installation.
    #[must_use]
    pub fn database_prefix(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let prefix: Vec<String> = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("t{}_", prefix.concat())
    }

    /// The dispatcher's part of it: the simulated providers and short waits.
    #[must_use]
    pub fn providers(&self) -> String {
        let notify = NotifyOptions::default();
        let smtp = self.phones.smtp_address();
        format!(
            r#"[dispatcher]
receipts_token = {token:?}
[dispatcher.timing]
absence_gathers_for = "{gathers}s"
absence_patience = "25s"
head_injury_patience = "25s"
closure_patience = "25s"
[dispatcher.channels."sms.notify"]
base_url = {notify_url:?}
api_key = {api_key:?}
sms_template_id = "{template}"
service_name = {service_name:?}
timeout = "3s"
rate_per_second = 2000
[dispatcher.channels."email.smtp"]
host = "{host}"
port = {port}
security = "plain"
from = "Hillside School <office@example.org>"
command_timeout = "3s"
"#,
            token = self.receipts_token.reveal(),
            gathers = self.gathers.as_secs(),
            notify_url = self.phones.notify_url(),
            api_key = self.phones.api_key("tests"),
            template = notify.sms_template_id,
            service_name = self.phones.service_name(),
            host = smtp.ip(),
            port = smtp.port(),
        )
    }

    /// Writes the file and reads it.
    #[must_use]
    pub fn settings(&self, further: &str) -> Settings {
        Settings::read(Some(&self.file(further)), std::iter::empty()).unwrap()
    }
}

/// Where `make tools` puts nats-server.
#[must_use]
pub fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin")
}
