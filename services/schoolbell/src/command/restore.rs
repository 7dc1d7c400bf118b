//! `schoolbell restore`: puts a backup in place of the data, while nothing runs, in such a way that
//! nothing that may have left before is sent again.
//!
//! The databases are prepared beside the old ones: each gets the mark of the restore together with
//! what its service holds back, in one transaction. Only then are the old ones moved aside, never
//! deleted, and the new ones moved in. While that is not finished nothing starts. NATS keeps what it
//! has: facts of before the restore come to their hearers once more and wait there for a person.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use std::io::Write as _;

use anyhow::{Context, bail, ensure};
use clap::Args;
use jiff::Timestamp;
use kit::clock::Clock;
use kit::config;
use kit::folder::DataFolder;
use kit::service::Service;
use kit::store::{self, Store};
use kit::tls::Tls;
use sea_orm::ConnectionTrait;

use super::backup::{Manifest, sync};
use crate::app;
use crate::settings::Settings;

/// From where, and how far.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder of a backup.
    #[arg(required_unless_present = "put_back")]
    folder: Option<PathBuf>,
    /// Moves databases that are there aside.
    #[arg(long)]
    replace: bool,
    /// The databases have been put back already, by the PostgreSQL server's own tools: only holds
    /// back what may have been sent before. In those of the services that are named, where each has a
    /// login of its own and this one's settings; else in all of them.
    #[arg(long, value_name = "SERVICE", num_args = 0.., conflicts_with_all = ["folder", "replace"])]
    put_back: Option<Vec<String>>,
}

/// Where the databases are that get the mark, and when it is.
struct Marking<'a> {
    services: Vec<String>,
    store: &'a config::Store,
    folder: &'a Path,
    clock: Clock,
    at: Timestamp,
}

impl Restore {
    /// Restores, and says what people have to do now.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let on_server = settings.store.postgres.is_some();
        let named = self.put_back.clone().unwrap_or_default();
        for service in &named {
            app::known(service)?;
        }
        match &self.folder {
            Some(_) if on_server => bail!(
                "the databases are on a PostgreSQL server: put them back with its own tools, as COMMANDS.txt \
                 of the backup says, and then run `schoolbell restore --put-back`"
            ),
            Some(folder) => self.put_back_files(settings, folder).await?,
            None if on_server => mark_server(settings, named.clone()).await?,
            None => bail!("there is no PostgreSQL server in the settings: name the folder of a backup"),
        }
        let mut out = std::io::stdout().lock();
        if !named.is_empty() {
            writeln!(out, "marked: {}. Nothing may start before all the others are, too", named.join(", "))?;
            return Ok(());
        }
        writeln!(out, "restored. Before anybody relies on it:")?;
        writeln!(out, "- enter again what was changed since the backup, restrictions first")?;
        writeln!(out, "- start, and look at the tasks of kind `restored` and `dead_letter`")?;
        writeln!(out, "- see what waits with `schoolbell trace`; send it with `schoolbell redeliver`")?;
        Ok(())
    }

    async fn put_back_files(&self, settings: &Settings, folder: &Path) -> anyhow::Result<()> {
        let manifest = Manifest::read(folder)?;
        let at = Clock::system().real();
        ensure!(
            at > manifest.taken_at,
            "the clock of this machine is behind the backup: set it right first, because what was said before \
             is told from what is new by the time"
        );
        let data = DataFolder::alone(&settings.data).context("a restore needs everything to be stopped")?;
        let there = databases(&settings.data)?;
        if !there.is_empty() && !self.replace {
            bail!("{} holds databases: --replace moves them aside", settings.data.display());
        }
        for file in &there {
            let service = file.file_stem().unwrap_or_default().to_string_lossy();
            let is_known = app::all().iter().any(|name| *name == service);
            let is_held = manifest.databases.iter().any(|copied| *copied.service == *service);
            ensure!(
                is_held || !is_known,
                "the backup holds nothing of {service}, which is there: take one that does"
            );
        }
        let aside = settings.data.join(format!("replaced-{}", at.strftime("%Y%m%dT%H%M%S%fZ")));
        let staging = data.unfinished();
        if staging.exists() {
            make(&aside)?;
            std::fs::rename(&staging, aside.join("restoring"))?;
        }
        make(&staging)?;
        for copied in &manifest.databases {
            let from = copied.sum.check(folder)?;
            let to = staging.join(&copied.sum.file);
            std::fs::copy(&from, &to).with_context(|| format!("{} cannot be copied", from.display()))?;
            let rows = store::count_rows(&to).await;
            let rows = rows.with_context(|| format!("the copy of {} is not sound", copied.service))?;
            ensure!(rows == copied.rows, "the backup of {} does not hold what it says", copied.service);
        }
        let files = config::Store { postgres: None, ..settings.store.clone() };
        let (services, clock) = (app::all(), clock(settings));
        mark(&Marking { services, store: &files, folder: &staging, clock, at }).await?;
        let keys = manifest.keys.iter().map(|sum| sum.check(folder)).collect::<anyhow::Result<Vec<_>>>()?;
        put_in_place(&settings.data, (&staging, &aside), &keys)
    }
}

