//! Puts the services of an installation into a process: all of them, or some.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::bail;
use kit::bus::server::Hearers;
use kit::clock::Clock;
use kit::config::Mode;
use kit::faults::{Fault, Faults};
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

/// Every service with those that it cannot do without: it asks them before it decides. The console shows what
/// it cannot ask.
pub const ASKS: [(&str, &[&str]); 8] = [
    ("directory", &[]),
    ("absences", &["directory", "scheduling"]),
    ("incidents", &["directory"]),
    ("scheduling", &["directory"]),
    ("messaging", &["directory"]),
    ("dispatcher", &["directory"]),
    ("website", &[]),
    ("console", &[]),
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

/// Refuses a fault at a step that there is not.
pub fn known_faults(faults: &[Fault]) -> anyhow::Result<()> {
    for fault in faults {
        known(&fault.service)?;
    }
    points_of::<directory::Directory>(faults)?;
    points_of::<absences::Absences>(faults)?;
    points_of::<incidents::Incidents>(faults)?;
    points_of::<scheduling::Scheduling>(faults)?;
    points_of::<messaging::Messaging>(faults)?;
    points_of::<dispatcher::Dispatcher>(faults)?;
    points_of::<website::Website>(faults)?;
    points_of::<console::Console>(faults)
}

fn points_of<S: Service>(faults: &[Fault]) -> anyhow::Result<()> {
    Ok(Faults::of(S::NAME, S::POINTS, faults).map(drop)?)
}

/// Starts these services in this process. Returns when they serve.
pub async fn start(settings: Settings, services: &[String]) -> anyhow::Result<Running> {
    for name in services {
        known(name)?;
    }
    known_faults(&settings.faults)?;
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
/// an installation that speaks no TLS. Production knows none.
pub fn link(http: SocketAddr, token: &str) -> String {
    enter(&format!("http://{http}"), token)
}

/// The same where the settings say that the console is found.
pub fn link_of(settings: &Settings, token: &str) -> String {
    if let Some(place) = &settings.console.public_url {
        return enter(place.trim_end_matches('/'), token);
    }
    let scheme = if settings.tls.certificate.is_some() { "https" } else { "http" };
    let mut http = settings.http;
    if http.ip().is_unspecified() {
        let here = if http.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        http.set_ip(here);
    }
    enter(&format!("{scheme}://{http}"), token)
}

fn enter(place: &str, token: &str) -> String {
    format!("{place}/console/enter?token={token}")
}

/// Chooses the one implementation of TLS for the process. Choosing twice is no fault.
pub fn choose_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_service_cannot_do_without_is_what_it_asks_for_when_it_is_built() {
        for (service, asks) in ASKS {
            let file = format!("{}/../{service}/src/lib.rs", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(file).unwrap();
            let peers = text.split("platform.peer(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
            let peers: std::collections::BTreeSet<_> = peers.collect();
            assert_eq!(peers, asks.iter().copied().collect(), "{service}");
        }
    }

    #[test]
    fn a_link_leads_to_where_the_console_is_found() {
        let link = |set: &[(&str, &str)]| {
            let set = set.iter().map(|(key, value)| (format!("SCHOOLBELL__{key}"), (*value).to_owned()));
            let settings = Settings::read(std::iter::empty::<&str>(), set).unwrap();
            link_of(&settings, "t").replace("/console/enter?token=t", "")
        };
        assert_eq!(link(&[]), "http://127.0.0.1:7401");
        assert_eq!(link(&[("HTTP", "0.0.0.0:7401")]), "http://127.0.0.1:7401");
        assert_eq!(link(&[("HTTP", "[::]:7401"), ("TLS__CERTIFICATE", "c")]), "https://[::1]:7401");
        assert_eq!(link(&[("CONSOLE__PUBLIC_URL", "https://a.example.org/")]), "https://a.example.org");
    }
}
