//! The command line.

mod backup;
mod caller;
mod check;
pub(crate) mod import;
mod keys;
mod redeliver;
mod restore;
mod token;
mod trace;

use std::path::PathBuf;
use std::pin::pin;

use anyhow::Context;
use clap::{Parser, Subcommand};
use kit::telemetry;
use kit::tls::Tls;
use tokio::signal::unix::{SignalKind, signal};

use crate::app;
use crate::demo;
use crate::settings::Settings;

/// Carries what happens in a school to the people at home, the same day.
#[derive(Debug, Parser)]
#[command(name = "schoolbell", version)]
pub struct Arguments {
    /// A file that is laid over the compiled-in settings; may be given several times, and each is
    /// laid over the one before.
    #[arg(long, global = true)]
    config: Vec<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every service in this process.
    All,
    /// Runs some services in this process.
    Run {
        /// Which.
        #[arg(required = true)]
        services: Vec<String>,
    },
    /// Loads a roster: a OneRoster 1.2 folder or zip with Schoolbell's own files.
    Import(import::Import),
    /// Makes the keys and passwords of services that run apart.
    Keys(keys::Keys),
    /// Prints a token for a role, to try things out. Refused in production.
    Token(token::Token),
    /// Says whether what is set would work: settings, files, templates, NATS, PostgreSQL, providers.
    Check(check::Check),
    /// Tells one fact's whole story, from any id in it.
    Trace(trace::Trace),
    /// Sends again to those whom nothing reached.
    Redeliver(redeliver::Redeliver),
    /// Copies every database while the services run.
    Backup(backup::Backup),
    /// Puts a backup in place while nothing runs; nothing is sent twice.
    Restore(restore::Restore),
    /// Plays one school morning that can be watched.
    Demo(demo::Demo),
}

impl Arguments {
    /// Does what was asked. `environment` is the process's.
    pub async fn run(self, environment: impl Iterator<Item = (String, String)>) -> anyhow::Result<()> {
        app::choose_tls();
        let settings = Settings::read(&self.config, environment);
        match self.command {
            Command::Check(check) => check.run(settings).await,
            Command::All => serve(settings?, app::all()).await,
            Command::Run { services } => serve(settings?, services).await,
            Command::Import(import) => import.run(&settings?).await,
            Command::Keys(keys) => keys.run(),
            Command::Token(token) => token.run(&settings?),
            Command::Trace(trace) => trace.run(&settings?).await,
            Command::Redeliver(redeliver) => redeliver.run(&settings?).await,
            Command::Backup(backup) => backup.run(&settings?).await,
            Command::Restore(restore) => restore.run(&settings?).await,
            Command::Demo(demo) => demo.run(settings?).await,
        }
    }
}

async fn serve(settings: Settings, services: Vec<String>) -> anyhow::Result<()> {
    let _telemetry = telemetry::start(&settings.telemetry, &Tls::read(&settings.tls)?, &app::all())?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut told = pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    });
    let running = tokio::select! {
        running = Box::pin(app::start(settings, &services)) => running?,
        () = &mut told => return Ok(()),
    };
    tracing::info!(grpc = %running.grpc, http = %running.http, services = services.join(","), "serving");
    let stop = running.stop_token();
    let asked = async {
        told.await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(running.wait(), asked_or_ended(asked, stop.clone()));
    ended.context("a part of the process failed")
}

/// Waits for a signal, unless the process ends by itself before.
async fn asked_or_ended(asked: impl Future<Output = ()>, stop: tokio_util::sync::CancellationToken) {
    tokio::select! {
        () = asked => {}
        () = stop.cancelled() => {}
    }
}
