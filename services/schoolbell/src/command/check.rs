//! `schoolbell check`: whether what is set would work, said line by line before anything starts.
//!
//! Reads the settings, every file that they name and every template; asks NATS, PostgreSQL, the services
//! that run elsewhere and the providers. Makes nothing, sends nothing, prints no secret.

mod starts;

use std::fmt::Display;
use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;
use kit::bus::{self, Access};
use kit::clock::Clock;
use kit::config::{self, Secret};
use kit::identity::{Gate, Keys};
use kit::runner::peers;
use kit::service::Service as _;
use kit::store;
use kit::tls::Tls;
use kit::unreached::place;

use crate::app::{self, HEARERS};
use crate::settings::Settings;

/// What is checked.
#[derive(Debug, Args)]
pub struct Check {
    /// The services that run with these settings; all of them when none is named.
    services: Vec<String>,
    /// Only what can be known without asking NATS, PostgreSQL or a provider.
    #[arg(long)]
    offline: bool,
}

struct Report<Out> {
    services: Vec<String>,
    out: Out,
    wrong: usize,
}

impl Check {
    /// Says a line per thing; fails when one of them is wrong. `settings` is what came of reading
    /// them.
    pub async fn run(self, settings: anyhow::Result<Settings>) -> anyhow::Result<()> {
        let services = if self.services.is_empty() { app::all() } else { self.services };
        for service in &services {
            app::known(service)?;
        }
        let mut report = Report { services, out: std::io::stdout(), wrong: 0 };
        match settings {
            Err(error) => report.say::<&str>("settings", &Err(error)),
            Ok(settings) => {
                report.say("settings", &Ok(format!("{:?} mode", settings.mode).to_lowercase()));
                report.files(&settings);
                report.starts(&settings);
                report.templates();
                if !self.offline {
                    report.bus(&settings).await;
                    report.databases(&settings).await;
                    report.peers(&settings).await;
                    report.providers(&settings).await;
                    report.openid(&settings).await;
                }
            }
        }
        if report.wrong > 0 {
            bail!("{} of these must be put right", report.wrong);
        }
        Ok(())
    }
}

impl<Out: Write> Report<Out> {
    fn say<T: Display>(&mut self, what: &str, outcome: &anyhow::Result<T>) {
        let said = match outcome {
            Ok(found) => writeln!(self.out, "ok     {what}: {found}"),
            Err(error) => {
                self.wrong += 1;
                writeln!(self.out, "WRONG  {what}: {error:#}")
            }
        };
        // Nobody listens any more; the exit code says it all the same.
        let _ = said;
    }

    fn runs(&self, service: &str) -> bool {
        self.services.iter().any(|name| name == service)
    }

    fn files(&mut self, settings: &Settings) {
        self.say("data", &data(settings));
        self.say("tls", &tls(settings));
        for name in settings.identity.keys.keys() {
            let key = Keys::gather(&settings.data, &[name.as_str()], &settings.identity.keys);
            self.say(&format!("identity.keys.{name}"), &key.map(|_| "an Ed25519 key").map_err(Into::into));
        }
        for (name, issuer) in &settings.identity.issuers {
            let issuers = std::iter::once((name.clone(), issuer.clone())).collect();
            let gate = Gate::new(&issuers);
            let grants = issuer.may_grant.join(", ");
            self.say(
                &format!("identity.issuers.{name}"),
                &gate.map(|_| format!("may grant {grants}")).map_err(Into::into),
            );
        }
        if self.runs(dispatcher::Dispatcher::NAME) {
            self.say("dispatcher.receipts_token", &receipts_token(settings));
        }
    }

    fn templates(&mut self) {
        let rendered = dispatcher::render::Renderer::new().and_then(|renderer| renderer.check());
        self.say("templates", &rendered.map(|texts| format!("{texts} texts")).map_err(Into::into));
    }

    async fn bus(&mut self, settings: &Settings) {
        let Some(url) = &settings.nats.url else {
            self.say("nats", &server_of_our_own(settings));
            return;
        };
        let Ok(tls) = Tls::read(&settings.tls) else { return };
        let passwords = &settings.nats.passwords;
        for (service, _) in HEARERS {
            if !self.runs(service) {
                continue;
            }
            if !passwords.is_empty() && !passwords.contains_key(service) {
                let missing =
                    anyhow::anyhow!("nats.passwords.{service} is not set; name the services that run here");
                self.say::<&str>(&format!("nats as {service}"), &Err(missing));
                continue;
            }
            let (password, authorities) = (passwords.get(service), tls.authorities());
            let access = Access { url, password, authorities, replicas: 1 };
            let found = bus::probe(service, access, &app::hearers()).await;
            let found = found.map(|version| format!("nats-server {version} at {}", place(url)));
            self.say(&format!("nats as {service}"), &found.map_err(Into::into));
        }
    }

