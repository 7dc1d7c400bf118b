//! What is kept is what stands in the database.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use proto::options::v1::Role;
use sea_orm::{ConnectionTrait, DbBackend};

use super::super::{Commit, Error, Store};
use crate::fixtures::{LEDGER, account, caller, number, rows};
use crate::identity::Caller;
use crate::testing::{MORNING, stores};
use crate::{Tenant, audit};

/// The sum of all accounts, and how often it was really read.
async fn sum(store: &Store, read: &AtomicU32) -> i64 {
    let sum = store.kept(("sum", Vec::new()), || async {
        read.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Error>(number(store, "SELECT COALESCE(SUM(amount), 0) FROM ledger").await)
    });
    *sum.await.unwrap()
}

#[tokio::test]
async fn an_answer_is_read_again_after_each_write_and_never_for_a_look() {
    for trial in stores("trial", LEDGER).await {
        let (store, read) = (&trial.store, AtomicU32::new(0));
        assert_eq!((sum(store, &read).await, sum(store, &read).await), (0, 0));
        let after_two = read.load(Ordering::SeqCst);
        assert_eq!(after_two, if store.backend() == DbBackend::Sqlite { 1 } else { 2 });

        store.commit(account(store, "one", 5)).await.unwrap();
        assert_eq!(sum(store, &read).await, 5, "a commit");
        let tx = store.begin().await.unwrap();
        tx.execute_unprepared("UPDATE ledger SET amount = 7").await.unwrap();
        assert_eq!(sum(store, &read).await, 5, "not yet");
        assert_eq!(sum(store, &read).await, 5, "nothing is kept while something is being written");
        tx.commit().await.unwrap();
        assert_eq!(sum(store, &read).await, 7, "a transaction");
        let tx = store.begin().await.unwrap();
        tx.execute_unprepared("UPDATE ledger SET amount = 9").await.unwrap();
        drop(tx);
        assert_eq!(sum(store, &read).await, 7, "what was rolled back");

        let before = read.load(Ordering::SeqCst);
        let who = caller(Tenant::generate(), Role::Office);
        store.commit(Commit::new().audit(&who, "Ring", &[], MORNING.parse().unwrap())).await.unwrap();
        assert_eq!(sum(store, &read).await, 7);
        if store.backend() == DbBackend::Sqlite {
            assert_eq!(read.load(Ordering::SeqCst), before, "a look changes nothing that is shown");
        }
    }
}

#[tokio::test]
async fn those_who_ask_at_once_wait_for_one_reading_and_a_failure_is_nobody_elses() {
    for trial in stores("trial", LEDGER).await {
        let (store, read) = (&trial.store, AtomicU32::new(0));
        assert_eq!(join_all((0..20).map(|_| sum(store, &read))).await, [0; 20]);
        if store.backend() == DbBackend::Sqlite {
            assert_eq!(read.load(Ordering::SeqCst), 1);
        }
        let failing = || async { Err::<i64, _>(Error::Stopping) };
        store.kept(("other", Vec::new()), failing).await.unwrap_err();
        let found = store.kept(("other", Vec::new()), || async { Ok::<_, Error>(3) }).await.unwrap();
        assert_eq!(*found, 3, "{}", trial.backend);
        let other = store.kept(("other", b"else".to_vec()), || async { Ok::<_, Error>(4) }).await.unwrap();
        assert_eq!(*other, 4, "another question");
    }
}

#[tokio::test]
async fn looks_of_one_minute_are_one_entry_and_each_persons_own() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let (school, other) = (Tenant::generate(), Tenant::generate());
        let look = async |school, subjects: &[&str], rpc| {
            let subjects: Vec<String> = subjects.iter().map(ToString::to_string).collect();
            audit::look(store, &caller(school, Role::Office), rpc, &subjects).await.unwrap();
            rows(store, "audit").await
        };
        assert_eq!(look(school, &["a"], "GetPupil").await, 1);
        assert_eq!(look(school, &["a"], "GetPupil").await, 1, "the same look");
        assert_eq!(look(school, &["a", "b"], "GetPupil").await, 2, "somebody else was seen too");
        assert_eq!(look(school, &["a"], "GetContact").await, 3, "another question");
        assert_eq!(look(other, &["a"], "GetPupil").await, 4, "in another school");
        let who = Caller { subject: "person-8".to_owned(), ..caller(school, Role::Office) };
        audit::look(store, &who, "GetPupil", &["a".to_owned()]).await.unwrap();
        assert_eq!(rows(store, "audit").await, 5, "another person");
    }
}
