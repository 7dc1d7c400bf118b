//! How a world of the stories is made: what runs, what its providers are like, what its school has chosen.

use super::*;

/// How a world is made.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) runs: Runs,
    /// How long a provider may take to answer, in milliseconds.
    pub(super) answers_within: u64,
    /// Requests at the same time.
    pub(super) connections: usize,
    /// Which channels there are.
    pub(super) channels: &'static [&'static str],
    /// What the school has chosen.
    pub(super) choices: Choices,
    /// What a fragment costs in millionths of a pound, and how many are free; none when nobody said.
    pub(super) costs: Option<(u64, u64)>,
    /// For how long the receipt of an absence text is waited for, in seconds.
    pub(super) patience: i64,
    /// For how long a closure waits for a directory that is away, in seconds.
    pub(super) waits_for_directory: i64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            runs: Runs::Everything,
            answers_within: 5_000,
            connections: 8,
            channels: &["sms.notify", "email.smtp"],
            choices: Choices::default(),
            costs: None,
            patience: PATIENCE,
            waits_for_directory: 0,
        }
    }
}

pub(super) fn return_path(token: &str) -> ReturnPath {
    ReturnPath::new(&BOUNCES.parse().unwrap(), &Secret::new(token)).unwrap()
}

/// The channels of a setup, opened from what would stand in a settings file.
pub(super) fn channels_of(simulator: &Simulator, setup: &Setup) -> Vec<Arc<dyn channels::Channel>> {
    let options = simulator::NotifyOptions::default();
    let patience = format!("{}ms", setup.answers_within);
    let smtp = simulator.smtp_address();
    let mut tables = serde_json::json!({
        "sms.notify": {
            "base_url": simulator.notify_url(), "api_key": simulator.api_key("tests"),
            "sms_template_id": options.sms_template_id, "service_name": options.service_name,
            "connections": setup.connections, "rate_per_second": 1_000, "timeout": patience,
            "fragment_micropounds": setup.costs.map(|(fragment, _)| fragment),
            "free_fragments": setup.costs.map_or(0, |(_, free)| free),
        },
        "email.notify": {
            "base_url": simulator.notify_url(), "api_key": simulator.api_key("tests"),
            "email_template_id": options.email_template_id, "connections": setup.connections,
            "rate_per_second": 1_000, "timeout": patience,
        },
        "email.smtp": {
            "host": smtp.ip().to_string(), "port": smtp.port(), "security": "plain",
            "from": "Elm Park <office@example.com>", "connections": setup.connections,
            "rate_per_second": 1_000, "connect_timeout": patience, "command_timeout": patience,
            "acceptance_timeout": patience, "bounces": { "mailbox": BOUNCES, "token": BOUNCES_TOKEN },
        },
    });
    let tables_of_setup = tables.as_object_mut().unwrap();
    tables_of_setup.retain(|name, _| setup.channels.contains(&name.as_str()));
    let config: channels::Config = serde_json::from_value(tables).unwrap();
    channels::all(&config, &channels::http_client().unwrap()).unwrap()
}
