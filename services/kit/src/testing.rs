//! For the tests of the services: a store on every database and what is kept in it, requests and
//! answers, the tools, a patient question, and the spans that a collector would get.

#[cfg(feature = "testing")]
pub mod answers;
#[cfg(feature = "testing")]
pub mod kept;
pub mod spans;

pub mod authority;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::clock::Clock;
use crate::config::{self, Secret};
use crate::store::{Migration, Store};

/// Chooses the cryptography of TLS. Choosing twice is no fault: another test may have been faster.
pub fn choose_tls() {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
}

/// A store with nothing in it, and the folder that goes with it.
pub struct TestStore {
    /// Which database: `SQLite` or `PostgreSQL`.
    pub backend: &'static str,
    /// The store.
    pub store: Store,
    /// Its clock, which stands still.
    pub clock: Clock,
    settings: config::Store,
    folder: tempfile::TempDir,
}

impl TestStore {
    /// The same database once more: after [`Store::close`] it is a restart, beside an open one
    /// (on PostgreSQL) another replica.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[expect(clippy::expect_used, reason = "only tests call this, and they should stop here")]
    pub async fn open_again(&self, service: &'static str, migrations: &[Migration]) -> Store {
        Store::open(service, &self.settings, self.folder.path(), self.clock.clone(), migrations)
            .await
            .expect("a store")
    }

    /// What replicas of a service share: on PostgreSQL this store and another on the same database;
    /// SQLite has one writer, so this one alone.
    #[cfg(feature = "testing")]
    pub async fn replicas(&self, service: &'static str, migrations: &[Migration]) -> Vec<Store> {
        let mut stores = vec![self.store.clone()];
        if self.settings.postgres.is_some() {
            stores.push(self.open_again(service, migrations).await);
        }
        stores
    }
}

/// When the clocks of tests stand: a Tuesday in term, ten minutes to nine.
pub const MORNING: &str = "2026-11-24T08:50:00Z";

/// One empty store on SQLite and one on PostgreSQL.
///
/// # Panics
/// When there is no PostgreSQL to test on: `make test` starts one.
#[expect(clippy::expect_used, reason = "only tests call this, and they should stop here")]
pub async fn stores(service: &'static str, migrations: &[Migration]) -> Vec<TestStore> {
    let address = postgres();
    let mut stores = Vec::new();
    for (backend, postgres) in [("SQLite", None), ("PostgreSQL", Some(address))] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let morning: Timestamp = MORNING.parse().expect("a time");
        let clock = Clock::fixed(morning);
        let settings = config::Store {
            postgres: postgres.map(Secret::new),
            database_prefix: format!("t{}_", uuid::Uuid::now_v7().simple()),
            connections: 4,
        };
        let store =
            Store::open(service, &settings, folder.path(), clock.clone(), migrations).await.expect("a store");
        stores.push(TestStore { backend, store, clock, settings, folder });
    }
    stores
}

/// The address of the PostgreSQL server to test on.
///
/// # Panics
/// When there is none: `make test` starts one.
#[must_use]
#[expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "only tests call this, and they should stop here"
)]
pub fn postgres() -> String {
    std::env::var("SCHOOLBELL_TEST_POSTGRES")
        .expect("set SCHOOLBELL_TEST_POSTGRES to the address of a PostgreSQL server, or run `make test`, which starts one")
}

/// A PostgreSQL server that nobody else uses. It ends with this value, and with the process.
pub struct Postgres {
    /// `postgres://user:password@host:port`, where the user may do everything.
    pub address: String,
    _script: Child,
}

impl Postgres {
    /// Starts one as `make test` does.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::expect_used, reason = "only tests call this, and they should stop here")]
    pub async fn start() -> Self {
        // The script ends its server when its command ends, and that when nobody holds its input.
        let mut script =
            Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/tools/with-postgres"))
                .args(["sh", "-c", "echo \"$SCHOOLBELL_TEST_POSTGRES\"; exec cat"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("deploy/tools/with-postgres");
        let said = script.stdout.take().expect("its output");
        let address = BufReader::new(said).lines().next_line().await.expect("its output");
        Self { address: address.expect("the address of a server"), _script: script }
    }
}

/// Where `deploy/tools/install` puts its tools.
#[must_use]
pub fn tools() -> Vec<PathBuf> {
    vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin")]
}

/// Asks again and again until the answer is the expected one.
///
/// # Panics
/// When it is not after half a minute; says what was waited for, and the last answer.
#[expect(clippy::panic, reason = "only tests call this, and they should stop here")]
pub async fn eventually<T, Ask, Asking>(what: &str, expected: T, ask: Ask)
where
    T: PartialEq + std::fmt::Debug,
    Ask: Fn() -> Asking,
    Asking: Future<Output = T>,
{
    let mut moments = tokio::time::interval(Duration::from_millis(20));
    let mut last = None;
    for _ in 0..1_500 {
        moments.tick().await;
        let answer = ask().await;
        if answer == expected {
            return;
        }
        last = Some(answer);
    }
    panic!("{what}: expected {expected:?}, last seen {last:?}");
}

/// Lets a fact be heard as a consumer hears it, without a bus. What would be put aside or handed
/// out again is the error.
///
/// # Panics
/// When none of the reactions is about this fact.
#[cfg(feature = "testing")]
#[expect(clippy::expect_used, reason = "only tests call this, and they should stop here")]
pub async fn hear(
    store: &Store,
    reactions: &[crate::bus::Reaction],
    raw: crate::bus::Raw,
) -> Result<(), crate::bus::Verdict> {
    let mut words = raw.subject.split('.').skip(1);
    let (sayer, fact) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let reaction = reactions.iter().find(|reaction| reaction.sayer == sayer && reaction.fact == fact);
    let handler = &reaction.expect("a reaction to this fact").handler;
    crate::bus::reaction::put_through(store, handler, raw).await
}
