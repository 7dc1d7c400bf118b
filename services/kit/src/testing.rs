//! For the tests of the services: a store on every database.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::{self, Secret};
use crate::store::{Migration, Store};

/// A store with nothing in it, and the folder that goes with it.
pub struct TestStore {
    /// Which database: `SQLite` or `PostgreSQL`.
    pub backend: &'static str,
    /// The store.
    pub store: Store,
    /// Its clock, which stands still.
    pub clock: Clock,
    _folder: tempfile::TempDir,
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
        let data: PathBuf = folder.path().to_owned();
        let store = Store::open(service, &settings, &data, clock.clone(), migrations).await.expect("a store");
        stores.push(TestStore { backend, store, clock, _folder: folder });
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
