//! What is kept is what stands in the database.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use jiff::SignedDuration;
use proto::options::v1::Role;
use proto::tasks::v1::ListTasksRequest;
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
    sum.await.unwrap().answer
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
        let before = read.load(Ordering::SeqCst);
        assert_eq!((sum(store, &read).await, sum(store, &read).await), (5, 5), "not yet");
        let read_meanwhile = read.load(Ordering::SeqCst) - before;
        assert_eq!(read_meanwhile, 2, "nothing is kept while something is being written");
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
        assert_eq!(found.answer, 3, "{}", trial.backend);
        let other = store.kept(("other", b"else".to_vec()), || async { Ok::<_, Error>(4) }).await.unwrap();
        assert_eq!(other.answer, 4, "another question");
    }
}

/// What a commit overtakes while it is being read is nobody else's answer.
#[tokio::test]
async fn a_reading_that_was_overtaken_is_not_kept() {
    for trial in stores("trial", LEDGER).await {
        let (store, read) = (&trial.store, AtomicU32::new(0));
        let overtaken = store.kept(("sum", Vec::new()), || async {
            let sum = number(store, "SELECT COALESCE(SUM(amount), 0) FROM ledger").await;
            store.commit(account(store, "one", 5)).await.unwrap();
            Ok::<_, Error>(sum)
        });
        assert_eq!(overtaken.await.unwrap().answer, 0);
        assert_eq!(sum(store, &read).await, 5, "{}", trial.backend);
    }
}

#[tokio::test]
async fn looks_of_one_minute_at_one_reading_are_one_entry_and_each_persons_own() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let (school, other) = (Tenant::generate(), Tenant::generate());
        let look = async |who: &Caller, rpc, on: &str| {
            let read = || async { Ok(((), vec!["somebody".to_owned()])) };
            let request = ListTasksRequest::default();
            audit::show(store, who, (rpc, &request, on), read).await.unwrap();
            rows(store, "audit").await
        };
        let office = caller(school, Role::Office);
        assert_eq!(look(&office, "GetPupil", "today").await, 1);
        let of_a_server = i64::from(store.backend() == DbBackend::Postgres);
        assert_eq!(look(&office, "GetPupil", "today").await, 1 + of_a_server, "the same look");
        let begin = rows(store, "audit").await;
        assert_eq!(look(&office, "GetContact", "today").await, begin + 1, "another question");
        assert_eq!(look(&office, "GetPupil", "tomorrow").await, begin + 2, "on another day");
        assert_eq!(
            look(&caller(other, Role::Office), "GetPupil", "today").await,
            begin + 3,
            "another school"
        );
        let colleague = Caller { subject: "person-8".to_owned(), ..office.clone() };
        assert_eq!(look(&colleague, "GetPupil", "today").await, begin + 4, "another person");
        store.commit(account(store, "one", 5)).await.unwrap();
        assert_eq!(look(&office, "GetPupil", "today").await, begin + 5, "what is seen may be something else");
        trial.clock.set(trial.clock.now() + SignedDuration::from_mins(1));
        assert_eq!(look(&office, "GetPupil", "today").await, begin + 6, "a minute later");
        audit::look(store, &office, "GetPupil", &["somebody".to_owned()]).await.unwrap();
        audit::look(store, &office, "GetPupil", &["somebody".to_owned()]).await.unwrap();
        assert_eq!(
            rows(store, "audit").await,
            begin + 8,
            "what is read for one answer is written down each time"
        );
    }
}
