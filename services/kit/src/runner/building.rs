//! From services that were added to services that can run, all at once: their stores are opened and their
//! parts built while the nats-server starts and takes their connections.

use anyhow::{Context, bail};
use futures::future::{BoxFuture, try_join, try_join_all};

use super::{Host, Settings};
use crate::bus::pulse::Pulses;
use crate::bus::server::Server;
use crate::bus::{Access, Bus};
use crate::faults::Faults;
use crate::service::{Parts, Platform, Service};
use crate::store::Store;

type Build = Box<dyn FnOnce(Platform) -> BoxFuture<'static, anyhow::Result<(Platform, Parts)>> + Send>;

/// A service that was added.
pub(super) struct Added {
    name: &'static str,
    opening: BoxFuture<'static, anyhow::Result<Store>>,
    build: Build,
}

/// A service that can run.
pub(super) struct Built {
    pub(super) platform: Platform,
    pub(super) bus: Bus,
    pub(super) parts: Parts,
}

impl Added {
    pub(super) fn of<S: Service>(config: S::Config, settings: &Settings) -> Self
    where
        S::Config: Send + 'static,
    {
        let (store, data, clock) = (settings.store.clone(), settings.data.clone(), settings.clock.clone());
        let faults = Faults::of(S::NAME, S::POINTS, &settings.faults);
        let opening = async move {
            let faults = faults?;
            let store = Store::open(S::NAME, &store, &data, clock, S::MIGRATIONS).await;
            let store = store.with_context(|| format!("the store of {} cannot be opened", S::NAME))?;
            Ok(store.with_faults(faults))
        };
        let build = |platform: Platform| {
            let building = async move {
                let parts = S::build(config, &platform).await;
                Ok((platform, parts.with_context(|| format!("{} cannot be built", S::NAME))?))
            };
            Box::pin(building) as BoxFuture<'static, _>
        };
        Self { name: S::NAME, opening: Box::pin(opening), build: Box::new(build) }
    }
}

/// Builds what was added, in that order.
pub(super) async fn build(host: &mut Host) -> anyhow::Result<Vec<Built>> {
    let added = std::mem::take(&mut host.added);
    let names: Vec<&'static str> = added.iter().map(|added| added.name).collect();
    let mut server = host.server.take();
    let here = &*host;
    let connecting = async {
        if let Some(server) = &mut server {
            server.ready().await?;
        }
        try_join_all(names.iter().map(|name| connect(here, server.as_ref(), name))).await
    };
    let parts = try_join_all(added.into_iter().map(|added| one(here, added)));
    let (parts, buses) = try_join(parts, connecting).await?;
    host.server = server;
    let built = |((platform, parts), bus)| Built { platform, bus, parts };
    Ok(parts.into_iter().zip(buses).map(built).collect())
}

async fn one(host: &Host, added: Added) -> anyhow::Result<(Platform, Parts)> {
    let store = added.opening.await?;
    let platform = Platform {
        service: added.name,
        mode: host.settings.mode,
        clock: host.settings.clock.clone(),
        store,
        pulses: Pulses::default(),
        stop: host.stop.clone(),
        signer: host.keys.signer(added.name)?,
        gate: host.gate.clone(),
        peers: host.peers()?,
    };
    (added.build)(platform).await
}

async fn connect(host: &Host, server: Option<&Server>, service: &'static str) -> anyhow::Result<Bus> {
    let nats = &host.settings.nats;
    // A server of our own is alone: it could not keep a second copy.
    let (url, password, replicas) = match (server, &nats.url) {
        (Some(server), _) => (server.url(), server.password(service), 1),
        (None, Some(url)) => (url.clone(), nats.passwords.get(service), nats.replicas),
        (None, None) => bail!("there is no nats-server"),
    };
    let authorities = host.tls.authorities();
    Ok(Bus::connect(service, Access { url: &url, password, authorities, replicas }).await?)
}
