//! The world that channels are tried in: the simulator, and settings that lead there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use simulator::{Options, Simulator};
use tempfile::TempDir;

use super::super::*;
use super::{CONNECTIONS, IMPATIENT, PASSWORD, PATIENT, assert_clean};

/// The world, and where its channels look for it.
pub(in crate::channels) struct World {
    pub(in crate::channels) simulator: Simulator,
    pub(super) log: TempDir,
}

/// Where channels connect to, with which key and patience.
pub(in crate::channels) struct Reach {
    pub(super) http: SocketAddr,
    pub(in crate::channels) smtp: SocketAddr,
    pub(super) api_key: String,
    pub(super) password: &'static str,
    pub(super) patience: Duration,
}

impl World {
    pub(in crate::channels) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(in crate::channels) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let log = tempfile::tempdir().unwrap();
        let mut options = Options::new(log.path().join("witness.jsonl"));
        options.smtp_login =
            Some(simulator::Login { user: "school".to_owned(), password: PASSWORD.to_owned() });
        change(&mut options);
        Self { simulator: simulator::start(options).await.unwrap(), log }
    }

    /// Stops the world and starts it again where it was.
    pub(in crate::channels) async fn restart(self) -> Self {
        let smtp_port = self.simulator.smtp_address().port();
        let Self { simulator, log } = self;
        simulator.stop().await;
        let mut options = Options::new(log.path().join("witness-2.jsonl"));
        options.smtp_login =
            Some(simulator::Login { user: "school".to_owned(), password: PASSWORD.to_owned() });
        options.smtp_port = smtp_port;
        Self { simulator: simulator::start(options).await.unwrap(), log }
    }

    pub(in crate::channels) fn reach(&self) -> Reach {
        Reach {
            http: self.simulator.http_url().trim_start_matches("http://").parse().unwrap(),
            smtp: self.simulator.smtp_address(),
            api_key: self.simulator.api_key("contract"),
            password: PASSWORD,
            patience: PATIENT,
        }
    }

    pub(super) fn witnessed(&self, outgoing: &Outgoing) -> usize {
        self.simulator.messages().iter().filter(|message| message.accepted.to == outgoing.to).count()
    }
}

impl Reach {
    pub(in crate::channels) fn impatient(self) -> Self {
        Self { patience: IMPATIENT, ..self }
    }

    /// The tables of all channels, as they stand in a settings file.
    pub(in crate::channels) fn config(&self) -> serde_json::Value {
        let options = simulator::NotifyOptions::default();
        let patience = format!("{}ms", self.patience.as_millis());
        let notify = serde_json::json!({
            "base_url": format!("http://{}", self.http), "api_key": self.api_key, "connections": CONNECTIONS,
            "timeout": patience,
        });
        let mut sms = notify.clone();
        sms["sms_template_id"] = serde_json::json!(options.sms_template_id);
        sms["service_name"] = serde_json::json!(options.service_name);
        let mut email = notify;
        email["email_template_id"] = serde_json::json!(options.email_template_id);
        let smtp = serde_json::json!({
            "host": self.smtp.ip().to_string(), "port": self.smtp.port(), "security": "plain", "username": "school",
            "password": self.password, "from": "Hillside School <office@example.com>", "connections": CONNECTIONS,
            "connect_timeout": patience, "command_timeout": patience, "acceptance_timeout": patience,
        });
        serde_json::json!({ "sms.notify": sms, "email.notify": email, "email.smtp": smtp })
    }

    pub(in crate::channels) fn open(&self) -> Vec<Arc<dyn Channel>> {
        // Only the first test in the process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config: Config = serde_json::from_value(self.config()).unwrap();
        assert_clean(&format!("{config:?}"));
        all(&config, &http_client().unwrap()).unwrap()
    }
}
