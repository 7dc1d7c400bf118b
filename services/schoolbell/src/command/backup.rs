//! `schoolbell backup`: a copy of every database while the services run, and what it holds.
//!
//! Hearers are copied before those whom they hear: a hearer that knew more than its sayer would
//! take what the sayer says anew for old news, while one that knows less is told, and a person
//! decides (see [`restore`](super::restore)). The manifest is written last: a folder without one
//! is no backup.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use kit::clock::Clock;
use kit::store;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::{self, HEARERS};
use crate::settings::Settings;

/// The manifest's file.
const MANIFEST: &str = "manifest.json";
/// Of the manifest; another one is not read.
pub(super) const FORMAT: u32 = 1;

/// Where the copy goes.
#[derive(Debug, Args)]
pub struct Backup {
    /// A folder that is empty or not there yet.
    folder: PathBuf,
    /// Copies the signing keys too. Whoever has them can speak in the name of every service.
    #[arg(long)]
    with_keys: bool,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Of this file.
    pub(super) format: u32,
    /// Of the program that wrote it.
    pub(super) schoolbell: String,
    /// When it was begun, by real time: everything later is not in it.
    pub(super) taken_at: Timestamp,
    /// One per service, in the order of copying.
    pub(super) databases: Vec<Copied>,
    /// The signing keys, if they are in it.
    pub(super) keys: Vec<Sum>,
}

/// A database of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Copied {
    /// Whose.
    pub(super) service: String,
    /// Its file.
    pub(super) sum: Sum,
    /// The rows of every table.
    pub(super) rows: BTreeMap<String, i64>,
}

/// A file, and how it is known to be whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sum {
    /// Below the backup's folder.
    pub(super) file: PathBuf,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

impl Backup {
    /// Copies and says what was copied.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        if settings.store.postgres.is_some() {
            return say_how_a_server_is_copied(settings, &self.folder);
        }
        make_empty(&self.folder)?;
        let taken_at = Clock::system().real();
        let mut out = std::io::stdout().lock();
        let mut databases = Vec::new();
        for service in hearers_first() {
            let from = settings.data.join(format!("{service}.db"));
            if !from.exists() {
                continue;
            }
            let copied = copy(service, &from, &self.folder).await?;
            writeln!(out, "{service}: {} rows", copied.rows.values().sum::<i64>())?;
            databases.push(copied);
        }
        if databases.is_empty() {
            bail!("there are no databases in {}", settings.data.display());
        }
        let keys = if self.with_keys { copy_keys(&settings.data, &self.folder)? } else { Vec::new() };
        let schoolbell = env!("CARGO_PKG_VERSION").to_owned();
        let manifest = Manifest { format: FORMAT, schoolbell, taken_at, databases, keys };
        let text = serde_json::to_string_pretty(&manifest)?;
        write_private(&self.folder.join(MANIFEST), text.as_bytes())?;
        sync(&self.folder)?;
        writeln!(out, "the backup in {} is complete", self.folder.display())?;
        if manifest.keys.is_empty() {
            writeln!(out, "it holds no keys: keep data/keys, or the files of identity.keys, elsewhere")?;
        }
        Ok(())
    }
}

impl Manifest {
    /// Reads the manifest of a backup.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(MANIFEST);
        let text = std::fs::read(&file).with_context(|| {
            format!("{} cannot be read: a folder without it is no complete backup", file.display())
        })?;
        let manifest: Self = serde_json::from_slice(&text).context("the manifest does not read as one")?;
        if manifest.format != FORMAT {
            bail!("the backup was written by Schoolbell {}, in another format", manifest.schoolbell);
        }
        Ok(manifest)
    }
}

impl Sum {
    fn of(folder: &Path, file: PathBuf) -> anyhow::Result<Self> {
        let sha256 = checksum(&folder.join(&file))?;
        Ok(Self { file, sha256 })
    }

    /// The file, if it is what it was.
    pub(super) fn check(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let file = folder.join(&self.file);
        if checksum(&file)? != self.sha256 {
            bail!("{} is not what was backed up: its checksum differs", file.display());
        }
        Ok(file)
    }
}

async fn copy(service: &str, from: &Path, folder: &Path) -> anyhow::Result<Copied> {
    let file = PathBuf::from(format!("{service}.db"));
    let to = folder.join(&file);
    store::copy_file(from, &to).await.with_context(|| format!("the data of {service} cannot be copied"))?;
    std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600))?;
    let rows = store::count_rows(&to).await.with_context(|| format!("the copy of {service} is not sound"))?;
    Ok(Copied { service: service.to_owned(), sum: Sum::of(folder, file)?, rows })
}