/// The school's clock, as it will run.
fn clock(settings: &Settings) -> Clock {
    settings.clock_ahead_by.map_or_else(Clock::system, Clock::offset)
}

async fn mark_server(settings: &Settings, named: Vec<String>) -> anyhow::Result<()> {
    let _data = DataFolder::alone(&settings.data).context("a restore needs everything to be stopped")?;
    let tls = Tls::read(&settings.tls)?;
    let postgres = settings.store.postgres.as_ref().map(|address| tls.postgres(address));
    // One connection, so that every other is somebody else's.
    let server = config::Store { postgres, connections: 1, ..settings.store.clone() };
    let at = Clock::system().real();
    let services = if named.is_empty() { app::all() } else { named };
    let folder = settings.data.as_path();
    mark(&Marking { services, store: &server, folder, clock: clock(settings), at }).await
}

/// Marks the database of every service, also of those that the backup does not hold: a hearer that
/// starts with nothing would take everything that NATS keeps for new.
async fn mark(marking: &Marking<'_>) -> anyhow::Result<()> {
    marking.of::<dispatcher::Dispatcher>().await?;
    marking.of::<website::Website>().await?;
    marking.of::<console::Console>().await?;
    marking.of::<messaging::Messaging>().await?;
    marking.of::<absences::Absences>().await?;
    marking.of::<incidents::Incidents>().await?;
    marking.of::<scheduling::Scheduling>().await?;
    marking.of::<directory::Directory>().await
}

impl Marking<'_> {
    async fn of<S: Service>(&self) -> anyhow::Result<()> {
        if !self.services.iter().any(|name| name == S::NAME) {
            return Ok(());
        }
        let what = || format!("the data of {} cannot be restored", S::NAME);
        let (clock, folder) = (self.clock.clone(), self.folder);
        let store =
            Store::open(S::NAME, self.store, folder, clock, S::MIGRATIONS).await.with_context(what)?;
        if self.store.postgres.is_some() {
            let others = "SELECT COUNT(*) AS others FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            let row = store.read().query_one_raw(store.statement(others, [])).await?.context("no answer")?;
            let others: i64 = row.try_get("", "others")?;
            ensure!(others == 0, "the database of {} is in use: stop everything first", S::NAME);
        }
        let held_back = S::hold_back(&store, self.clock.now()).await.with_context(what)?;
        store.mark_restored(self.at, held_back).await.with_context(what)?;
        store.close().await.with_context(what)
    }
}

/// The old files go aside and the new ones come in.
fn put_in_place(data: &Path, (staging, aside): (&Path, &Path), keys: &[PathBuf]) -> anyhow::Result<()> {
    make(aside)?;
    for file in std::fs::read_dir(data)?.map(|entry| entry.map(|entry| entry.path())) {
        let file = file?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if [".db", ".db-wal", ".db-shm"].iter().any(|end| name.ends_with(end)) {
            std::fs::rename(&file, aside.join(name))?;
        }
    }
    if !keys.is_empty() {
        let (there, prepared) = (data.join("keys"), staging.join("keys"));
        make(&prepared)?;
        for key in keys {
            store::write_private(&prepared.join(key.file_name().unwrap_or_default()), &std::fs::read(key)?)?;
        }
        sync(&prepared)?;
        if there.exists() {
            std::fs::rename(&there, aside.join("keys"))?;
        }
    }
    sync(aside)?;
    for entry in std::fs::read_dir(staging)? {
        let entry = entry?;
        let path = entry.path();
        if path.is_file() {
            std::fs::File::open(&path)?.sync_all()?;
        }
        std::fs::rename(&path, data.join(entry.file_name()))?;
    }
    sync(data)?;
    std::fs::remove_dir(staging).context("the restore is not finished")?;
    sync(data)
}

fn databases(data: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(data).context("the data folder cannot be read")?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "db"));
    Ok(files)
}

fn make(folder: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("{} cannot be made", folder.display()))
}
