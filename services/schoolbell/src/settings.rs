//! The settings: the annotated file that is compiled in, a file of one's own, and the
//! environment, each laid over the one before. A key that nobody knows is an error.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::SignedDuration;
use kit::config::Mode;
use serde::Deserialize;

use crate::app::{self, PEOPLE};

/// The defaults, which are also their documentation.
const DEFAULTS: &str = include_str!("../../../deploy/schoolbell.toml");

/// Everything that can be set. See `deploy/schoolbell.toml`, where each key is explained.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How much is allowed.
    pub mode: Mode,
    /// Where files go.
    pub data: PathBuf,
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// How far the clock of the school is ahead of the machine's, if it is; below zero, behind it.
    pub clock_ahead_by: Option<SignedDuration>,
    /// What is to fail, for tests.
    pub faults: Vec<kit::faults::Fault>,
    /// Services that run elsewhere.
    #[serde(default)]
    pub peers: BTreeMap<String, String>,
    /// The bus.
    pub nats: kit::config::Nats,
    /// The databases.
    pub store: kit::config::Store,
    /// The protection of connections.
    #[serde(default)]
    pub tls: kit::config::Tls,
    /// Keys and issuers.
    #[serde(default)]
    pub identity: kit::config::Identity,
    /// Logs and spans.
    pub telemetry: kit::config::Telemetry,
    /// The directory's own.
    #[serde(default)]
    pub directory: directory::Config,
    /// Absences' own.
    pub absences: absences::Config,
    /// Incidents' own.
    pub incidents: incidents::Config,
    /// Scheduling's own.
    pub scheduling: scheduling::Config,
    /// Messaging's own.
    pub messaging: messaging::Config,
    /// The dispatcher's own.
    pub dispatcher: dispatcher::Config,
    /// The website's own.
    pub website: website::Config,
    /// The console's own.
    pub console: console::Config,
}

