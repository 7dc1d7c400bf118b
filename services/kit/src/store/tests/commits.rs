//! The group commit: together or not at all, and never because of a neighbour.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use jiff::SignedDuration;
use proto::options::v1::Role;
use sea_orm::ConnectionTrait;
use tokio::sync::Notify;

use super::super::{Commit, Committed, Error, housekeeping};
use crate::Tenant;
use crate::fixtures::{LEDGER, account, caller, number, rang, real, rows, task};
use crate::testing::{MORNING, stores};

const TABLES: [&str; 6] = ["ledger", "outbox", "tasks", "audit", "answers", "inbox"];

#[tokio::test]
async fn neighbours_in_a_batch_do_not_spoil_each_other() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        store.commit(account(store, "known", 5)).await.unwrap();
        let stale = "UPDATE ledger SET amount = 9, version = 3 WHERE id = 'known' AND version = 2";
        // The runtime has one thread, so all of these wait in the queue when the writer looks.
        let outcomes = join_all([
            store.commit(account(store, "first", 1)),
            store.commit(Commit::new().guarded(store.statement(stale, []))),
            store.commit(account(store, "negative", -1)),
            store.commit(account(store, "known", 6)),
            store.commit(account(store, "last", 2)),
        ])
        .await;
        let backend = trial.backend;
        assert!(matches!(outcomes[0], Ok(Committed::Now)), "{backend}: {:?}", outcomes[0]);
        assert!(matches!(outcomes[1], Err(Error::Conflict)), "{backend}: {:?}", outcomes[1]);
        assert!(matches!(outcomes[2], Err(Error::Database(_))), "{backend}: {:?}", outcomes[2]);
        assert!(matches!(outcomes[3], Err(Error::Conflict)), "{backend}: {:?}", outcomes[3]);
        assert!(matches!(outcomes[4], Ok(Committed::Now)), "{backend}: {:?}", outcomes[4]);
        assert_eq!(number(store, "SELECT SUM(amount) FROM ledger").await, 8, "{backend}");
        assert_eq!(rows(store, "ledger").await, 3, "{backend}");
    }
}

#[tokio::test]
async fn a_decision_is_written_together_or_not_at_all() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let tenant = Tenant::generate();
        let decision = |account_id: &str, amount| {
            account(store, account_id, amount)
                .fact(&rang(tenant, 1))
                .unwrap()
                .task(task(tenant, Role::Office))
                .audit(&caller(tenant, Role::Office), "Ring", &[], MORNING.parse().unwrap())
        };
        let asked = |amount| decision("one", amount).answer(super::requests::answer(tenant, "request-1"));
        let heard = |amount| decision("two", amount).inbox("evt_1".to_owned(), 1);
        for refused in [asked(-1), heard(-1)] {
            store.commit(refused).await.unwrap_err();
        }
        for table in TABLES {
            assert_eq!(rows(store, table).await, 0, "{}: {table}", trial.backend);
        }
        for [first, second] in [[asked(1), asked(2)], [heard(1), heard(2)]] {
            assert_eq!(store.commit(first).await.unwrap(), Committed::Now);
            assert_eq!(store.commit(second).await.unwrap(), Committed::Before);
        }
        for (table, written) in
            [("ledger", 2), ("outbox", 2), ("tasks", 2), ("audit", 2), ("answers", 1), ("inbox", 1)]
        {
            assert_eq!(rows(store, table).await, written, "{}: {table}", trial.backend);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_commits_at_once_all_land_once() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let tenant = Tenant::generate();
        let commits = (0..500).map(|index| {
            let commit = account(store, &format!("account-{index}"), 1).fact(&rang(tenant, index)).unwrap();
            store.commit(commit)
        });
        for outcome in join_all(commits).await {
            assert_eq!(outcome.unwrap(), Committed::Now);
        }
        assert_eq!(number(store, "SELECT SUM(amount) FROM ledger").await, 500);
        assert_eq!(number(store, "SELECT COUNT(DISTINCT event_id) FROM outbox").await, 500);
    }
}

