//! Whom an installation believes: the key of each service, made or read, and what each may grant.
//!
//! A process signs with the keys of the services that it runs and needs only the public halves of
//! the others. Where those are not given, the processes share a data folder and its keys, which
//! production refuses.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use proto::options::v1::Role;

use super::Settings;
use crate::bus::server::Hearers;
use crate::config::{Identity, Issuer, Mode};
use crate::identity::Keys;

/// The keys of this process, and every issuer that its gates believe.
pub(super) fn keys_and_issuers(
    settings: &Settings,
    hearers: &Hearers,
) -> anyhow::Result<(Keys, BTreeMap<String, Issuer>)> {
    let (given, believed) = (&settings.identity.keys, &settings.identity.issuers);
    let services: Vec<&str> = hearers.keys().copied().collect();
    let here = |name: &str| settings.serves.iter().any(|service| service == name);
    if settings.mode == Mode::Production {
        production_has_keys(&settings.identity, &settings.serves, &services)?;
    }
    let people: Vec<&str> = settings.people_issuers.iter().map(String::as_str).collect();
    let beside = people.iter().copied().filter(|name| !services.contains(name));
    let needed = |name: &&str| here(name) || given.contains_key(*name) || !believed.contains_key(*name);
    let names: Vec<&str> = services.iter().copied().chain(beside).filter(needed).collect();
    let keys = Keys::gather(&settings.data.join("keys"), &names, given)?;
    let every: Vec<Role> = (1..=8).filter_map(|number| Role::try_from(number).ok()).collect();
    let mut issuers = believed.clone();
    for name in names {
        let roles = if people.contains(&name) { &every[..] } else { &[Role::Service] };
        let own = keys.issuer(name, roles).context("a key is missing")?;
        let said = issuers.entry(name.to_owned()).or_insert_with(|| own.clone());
        // Ours would be refused by everybody who was given the same settings.
        if said.public_key != own.public_key {
            bail!("the key of {name} is not the one that identity.issuers.{name} names");
        }
    }
    Ok((keys, issuers))
}

/// Production makes no key: those that `serve` here have theirs by file, and of all other `services` the public
/// halves are given.
pub fn production_has_keys(identity: &Identity, serve: &[String], services: &[&str]) -> anyhow::Result<()> {
    let here = |name: &str| serve.iter().any(|service| service == name);
    let without_key = || services.iter().filter(|name| !identity.keys.contains_key(**name));
    if let Some(name) = without_key().find(|name| here(name)) {
        bail!("production needs identity.keys.{name}: the key of each service by file");
    }
    if let Some(name) = without_key().find(|name| !identity.issuers.contains_key(**name)) {
        bail!("production needs identity.issuers.{name}: the public key of a service elsewhere");
    }
    Ok(())
}
