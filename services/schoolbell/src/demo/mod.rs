//! `schoolbell demo`: being written.

use clap::Args;

use crate::settings::Settings;

/// Options of the demonstration.
#[derive(Debug, Args)]
pub struct Demo {}

impl Demo {
    /// Plays the morning.
    pub async fn run(self, _settings: Settings) -> anyhow::Result<()> {
        anyhow::bail!("not yet")
    }
}
