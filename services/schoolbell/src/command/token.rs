//! `schoolbell token`: a token for a role, for trying things out; and the tokens that the other commands sign
//! for themselves.

use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;
use jiff::SignedDuration;
use kit::clock::Clock;
use kit::config::{Issuer, Mode};
use kit::identity::{Keys, role_of};
use proto::ids::SchoolId;

use crate::app::{PEOPLE, link_of};
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
        if settings.mode == Mode::Production {
            bail!("production refuses tokens from the command line: people sign in");
        }
        let token = sign(settings, &self.subject, self.school, &self.roles, self.minutes)?;
        let shown = if self.link { link_of(settings, &token) } else { token };
        writeln!(std::io::stdout(), "{shown}")?;
        Ok(())
    }
}

/// Signs a token with the key of this installation's command line, which is only read. Production signs for a
/// command with the key that the settings name, if they say as well that it is believed: whoever holds that key
/// may do everything anyway.
pub(super) fn sign(
    settings: &Settings,
    subject: &str,
    school: SchoolId,
    roles: &[String],
    minutes: u32,
) -> anyhow::Result<String> {
    let roles = roles
        .iter()
        .map(|role| role_of(role).with_context(|| format!("there is no role {role}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let life = (Clock::system().real(), SignedDuration::from_mins(minutes.into()));
    Ok(key(settings)?.signer(PEOPLE)?.token(subject, school, &roles, life)?)
}

fn key(settings: &Settings) -> anyhow::Result<Keys> {
    let (given, believed) = (settings.identity.keys.get(PEOPLE), settings.identity.issuers.get(PEOPLE));
    if settings.mode == Mode::Production && (given.is_none() || believed.is_none()) {
        bail!(
            "production takes a token (--token-file), or the key that identity.keys.people names and \
             identity.issuers.people believes"
        );
    }
    let folder = settings.data.join("keys");
    if given.is_none() && !folder.join(format!("{PEOPLE}.pem")).exists() {
        bail!("there is no key in {}: is `data` the folder of the running installation?", folder.display());
    }
    let keys = Keys::gather(&folder, &[PEOPLE], &settings.identity.keys)?;
    let is_it = |own: &Issuer| believed.is_none_or(|believed| believed.public_key == own.public_key);
    if !keys.issuer(PEOPLE, &[]).is_some_and(|own| is_it(&own)) {
        bail!("the key of {PEOPLE} is not the one that identity.issuers.{PEOPLE} names");
    }
    Ok(keys)
}
