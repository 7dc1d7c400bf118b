//! Whom an installation believes: the key of each service, made or read, and what each may grant.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use proto::options::v1::Role;

use super::Settings;
use crate::bus::server::Hearers;
use crate::config::{Issuer, Mode};
use crate::identity::Keys;

/// The keys of this installation, and every issuer that its gates believe.
pub(super) fn keys_and_issuers(
    settings: &Settings,
    hearers: &Hearers,
) -> anyhow::Result<(Keys, BTreeMap<String, Issuer>)> {
    let services: Vec<&str> = hearers.keys().copied().collect();
    let mut names = services.clone();
    names.extend(settings.people_issuer.as_deref());
    let given = &settings.identity.keys;
    if settings.mode == Mode::Production
        && let Some(missing) = services.iter().find(|name| !given.contains_key(**name))
    {
        bail!("production needs identity.keys.{missing}: the key of each service by file");
    }
    let mut keys = Keys::open(&settings.data.join("keys"), &names)?;
    for (name, path) in given {
        keys.read(name, path)?;
    }
    let mut issuers = BTreeMap::new();
    for name in &services {
        let issuer = keys.issuer(name, &[Role::Service]).context("a key is missing")?;
        issuers.insert((*name).to_owned(), issuer);
    }
    if let Some(people) = &settings.people_issuer {
        let roles = (1..=8).filter_map(|number| Role::try_from(number).ok()).collect::<Vec<_>>();
        issuers.insert(people.clone(), keys.issuer(people, &roles).context("a key is missing")?);
    }
    issuers.extend(settings.identity.issuers.clone());
    Ok((keys, issuers))
}