fn copy_keys(data: &Path, folder: &Path) -> anyhow::Result<Vec<Sum>> {
    let mut sums = Vec::new();
    make_empty(&folder.join("keys"))?;
    for entry in std::fs::read_dir(data.join("keys")).context("the keys cannot be read")? {
        let file = Path::new("keys").join(entry?.file_name());
        write_private(&folder.join(&file), &std::fs::read(data.join(&file))?)?;
        sums.push(Sum::of(folder, file)?);
    }
    sync(&folder.join("keys"))?;
    Ok(sums)
}

/// Every service after all that hear it. Where they hear each other no order is right, and the list's
/// own is taken.
fn hearers_first() -> Vec<&'static str> {
    let mut left: Vec<(&'static str, &[&str])> = HEARERS.to_vec();
    let mut order = Vec::new();
    while !left.is_empty() {
        let is_heard = |name: &str| left.iter().any(|(other, hears)| *other != name && hears.contains(&name));
        let next = left.iter().position(|(name, _)| !is_heard(name)).unwrap_or_default();
        order.push(left.remove(next).0);
    }
    order
}

fn make_empty(folder: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("{} cannot be made", folder.display()))?;
    if std::fs::read_dir(folder).context("the folder cannot be read")?.next().is_some() {
        bail!("{} is not empty: a backup never overwrites anything", folder.display());
    }
    Ok(())
}

fn checksum(file: &Path) -> anyhow::Result<String> {
    let unreadable = || format!("{} cannot be read", file.display());
    let mut digest = Sha256::new();
    std::io::copy(&mut std::fs::File::open(file).with_context(unreadable)?, &mut Hashing(&mut digest))
        .with_context(unreadable)?;
    let mut text = String::new();
    for byte in digest.finalize() {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

struct Hashing<'a>(&'a mut Sha256);

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// Makes the names in a folder last.
pub(super) fn sync(folder: &Path) -> anyhow::Result<()> {
    let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("{} cannot be written", folder.display()))
}

/// A PostgreSQL server has tools of its own, which know its versions; here are the commands.
fn say_how_a_server_is_copied(settings: &Settings, folder: &Path) -> anyhow::Result<()> {
    make_empty(folder)?;
    let prefix = &settings.store.database_prefix;
    let mut text = String::from(
        "# The databases are on a PostgreSQL server, whose own tools copy them while the services run.\n\
         # PGHOST, PGPORT, PGUSER and PGPASSWORD (or ~/.pgpass) say where it is. In this order:\n",
    );
    for service in hearers_first() {
        writeln!(text, "pg_dump --format=custom --file={service}.dump {prefix}{service}")?;
    }
    text.push_str(
        "\n# To put them back, as a superuser and with every service stopped. Each database is dropped and made\n\
         # again with its owner and with what it lets whom do:\n",
    );
    for service in app::all() {
        writeln!(
            text,
            "pg_restore --exit-on-error --clean --if-exists --create --dbname=postgres {service}.dump"
        )?;
    }
    text.push_str(
        "\n# and then, before anything starts, so that nothing is sent twice: where one login opens all of them\n\
         # schoolbell restore --put-back\n\
         # and where each service has its own, each of these with the settings of that service:\n",
    );
    for service in hearers_first() {
        writeln!(text, "# schoolbell restore --put-back {service}")?;
    }
    let file = folder.join("COMMANDS.txt");
    write_private(&file, text.as_bytes())?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "nothing was copied: the databases are on a PostgreSQL server. Run these in {}:",
        folder.display()
    )?;
    write!(out, "{text}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_hears_is_copied_before_those_whom_they_hear() {
        let order = hearers_first();
        assert_eq!(order.len(), HEARERS.len());
        let place = |name: &str| order.iter().position(|other| *other == name).unwrap();
        for (hearer, sayers) in HEARERS {
            for sayer in sayers {
                assert!(place(hearer) < place(sayer), "{hearer} hears {sayer}: {order:?}");
            }
        }
    }

    #[test]
    fn a_file_that_was_changed_is_not_what_was_backed_up() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bell.db"), "rows").unwrap();
        let sum = Sum::of(folder.path(), "bell.db".into()).unwrap();
        assert!(sum.check(folder.path()).is_ok());
        std::fs::write(folder.path().join("bell.db"), "rowz").unwrap();
        assert!(sum.check(folder.path()).unwrap_err().to_string().contains("checksum"));
    }
}