#[tokio::test]
async fn the_same_task_is_opened_once() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let (tenant, other) = (Tenant::generate(), Tenant::generate());
        let keyed = |tenant| Commit::new().task(task(tenant, Role::Office).once("the same"));
        let at_once = [store.commit(keyed(tenant)), store.commit(keyed(tenant)), store.commit(keyed(other))];
        join_all(at_once).await.into_iter().for_each(|outcome| assert_eq!(outcome.unwrap(), Committed::Now));
        store.commit(keyed(tenant)).await.unwrap();
        assert_eq!(rows(store, "tasks").await, 2, "{}", trial.backend);
        store.commit(Commit::new().task(task(tenant, Role::Office))).await.unwrap();
        store.commit(Commit::new().task(task(tenant, Role::Office))).await.unwrap();
        assert_eq!(rows(store, "tasks").await, 4, "{}", trial.backend);
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_takes_nothing_more() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let commits = (0..700).map(|index| store.commit(account(store, &format!("account-{index}"), 1)));
        let (outcomes, closed) = tokio::join!(join_all(commits), store.close());
        closed.unwrap();
        assert!(outcomes.iter().all(Result::is_ok), "{}", trial.backend);
        let late = store.commit(account(store, "late", 1)).await;
        assert!(matches!(late, Err(Error::Stopping)), "{late:?}");
        let again = trial.open_again("trial", LEDGER).await;
        assert_eq!(rows(&again, "ledger").await, 700, "{}", trial.backend);
    }
}

#[tokio::test]
async fn a_panic_in_one_commit_takes_the_store_from_nobody() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let broken = Commit::new().work(|_| Box::pin(async { panic!("as the test wants it") }));
        let outcomes = join_all([store.commit(broken), store.commit(account(store, "next", 1))]).await;
        assert!(matches!(outcomes[0], Err(Error::Database(_))), "{:?}", outcomes[0]);
        assert!(outcomes[1].is_ok(), "{:?}", outcomes[1]);
    }
}

#[tokio::test]
async fn a_transaction_that_the_database_itself_has_ended_spoils_none_after_it() {
    for trial in stores("trial", LEDGER).await {
        let (store, backend) = (&trial.store, trial.backend);
        // As SQLite does when the disk is full: the transaction is gone before anybody takes it back.
        let ended = Commit::new().work(|tx| {
            Box::pin(async move {
                tx.execute_unprepared("ROLLBACK").await?;
                Err(Error::Corrupt { what: "disk" })
            })
        });
        assert!(store.commit(ended).await.is_err());
        assert!(store.commit(account(store, "negative", -1)).await.is_err());
        store.commit(account(store, "next", 1)).await.unwrap();
        assert_eq!(rows(store, "ledger").await, 1, "{backend}: what was answered is there for everybody");
    }
}

#[tokio::test]
async fn who_waits_is_woken_even_if_the_caller_has_gone_away() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let wake = Arc::new(Notify::new());
        let commit = account(store, "one", 1).fact(&rang(Tenant::generate(), 1)).unwrap().wake(&wake);
        let outbox = store.outbox_wake();
        {
            let mut committing = Box::pin(store.commit(commit));
            assert!(futures::poll!(&mut committing).is_pending());
        }
        tokio::join!(wake.notified(), outbox.notified());
        assert_eq!(rows(store, "ledger").await, 1, "{}", trial.backend);
    }
}

