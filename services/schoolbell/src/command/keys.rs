//! `schoolbell keys`: what an installation needs before its services can run apart.
//!
//! Makes a signing key for every service and for the command line, the table of their public
//! halves that every process is given, and the passwords that `docker-compose.yml` asks for.
//! Nothing that is there already is touched: a key that was replaced would lock everybody out.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use kit::config::Secret;
use kit::identity::Keys as Signers;
use proto::options::v1::Role;

use crate::app::{self, FOR_PEOPLE, PEOPLE};

/// Where the files go.
#[derive(Debug, Args)]
pub struct Keys {
    /// A folder that is empty or not there yet.
    folder: PathBuf,
}

impl Keys {
    /// Makes the files and says what they are for.
    pub fn run(self) -> anyhow::Result<()> {
        let services = app::all();
        make(&self.folder, &services)?;
        let folder = self.folder.display();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{folder}/keys/*.pem     one signing key per service; give each process only its own")?;
        writeln!(out, "{folder}/keys/people.pem the key of the command line; keep it where people sign in")?;
        writeln!(out, "{folder}/identity.toml  the public keys; lay it over the settings of every process")?;
        writeln!(out, "{folder}/compose.env    passwords for NATS and PostgreSQL, for docker-compose.yml")?;
        writeln!(out, "{folder}/providers      empty; for what the providers of texts and e-mail gave you")?;
        Ok(())
    }
}

fn make(folder: &Path, services: &[String]) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .context("the folder cannot be made")?;
    if std::fs::read_dir(folder).context("the folder cannot be read")?.next().is_some() {
        bail!("{} is not empty: keys are made once and never overwritten", folder.display());
    }
    let names: Vec<&str> = services.iter().map(String::as_str).chain([PEOPLE]).collect();
    let keys = Signers::open(&folder.join("keys"), &names)?;
    write_new(&folder.join("identity.toml"), &public_keys(&keys, &names)?)?;
    std::fs::create_dir(folder.join("providers")).context("the providers' folder cannot be made")?;
    // The containers run as whoever may read the keys.
    let owner = std::fs::metadata(folder).context("the folder cannot be read")?;
    write_new(&folder.join("compose.env"), &passwords(services, (owner.uid(), owner.gid())))
}

fn public_keys(keys: &Signers, names: &[&str]) -> anyhow::Result<String> {
    let every: Vec<Role> = (1..=8).filter_map(|number| Role::try_from(number).ok()).collect();
    let mut text = String::from(
        "# Whom the services believe, and the roles that each may grant. Nothing here is secret.\n",
    );
    for name in names {
        let roles = if FOR_PEOPLE.contains(name) { &every[..] } else { &[Role::Service] };
        let issuer = keys.issuer(name, roles).context("a key is missing")?;
        let (key, roles) = (issuer.public_key, issuer.may_grant);
        write!(text, "\n[identity.issuers.{name}]\npublic_key = {key:?}\nmay_grant = {roles:?}\n")?;
    }
    Ok(text)
}

fn passwords(services: &[String], (user, group): (u32, u32)) -> String {
    // nats-server reads variables as it reads its settings, where digits would be a number.
    let fresh = || format!("p{}", Secret::random().reveal());
    let mut lines = vec![
        "# For docker-compose.yml; everything here but the first line is secret.".to_owned(),
        format!("SCHOOLBELL_USER={user}:{group}"),
        format!("POSTGRES_PASSWORD={}", fresh()),
    ];
    for service in services {
        let name = service.to_uppercase();
        lines.push(format!("POSTGRES_PASSWORD_{name}={}", fresh()));
        lines.push(format!("NATS_PASSWORD_{name}={}", fresh()));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn services() -> Vec<String> {
        app::all()
    }

    #[test]
    fn the_public_keys_are_settings_that_match_the_private_ones() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("secrets");
        make(&folder, &services()).unwrap();
        let settings = Settings::read([folder.join("identity.toml")], std::iter::empty()).unwrap();
        let names: Vec<String> = services().into_iter().chain([PEOPLE.to_owned()]).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let keys = Signers::open(&folder.join("keys"), &names).unwrap();
        for name in &names {
            let own = keys.issuer(name, &[Role::Service]).unwrap();
            assert_eq!(settings.identity.issuers[*name].public_key, own.public_key);
        }
        assert_eq!(settings.identity.issuers["absences"].may_grant, ["service"]);
        let people = &settings.identity.issuers[PEOPLE].may_grant;
        assert!(people.contains(&"head".to_owned()) && !people.contains(&"service".to_owned()), "{people:?}");
    }

    #[test]
    fn every_service_has_passwords_of_its_own_that_no_reader_takes_for_a_number() {
        let text = passwords(&services(), (1000, 1000));
        let values: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("PASSWORD"))
            .filter_map(|line| line.split_once('='))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(values.len(), 1 + 2 * services().len());
        let different: std::collections::BTreeSet<_> = values.iter().collect();
        assert_eq!(different.len(), values.len());
        assert!(values.iter().all(|value| value.starts_with('p') && value.len() > 40));
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), &services()).unwrap();
        let key = folder.path().join("keys/people.pem");
        let before = std::fs::read(&key).unwrap();
        let said = make(folder.path(), &services()).unwrap_err().to_string();
        assert!(said.contains("never overwritten"), "{said}");
        assert_eq!(std::fs::read(&key).unwrap(), before);
    }
}
