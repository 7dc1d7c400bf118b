//! What a start would refuse: settings that read well and that a service, or the process, does not take.
//!
//! Each rule is the one that is asked at the start; none is written down here again.

use std::io::Write;

use anyhow::{anyhow, ensure};
use kit::config::Mode;
use kit::runner::trust;
use kit::service::Service as _;
use kit::telemetry;

use super::Report;
use crate::app::{self, ASKS, HEARERS};
use crate::settings::Settings;

impl<Out: Write> Report<Out> {
    pub(super) fn starts(&mut self, settings: &Settings) {
        let filter = telemetry::filter(&settings.telemetry);
        self.say("telemetry.log", &filter.map(|_| "a filter").map_err(Into::into));
        if !settings.faults.is_empty() {
            let faults = app::known_faults(&settings.faults);
            self.say("faults", &faults.map(|()| "steps that there are"));
        }
        if settings.mode == Mode::Production {
            let services = HEARERS.map(|(service, _)| service);
            let has_keys = trust::production_has_keys(&settings.identity, &self.services, &services);
            self.say("identity", &has_keys.map(|()| "a key for each service here, and whom it believes"));
        }
        self.needed_peers(settings);
        if self.runs(dispatcher::Dispatcher::NAME) {
            let kept = settings.dispatcher.retention.check();
            self.say("dispatcher.retention", &kept.map(|kept| format!("{} days", kept.days)));
        }
        if self.runs(website::Website::NAME) {
            self.say("website", &settings.website.check(settings.mode).map(|()| "its settings go together"));
        }
        if self.runs(console::Console::NAME) {
            self.say("console", &console(settings).map(|()| "its settings go together"));
        }
    }

    /// Those that are asked and neither run here nor have an address.
    fn needed_peers(&mut self, settings: &Settings) {
        let services = self.services.clone();
        let asked = ASKS.iter().filter(|(service, _)| services.iter().any(|name| name == service));
        for (service, peers) in asked {
            for peer in *peers {
                if !self.runs(peer) && !settings.peers.contains_key(*peer) {
                    let missing = anyhow!("peers.{peer} is not set, and {service} cannot do without it");
                    self.say::<&str>(&format!("peer {peer}"), &Err(missing));
                }
            }
        }
    }
}

fn console(settings: &Settings) -> anyhow::Result<()> {
    let (console, mode) = (&settings.console, settings.mode);
    ensure!(
        mode != Mode::Production || console.is_protected(),
        "production needs console.public_url with https://: people sign in there"
    );
    console.rules().map(drop)
}
