//! `schoolbell token`: a token for a role, for trying things out.

use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;
use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::Mode;
use kit::identity::{Keys, role_of};
use proto::ids::SchoolId;

use crate::app::{PEOPLE, link};
use crate::settings::Settings;

/// What the token says.
#[derive(Debug, Args)]
pub struct Token {
    /// The school, as `schoolbell import` printed it.
    #[arg(long)]
    school: SchoolId,
    /// A role: attendance_officer, office, head …; may be given several times.
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// Whom it stands for.
    #[arg(long, default_value = "somebody")]
    subject: String,
    /// For how many minutes it is good.
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// Prints the link by which it signs somebody in to the console.
    #[arg(long)]
    link: bool,
}

impl Token {
    /// Prints the token.
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let token = sign(settings, &self.subject, self.school, &self.roles, self.minutes)?;
        let shown = if self.link { link(settings.http, &token) } else { token };
        writeln!(std::io::stdout(), "{shown}")?;
        Ok(())
    }
}

/// Signs a token with the key of this installation's command line.
pub(super) fn sign(
    settings: &Settings,
    subject: &str,
    school: SchoolId,
    roles: &[String],
    minutes: u32,
) -> anyhow::Result<String> {
    if settings.mode == Mode::Production {
        bail!("production refuses tokens from the command line: people sign in");
    }
    let roles = roles
        .iter()
        .map(|role| role_of(role).with_context(|| format!("there is no role {role}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let keys = Keys::gather(&settings.data.join("keys"), &[PEOPLE], &settings.identity.keys)?;
    let life = (Clock::system().real(), SignedDuration::from_mins(minutes.into()));
    Ok(keys.signer(PEOPLE)?.token(subject, school, &roles, life)?)
}
