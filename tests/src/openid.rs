//! A real OpenID provider on loopback, which answers wrongly when a test wants it to.

use std::path::Path;
use std::process::Stdio;

use schoolbell::settings::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Under which name the console knows it, and what it calls it.
pub const KEY: &str = "work";
/// What its button says.
pub const LABEL: &str = "Northfield";

/// A running provider.
pub struct OpenId {
    issuer: String,
    http: reqwest::Client,
    // It ends when nobody holds its input.
    _process: Child,
    _words: Lines<BufReader<ChildStdout>>,
}

impl OpenId {
    /// Starts one, at which whoever comes is `person-1` of the tenant `school-1`.
    ///
    /// # Panics
    /// When there is none: `make test` installs it (`deploy/tools/install openid`).
    pub async fn start() -> Self {
        schoolbell::app::choose_tls();
        let mut process = Command::new(crate::installation::tools().join("../node/bin/node"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("openid/provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node: deploy/tools/install openid");
        let mut words = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = loop {
            let line = words.next_line().await.unwrap().expect("a provider: deploy/tools/install openid");
            if let Some(issuer) = line.strip_prefix("listening on ") {
                break issuer.to_owned();
            }
        };
        Self { issuer, http: reqwest::Client::new(), _process: process, _words: words }
    }

    /// Has the console of these settings send people here.
    pub fn vouches(&self, settings: &mut Settings) {
        let config = json!({
            "label": LABEL,
            "issuer": self.issuer,
            "client_id": "schoolbell",
            "client_secret": "not-a-secret-of-anybody",
            "claims": { "tid": "school-1" },
        });
        settings.console.openid.insert(KEY.to_owned(), serde_json::from_value(config).unwrap());
    }

    /// Who comes from now on (`person`, `tenant`), and what it does wrongly (`wrong`).
    pub async fn behaves(&self, how: Value) {
        let told = self.http.post(format!("{}/behave", self.issuer)).json(&how).send().await.unwrap();
        assert_eq!(told.status(), reqwest::StatusCode::NO_CONTENT);
    }
}