    async fn databases(&mut self, settings: &Settings) {
        let Ok(tls) = Tls::read(&settings.tls) else { return };
        let Some(address) = &settings.store.postgres else {
            self.say("store", &Ok("SQLite files in the data folder"));
            return;
        };
        let server = config::Store { postgres: Some(tls.postgres(address)), ..settings.store.clone() };
        for service in self.services.clone() {
            let found = store::probe(&service, &server).await;
            let found = found.map(|version| {
                format!("PostgreSQL {} at {}", version.unwrap_or_default(), place(address.reveal()))
            });
            self.say(&format!("store of {service}"), &found.map_err(without_address));
        }
    }

    /// Without those that run in this process, whose port is not open yet.
    async fn peers(&mut self, settings: &Settings) {
        let Ok(tls) = Tls::read(&settings.tls) else { return };
        for (name, address) in &settings.peers {
            let asked = match tls.endpoint(address) {
                Ok(endpoint) => peers::ask(&endpoint).await.map_err(anyhow::Error::from),
                Err(error) => Err(error.into()),
            };
            let asked = asked.map(|()| format!("it answers at {}", place(address)));
            self.say(&format!("peer {name}"), &asked.with_context(|| place(address)));
        }
    }

    /// Who vouches for the staff, as the issuer describes itself; whether it knows us is seen when somebody signs in.
    async fn openid(&mut self, settings: &Settings) {
        if !self.runs(console::Console::NAME) {
            return;
        }
        let providers = match settings.console.providers() {
            Ok(providers) => providers,
            Err(error) => return self.say::<&str>("console.openid", &Err(error)),
        };
        for (name, provider) in providers {
            let described = provider.check().await.map(|()| "it describes itself as we expect");
            self.say(&format!("console.openid.{name}"), &described.map_err(Into::into));
        }
    }

    async fn providers(&mut self, settings: &Settings) {
        if !self.runs(dispatcher::Dispatcher::NAME) {
            return;
        }
        let config = &settings.dispatcher.channels;
        let channels =
            dispatcher::channels::http_client().and_then(|http| dispatcher::channels::all(config, &http));
        let channels = match channels {
            Ok(channels) => channels,
            Err(error) => {
                self.say::<&str>("channels", &Err(error.into()));
                return;
            }
        };
        if channels.is_empty() {
            self.say("channels", &Ok("none: nothing can be sent, and everything is a person's task"));
        }
        for channel in channels {
            let checked = channel.check(Clock::system().real()).await;
            let checked = checked.map(|()| "it takes our credentials");
            self.say(
                &channel.name().to_string(),
                &checked.map_err(|why| anyhow::anyhow!("{}", why.sentence())),
            );
        }
    }
}

fn data(settings: &Settings) -> anyhow::Result<String> {
    let path = &settings.data;
    let (shown, is_there) = (path.display(), path.exists());
    let what = if is_there { "is not a folder that can be read and written" } else { "cannot be made" };
    kit::folder::is_usable(path).with_context(|| format!("{shown} {what}"))?;
    Ok(if is_there { shown.to_string() } else { format!("{shown} will be made") })
}

fn tls(settings: &Settings) -> anyhow::Result<&'static str> {
    Tls::read(&settings.tls)?.check_dates(Clock::system().real())?;
    Ok(match (&settings.tls.certificate, &settings.tls.authorities) {
        (Some(_), _) => "certificate and key go together, and are valid now",
        (None, Some(_)) => "authorities only: this process serves without TLS",
        (None, None) => "none: only for connections on this machine",
    })
}

fn receipts_token(settings: &Settings) -> anyhow::Result<&'static str> {
    let config = &settings.dispatcher;
    let notify = config.channels.sms_notify.is_some() || config.channels.email_notify.is_some();
    let (token, file) = (config.receipts_token.clone(), config.receipts_token_file.as_ref());
    if !notify && token.is_none() && file.is_none() {
        return Ok("not needed without GOV.UK Notify");
    }
    Secret::resolve(token, file, "dispatcher.receipts_token")?;
    Ok("set")
}

fn server_of_our_own(settings: &Settings) -> anyhow::Result<String> {
    let path = bus::server::installed(&settings.nats.tools)?;
    Ok(format!("a server of our own, {}", path.display()))
}

/// What a database's driver says beside what [`kit::unreached`] knows could repeat the address with its
/// password.
fn without_address(error: store::Error) -> anyhow::Error {
    match error {
        store::Error::Database(_) => anyhow::anyhow!("the server does not answer as PostgreSQL does"),
        other => other.into(),
    }
}