impl Settings {
    /// Reads the settings, each file laid over the one before. `environment` is the process's,
    /// read by the caller.
    pub fn read(
        files: impl IntoIterator<Item = impl AsRef<Path>>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let own: config::Map<String, String> =
            environment.filter(|(key, _)| key.starts_with("SCHOOLBELL__")).collect();
        let mut builder =
            config::Config::builder().add_source(config::File::from_str(DEFAULTS, config::FileFormat::Toml));
        for file in files {
            builder = builder.add_source(config::File::from(file.as_ref()).format(config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix("SCHOOLBELL")
            .prefix_separator("__")
            .separator("__")
            .source(Some(own));
        let settings: Self = builder
            .add_source(environment)
            .build()
            .and_then(config::Config::try_deserialize)
            .context("the settings cannot be read")?;
        settings.refuse_what_cannot_be_meant()?;
        settings.refuse_what_production_must_not_have()?;
        Ok(settings)
    }

    /// What reads well and would be found out late, or never.
    fn refuse_what_cannot_be_meant(&self) -> anyhow::Result<()> {
        if self.data.as_os_str().is_empty() {
            bail!("data is empty: it is the folder where files go");
        }
        for (key, names, people_too) in [
            ("peers", self.peers.keys().collect::<Vec<_>>(), false),
            ("nats.passwords", self.nats.passwords.keys().collect(), false),
            ("identity.keys", self.identity.keys.keys().collect(), true),
        ] {
            let unknown = |name: &&String| !(app::known(name).is_ok() || (people_too && *name == PEOPLE));
            if let Some(name) = names.into_iter().find(unknown) {
                bail!("unknown field {key}.{name}: there is no service of that name");
            }
        }
        let has_scheme = |address: &str| address.starts_with("http://") || address.starts_with("https://");
        if let Some((name, _)) = self.peers.iter().find(|(_, address)| !has_scheme(address)) {
            bail!("peers.{name} is no address that begins with https:// or http://");
        }
        Ok(())
    }

    fn refuse_what_production_must_not_have(&self) -> anyhow::Result<()> {
        if self.mode != Mode::Production {
            return Ok(());
        }
        if self.clock_ahead_by.is_some() {
            bail!("production refuses clock_ahead_by: messages must follow the real clock");
        }
        if !self.faults.is_empty() {
            bail!("production refuses faults: they are for tests");
        }
        if self.nats.url.is_none() {
            bail!("production needs nats.url: a cluster whose streams are kept three times");
        }
        if let Some(channel) = self.dispatcher.channels.unprotected().first() {
            bail!("production refuses the plain-text connection of channel {channel}");
        }
        if let Some(key) = self.plain_text_to_other_hosts().first() {
            bail!("production refuses plain text to another host: see {key}");
        }
        Ok(())
    }
}

impl Settings {
    /// The keys whose connections would cross the network unprotected. What is served without a
    /// certificate stays on this machine, behind something that speaks TLS.
    fn plain_text_to_other_hosts(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut check = |key: String, address: Option<&str>, protected: fn(&str) -> bool| {
            if address.is_some_and(|address| !is_here(address) && !protected(address)) {
                keys.push(key);
            }
        };
        for server in self.nats.url.iter().flat_map(|servers| servers.split(',')) {
            check("nats.url".to_owned(), Some(server.trim()), |url| url.starts_with("tls://"));
        }
        for (name, address) in &self.peers {
            check(format!("peers.{name}"), Some(address), |url| url.starts_with("https://"));
        }
        let postgres = self.store.postgres.as_ref().map(kit::config::Secret::reveal);
        check("store.postgres".to_owned(), postgres, is_verified);
        let otlp = self.telemetry.otlp_endpoint.as_deref();
        check("telemetry.otlp_endpoint".to_owned(), otlp, |url| url.starts_with("https://"));
        for (key, address) in [("grpc", self.grpc), ("http", self.http)] {
            if self.tls.certificate.is_none() && !address.ip().is_loopback() {
                keys.push(key.to_owned());
            }
        }
        keys
    }
}

/// Whether the address of a PostgreSQL server asks for its certificate and its name to be checked.
/// The driver takes the last of several modes, by either name; ours is the first name only.
fn is_verified(address: &str) -> bool {
    let (_, query) = address.split_once('?').unwrap_or_default();
    let mode = |pair: &'_ str| {
        let (key, value) = pair.split_once('=')?;
        (key == "sslmode" || key == "ssl-mode").then(|| key == "sslmode" && value == "verify-full")
    };
    query.split('&').filter_map(mode).next_back() == Some(true)
}

/// Whether an address with a scheme names this machine.
fn is_here(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let place = rest.split(['/', '?']).next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> anyhow::Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.toml");
        std::fs::write(&file, text).unwrap();
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Settings::read(Some(&file), environment)
    }

    #[test]
    fn the_compiled_in_file_is_complete() {
        let settings = read("", &[]).unwrap();
        assert_eq!(settings.mode, Mode::Trial);
        assert_eq!(settings.dispatcher.timing.absence_gathers_for_seconds, 30);
    }

    #[test]
    fn a_file_lies_over_the_defaults_and_the_environment_over_both() {
        let text = "grpc = \"127.0.0.1:1\"\n[nats]\nreplicas = 3";
        let settings = read(text, &[("SCHOOLBELL__NATS__REPLICAS", "5"), ("OTHER", "x")]).unwrap();
        assert_eq!(settings.grpc.port(), 1);
        assert_eq!(settings.nats.replicas, 5);
    }

    #[test]
    fn a_key_that_nobody_knows_is_an_error_that_names_it() {
        for (text, environment) in [
            ("colour = \"red\"", &[][..]),
            ("[nats]\ncolour = \"red\"", &[][..]),
            ("[dispatcher.timing]\ncolour = 1", &[][..]),
            ("", &[("SCHOOLBELL__COLOUR", "red")][..]),
            ("[peers]\ncolour = \"http://127.0.0.1:1\"", &[][..]),
            ("[identity.keys]\ncolour = \"/colour.pem\"", &[][..]),
            ("", &[("SCHOOLBELL__NATS__PASSWORDS__COLOUR", "red")][..]),
        ] {
            let error = format!("{:#}", read(text, environment).unwrap_err());
            assert!(error.contains("colour"), "{error}");
        }
    }

    #[test]
    fn a_secret_of_the_environment_stays_as_it_was_written() {
        for word in ["00012345678901234", "1e10", "TRUE", "-1"] {
            let settings = read("", &[("SCHOOLBELL__NATS__PASSWORDS__ABSENCES", word)]).unwrap();
            assert_eq!(settings.nats.passwords["absences"].reveal(), word);
        }
        let (key, other) = ("SCHOOLBELL__ABSENCES__CLOSE_AT_REGISTER_TIME", "SCHOOLBELL__NATS__MAX_DELIVER");
        let settings = read("", &[(key, "false"), (other, "12")]).unwrap();
        assert!(!settings.absences.close_at_register_time, "words are still read as what is asked for");
        assert_eq!(settings.nats.max_deliver, 12);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        for (text, said) in [
            ("data = \"\"", "data is empty"),
            ("mode = \"Production\"", "mode is one of demo, trial and production, not \"Production\""),
            ("[peers]\ndirectory = \"localhost:7400\"", "peers.directory is no address"),
            ("[peers]\npeople = \"http://localhost:7400\"", "peers.people"),
        ] {
            let error = format!("{:#}", read(text, &[]).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(read("[identity.keys]\npeople = \"people.pem\"", &[]).is_ok());
    }

    #[test]
    fn production_refuses_a_shifted_clock_and_plain_text() {
        let shifted = "mode = \"production\"\nclock_ahead_by = \"-5h\"";
        assert!(read(shifted, &[]).unwrap_err().to_string().contains("clock_ahead_by"));
        assert!(read("mode = \"production\"", &[]).unwrap_err().to_string().contains("nats.url"));
        let faults = "mode = \"production\"\nfaults = [{ service = \"dispatcher\", point = \"settled\" }]";
        assert!(read(faults, &[]).unwrap_err().to_string().contains("faults"));
        let plain = "mode = \"production\"\n[nats]\nurl = \"tls://10.0.0.1:4222\"\n\
                     [dispatcher.channels.\"email.smtp\"]\nhost = \"smtp.example.org\"\nport = 25\n\
                     security = \"plain\"\nfrom = \"a@example.org\"";
        let error = format!("{:#}", read(plain, &[]).unwrap_err());
        assert!(error.contains("plain-text connection of channel email.smtp"), "{error}");
    }

    #[test]
    fn production_refuses_every_unprotected_way_to_another_host() {
        let production = "mode = \"production\"\n[nats]\nurl = \"tls://nats.example.org:4222\"\n";
        assert!(read(production, &[]).is_ok());
        for (key, value, refused) in [
            ("NATS__URL", "nats://10.0.0.1:4222", "nats.url"),
            ("NATS__URL", "tls://10.0.0.1:4222, nats://10.0.0.2:4222", "nats.url"),
            ("PEERS__DIRECTORY", "http://10.0.0.2:7400", "peers.directory"),
            ("STORE__POSTGRES", "postgres://u:p@10.0.0.3:5432", "store.postgres"),
            ("STORE__POSTGRES", "postgres://u:p@10.0.0.3?sslmode=require", "store.postgres"),
            (
                "STORE__POSTGRES",
                "postgres://u:p@10.0.0.3?sslmode=verify-full&ssl-mode=disable",
                "store.postgres",
            ),
            ("TELEMETRY__OTLP_ENDPOINT", "http://10.0.0.4:4317", "telemetry.otlp_endpoint"),
            ("GRPC", "0.0.0.0:7400", "grpc"),
            ("HTTP", "10.0.0.5:7401", "http"),
        ] {
            let key = format!("SCHOOLBELL__{key}");
            let error = format!("{:#}", read(production, &[(&key, value)]).unwrap_err());
            assert!(error.ends_with(refused), "{key}: {error}");
        }
        for (key, value) in [
            ("NATS__URL", "nats://127.0.0.1:4222"),
            ("NATS__URL", "tls://10.0.0.1:4222,tls://10.0.0.2:4222"),
            ("PEERS__DIRECTORY", "https://10.0.0.2:7400"),
            ("STORE__POSTGRES", "postgres://u:p@[::1]:5432"),
            ("STORE__POSTGRES", "postgres://u:p@10.0.0.3:5432?sslmode=verify-full"),
        ] {
            let key = format!("SCHOOLBELL__{key}");
            assert!(read(production, &[(&key, value)]).is_ok(), "{key} = {value}");
        }
        let protected = format!("{production}[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n");
        for key in ["SCHOOLBELL__GRPC", "SCHOOLBELL__HTTP"] {
            assert!(read(&protected, &[(key, "0.0.0.0:7400")]).is_ok(), "{key} with a certificate");
        }
    }
}