#[tokio::test]
async fn a_guarded_change_by_two_replicas_happens_once() {
    let trials = stores("trial", LEDGER).await;
    let trial = trials.iter().find(|trial| trial.backend == "PostgreSQL").unwrap();
    let replica = trial.open_again("trial", LEDGER).await;
    trial.store.commit(account(&trial.store, "one", 0)).await.unwrap();
    let won = AtomicU32::new(0);
    for version in 1..=50 {
        let sql =
            "UPDATE ledger SET amount = amount + 1, version = version + 1 WHERE id = 'one' AND version = $1";
        let change =
            |store: &super::super::Store| Commit::new().guarded(store.statement(sql, [version.into()]));
        let (here, there) =
            tokio::join!(trial.store.commit(change(&trial.store)), replica.commit(change(&replica)));
        for outcome in [here, there] {
            match outcome {
                Ok(_) => won.fetch_add(1, Ordering::Relaxed),
                Err(Error::Conflict) => 0,
                Err(error) => panic!("{error:?}"),
            };
        }
    }
    assert_eq!(won.load(Ordering::Relaxed), 50);
    assert_eq!(number(&replica, "SELECT amount FROM ledger").await, 50);
}

#[tokio::test]
async fn replicas_that_lock_each_other_out_are_told_to_decide_again() {
    let trials = stores("trial", LEDGER).await;
    let trial = trials.iter().find(|trial| trial.backend == "PostgreSQL").unwrap();
    let replica = trial.open_again("trial", LEDGER).await;
    trial.store.commit(account(&trial.store, "a", 0)).await.unwrap();
    trial.store.commit(account(&trial.store, "b", 0)).await.unwrap();
    // Each takes one row, waits until the other has taken the other row, and wants both.
    let met = Arc::new(tokio::sync::Barrier::new(2));
    let crossing = |store: &super::super::Store, ids: [&str; 2]| {
        let met = Arc::clone(&met);
        let sql = "UPDATE ledger SET amount = amount + 1 WHERE id = $1";
        let [first, second] = ids.map(|id| store.statement(sql, [id.into()]));
        Commit::new()
            .execute(first)
            .work(move |_| {
                let met = Arc::clone(&met);
                Box::pin(async move {
                    met.wait().await;
                    Ok(())
                })
            })
            .execute(second)
    };
    let (here, there) = tokio::join!(
        trial.store.commit(crossing(&trial.store, ["a", "b"])),
        replica.commit(crossing(&replica, ["b", "a"]))
    );
    let outcomes = [here, there];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(Error::Conflict))), "{outcomes:?}");
}

#[tokio::test]
async fn what_nobody_can_ask_for_any_more_goes_and_the_rest_stays() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        let tenant = Tenant::generate();
        let now = real();
        let days = |days: i64| crate::clock::micros(now - SignedDuration::from_hours(24 * days));
        for (index, (answered, heard, sent)) in [(13, 59, 13), (15, 61, 15)].into_iter().enumerate() {
            let mut answer = super::requests::answer(tenant, &format!("request-{index}"));
            answer.answered_at = days(answered);
            let sent_at =
                store.statement("UPDATE outbox SET sent_at = $1 WHERE sent_at IS NULL", [days(sent).into()]);
            store.commit(Commit::new().fact(&rang(tenant, 1)).unwrap().answer(answer)).await.unwrap();
            store.commit(Commit::new().inbox(format!("evt_{index}"), days(heard))).await.unwrap();
            store.commit(Commit::new().execute(sent_at)).await.unwrap();
        }
        let kept = Commit::new().fact(&rang(tenant, 2)).unwrap().task(task(tenant, Role::Office)).audit(
            &caller(tenant, Role::Office),
            "Ring",
            &[],
            now - SignedDuration::from_hours(24 * 900),
        );
        store.commit(kept).await.unwrap();
        assert_eq!(housekeeping::tidy(store, now).await.unwrap(), 3, "{}", trial.backend);
        for (table, left) in [("answers", 1), ("inbox", 1), ("outbox", 2), ("tasks", 1), ("audit", 1)] {
            assert_eq!(rows(store, table).await, left, "{}: {table}", trial.backend);
        }
        assert_eq!(housekeeping::tidy(store, now).await.unwrap(), 0);
    }
}
