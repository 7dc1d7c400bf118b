//! Opening: alone, beside a replica, in an odd folder; and what the two kinds of connection may do.

use std::os::unix::fs::PermissionsExt;

use sea_orm::ConnectionTrait;

use super::super::{Commit, Error, Store};
use crate::clock::Clock;
use crate::config;
use crate::fixtures::{LEDGER, account, rang, rows};
use crate::testing::{postgres, stores};

#[tokio::test]
async fn what_is_committed_can_be_read_at_once() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        for index in 1..=100 {
            store.commit(account(store, &format!("account-{index}"), 1)).await.unwrap();
            assert_eq!(rows(store, "ledger").await, index, "{}", trial.backend);
        }
    }
}

#[tokio::test]
async fn sqlite_refuses_a_write_through_the_connections_for_reading() {
    let trials = stores("trial", LEDGER).await;
    let store = &trials.iter().find(|trial| trial.backend == "SQLite").unwrap().store;
    let written = store.read().execute_raw(store.statement("DELETE FROM ledger", [])).await;
    assert!(written.is_err());
}

#[tokio::test]
async fn replicas_that_start_at_once_make_one_database() {
    let server = postgres();
    let settings = config::Store {
        postgres: Some(config::Secret::new(server)),
        database_prefix: format!("t{}_", uuid::Uuid::now_v7().simple()),
        connections: 2,
    };
    let folder = tempfile::tempdir().unwrap();
    let opening = (0..6).map(|_| Store::open("trial", &settings, folder.path(), Clock::system(), LEDGER));
    let opened = futures::future::join_all(opening).await;
    for store in opened {
        let store = store.unwrap();
        assert_eq!(rows(&store, "ledger").await, 0);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a folder?with=100%25 #odd marks");
    let settings = config::Store { postgres: None, database_prefix: String::new(), connections: 1 };
    let store = Store::open("trial", &settings, &data, Clock::system(), LEDGER).await.unwrap();
    store.commit(account(&store, "one", 1)).await.unwrap();
    assert!(data.join("trial.db").is_file());
    assert_eq!(rows(&store, "ledger").await, 1);
    for file in ["trial.db", "trial.db-wal", "trial.db-shm"] {
        let rights = std::fs::metadata(data.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(rights, 0o600, "{file} is its owner's alone");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_being_repeated() {
    for address in ["mysql://user:sesame@host", "sesame"] {
        let settings = config::Store {
            postgres: Some(config::Secret::new(address)),
            database_prefix: String::new(),
            connections: 1,
        };
        let folder = tempfile::tempdir().unwrap();
        let error =
            Store::open("trial", &settings, folder.path(), Clock::system(), LEDGER).await.err().unwrap();
        assert!(matches!(error, Error::Address) && !format!("{error:?} {error}").contains("sesame"));
    }
}

#[test]
fn a_fact_that_no_server_would_take_is_refused_before_it_is_decided() {
    let mut event = rang(crate::Tenant::generate(), 1);
    event.subject = "x".repeat(1_000_000);
    assert!(matches!(Commit::new().fact(&event), Err(Error::TooLarge { what: "rang" })));
}
