//! The sink as a measurement uses it: starts it, tells it what a run is, asks what arrived, and takes the limit on it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use hyper::Method;
use hyper::body::Bytes;

use crate::http::Connection;
use crate::process::{Process, Voice, output};
use crate::sink::{NOBODY, Run, Seen, URGENT_AT, number};
use crate::tools;

/// How long the limit is taken for.
const WRK_FOR: Duration = Duration::from_secs(6);
/// Connections of `wrk`, and of the channel that is compared with it.
pub const CONNECTIONS: usize = 64;

/// The service and the secret of the one account, as its key names them.
const KEY: &str = "bench-5c001be1-0000-4000-8000-000000000001-5c001be1-0000-4000-8000-000000000002";
const TEMPLATE: &str = "5c001be1-0000-4000-8000-000000000003";

/// A provider of texts.
pub struct Provider {
    process: Process,
    /// `host:port`.
    pub address: String,
    control: Connection,
}

impl Provider {
    /// Starts it.
    pub async fn start(log: &Path) -> anyhow::Result<Self> {
        let mut command = Process::command(&std::env::current_exe()?);
        command.arg("sink");
        let ready = |line: &str| line.strip_prefix("listening ").map(ToOwned::to_owned);
        let (process, address) = Process::start("the sink", command, (Voice::Out, log), ready).await?;
        let control = Connection::open(&address).await?;
        Ok(Self { process, address, control })
    }

    /// Forgets what it saw, and does as the run says.
    pub async fn begin(&mut self, run: &Run) -> anyhow::Result<()> {
        let body = Bytes::from(serde_json::to_vec(run)?);
        let (status, answer) = self.control.ask(Method::POST, "/bench/run", (None, body)).await?;
        anyhow::ensure!(status.is_success(), "the sink does not begin: {}", String::from_utf8_lossy(&answer));
        Ok(())
    }

    /// What arrived.
    pub async fn seen(&mut self) -> anyhow::Result<Seen> {
        self.control.get("/bench/seen").await
    }

    /// When one of those whose time counts got the first text, in microseconds since 1970.
    pub async fn urgent_at(&mut self, contact: u64) -> anyhow::Result<Option<i64>> {
        self.control.get(&format!("{URGENT_AT}{contact}")).await
    }

    /// How many requests a second this machine can make of it, if `wrk` is there.
    pub async fn limit(&mut self, folder: &Path) -> anyhow::Result<Option<f64>> {
        let Some(wrk) = tools::wanted("wrk", "wrk") else { return Ok(None) };
        self.begin(&Run::default()).await?;
        let script = folder.join("post.lua");
        std::fs::write(&script, script_of())?;
        let mut command = Process::command(&wrk);
        command.args(["--threads", "2", "--connections", &CONNECTIONS.to_string()]);
        command.arg("--duration").arg(format!("{}s", WRK_FOR.as_secs())).arg("--script").arg(&script);
        command.arg(format!("http://{}", self.address));
        let said = output("wrk", &mut command, 5 * WRK_FOR).await?;
        let line = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
        let rate = line.with_context(|| format!("wrk says no rate: {said}"))?.trim().parse()?;
        anyhow::ensure!(!said.contains("Non-2xx"), "wrk was refused: {said}");
        Ok(Some(rate))
    }

    /// The table of the settings that leads here. `rate` is texts a second, and at once after a rest.
    pub fn settings(&self, (rate, burst): (u32, u32)) -> String {
        format!(
            "[dispatcher.channels.\"sms.notify\"]\nbase_url = \"http://{}\"\napi_key = \"{KEY}\"\n\
             sms_template_id = \"{TEMPLATE}\"\nservice_name = \"Hillside School\"\nconnections = {CONNECTIONS}\n\
             rate_per_second = {rate}\nburst = {burst}\n",
            self.address
        )
    }

    /// Ends it.
    pub async fn end(self) -> anyhow::Result<()> {
        drop(self.control);
        self.process.end().await
    }
}

/// The request that the channel makes, as long as it makes it, to a number that is nobody's.
fn script_of() -> String {
    let token = "x".repeat(170);
    let body = format!(
        r#"{{"phone_number":"{}","template_id":"{TEMPLATE}","personalisation":{{"body":"{}"}},"reference":"dlv_019ab0000000700080000000000000"}}"#,
        number(NOBODY),
        crate::load::TEXT
    );
    format!(
        "wrk.method = \"POST\"\nwrk.path = \"/v2/notifications/sms\"\nwrk.body = '{body}'\n\
         wrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.headers[\"Authorization\"] = \"Bearer {token}\"\n"
    )
}
