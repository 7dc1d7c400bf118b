//! Puts the services of an installation into a process: all of them, or some.

use std::net::SocketAddr;

use anyhow::bail;
use kit::bus::server::Hearers;
use kit::clock::Clock;
use kit::config::Mode;
use kit::runner::{self, Host, Running};
use kit::service::Service;
use kit::tls::Tls;
use tonic::transport::Endpoint;

use crate::settings::Settings;

/// Every service, with the sayers that it hears. The runner refuses a reaction that is not in it.
pub const HEARERS: [(&str, &[&str]); 8] = [
    ("directory", &[]),
    ("absences", &["incidents", "scheduling"]),
    ("incidents", &[]),
    ("scheduling", &["directory"]),
    ("messaging", &[]),
    ("dispatcher", &["absences", "directory", "incidents", "messaging", "scheduling"]),
    ("website", &["dispatcher", "scheduling"]),
    ("console", &["absences", "directory", "incidents", "messaging", "scheduling"]),
];

/// The issuer whose key signs the tokens of the command line.
pub const PEOPLE: &str = "people";

/// Those who sign for people, and not only for themselves.
pub const FOR_PEOPLE: [&str; 2] = [PEOPLE, console::Console::NAME];

/// The names of all services.
pub fn all() -> Vec<String> {
    HEARERS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// Every service with the sayers that it hears.
pub fn hearers() -> Hearers {
    HEARERS.iter().map(|(service, sayers)| (*service, sayers.to_vec())).collect()
}

/// Refuses a name that no service has.
pub fn known(name: &str) -> anyhow::Result<()> {
    if HEARERS.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    bail!("there is no service {name}; there are {}", all().join(", "))
}

/// Starts these services in this process. Returns when they serve.
pub async fn start(settings: Settings, services: &[String]) -> anyhow::Result<Running> {
    for name in services {
        known(name)?;
    }
    for fault in &settings.faults {
        known(&fault.service)?;
    }
    let clock = settings.clock_ahead_by.map_or_else(Clock::system, Clock::offset);
    let production = settings.mode == Mode::Production;
    let for_people = FOR_PEOPLE.into_iter().filter(|issuer| !production || *issuer != PEOPLE);
    let given = runner::Settings {
        mode: settings.mode,
        data: settings.data,
        grpc: settings.grpc,
        http: settings.http,
        serves: services.to_vec(),
        peers: settings.peers,
        nats: settings.nats,
        store: settings.store,
        identity: settings.identity,
        tls: settings.tls,
        people_issuers: for_people.map(str::to_owned).collect(),
        clock,
        faults: settings.faults,
    };
    let mut host = Host::bind(given, hearers()).await?;
    let wanted = |name: &str| services.iter().any(|service| service == name);
    if wanted(directory::Directory::NAME) {
        host.add::<directory::Directory>(settings.directory);
    }
    if wanted(absences::Absences::NAME) {
        host.add::<absences::Absences>(settings.absences);
    }
    if wanted(incidents::Incidents::NAME) {
        host.add::<incidents::Incidents>(settings.incidents);
    }
    if wanted(scheduling::Scheduling::NAME) {
        host.add::<scheduling::Scheduling>(settings.scheduling);
    }
    if wanted(messaging::Messaging::NAME) {
        host.add::<messaging::Messaging>(settings.messaging);
    }
    if wanted(dispatcher::Dispatcher::NAME) {
        host.add::<dispatcher::Dispatcher>(settings.dispatcher);
    }
    if wanted(website::Website::NAME) {
        host.add::<website::Website>(settings.website);
    }
    if wanted(console::Console::NAME) {
        host.add::<console::Console>(settings.console);
    }
    host.run().await
}

/// The way from the command line to a service: where its address is set, else the process that
/// has these settings.
pub fn way_to(settings: &Settings, service: &str) -> anyhow::Result<Endpoint> {
    let tls = Tls::read(&settings.tls)?;
    Ok(match settings.peers.get(service) {
        Some(address) => tls.endpoint(address)?,
        None => tls.own_endpoint(settings.grpc)?,
    })
}

/// The link by which a token of the command line signs somebody in to the console, at the HTTP address of
/// an installation. Production knows none.
pub fn link(http: SocketAddr, token: &str) -> String {
    format!("http://{http}/console/enter?token={token}")
}

/// Chooses the one implementation of TLS for the process. Choosing twice is no fault.
pub fn choose_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
