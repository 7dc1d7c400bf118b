//! What commits and questions share: one statement for many, and still each its own fate and answer.

use futures::future::join_all;
use sea_orm::ConnectionTrait;

use super::super::{Commit, Committed, Error, Kind, Store, Together};
use crate::fixtures::{LEDGER, account, number, rows};
use crate::store::Migration;
use crate::testing::stores;

static OPEN: Together = Together::new(
    "INSERT INTO ledger (id, amount, version) SELECT id, amount, 1 FROM {{rows}}",
    &[("id", Kind::Text), ("amount", Kind::Number)],
);
static PAY_IN: Together = Together::new(
    "UPDATE ledger SET amount = ledger.amount + j.amount, version = ledger.version + 1 FROM {{rows}} \
     WHERE ledger.id = j.id AND ledger.version = j.version",
    &[("id", Kind::Text), ("version", Kind::Number), ("amount", Kind::Number)],
);
static BALANCE: Together = Together::new(
    "SELECT j.place, ledger.amount FROM {{rows}} CROSS JOIN ledger WHERE ledger.id = j.id",
    &[("id", Kind::Text)],
);

fn pay_in(id: &str, version: i64) -> Commit {
    Commit::new().alone_on(id).row(&PAY_IN, [id.into(), version.into(), 10.into()])
}

fn open_and_pay_in(id: &str) -> Commit {
    let commit = Commit::new().alone_on(id).row(&OPEN, [id.into(), 1.into()]);
    commit.row(&PAY_IN, [id.into(), 1.into(), 10.into()])
}

async fn balance(store: &Store, id: &str) -> Vec<i64> {
    let rows = store.ask(&BALANCE, [id.into()]).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(1).unwrap()).collect()
}

#[tokio::test]
async fn commits_on_different_things_share_statements_and_keep_the_order_of_their_steps() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        store.commit(account(store, "old", 5)).await.unwrap();
        let mut commits: Vec<Commit> =
            (0..30).map(|number| open_and_pay_in(&format!("new-{number}"))).collect();
        commits.push(pay_in("old", 1));
        // Not alone on anything, and with a step of its own between.
        let sql = "UPDATE ledger SET amount = amount * 2 WHERE id = 'own'";
        let own = Commit::new().row(&OPEN, ["own".into(), 1.into()]).row(&OPEN, ["its".into(), 1.into()]);
        let own = own.guarded(store.statement(sql, [])).row(&PAY_IN, ["own".into(), 1.into(), 10.into()]);
        commits.push(own);
        for outcome in join_all(commits.into_iter().map(|commit| store.commit(commit))).await {
            assert_eq!(outcome.unwrap(), Committed::Now, "{}", trial.backend);
        }
        assert_eq!(balance(store, "new-29").await, [11], "{}", trial.backend);
        assert_eq!(balance(store, "old").await, [15], "{}", trial.backend);
        assert_eq!(balance(store, "own").await, [12], "{}", trial.backend);
        assert_eq!(rows(store, "ledger").await, 33, "{}", trial.backend);
    }
}

#[tokio::test]
async fn of_those_that_meet_on_one_thing_one_is_written_and_nobody_else_notices() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        for id in ["shared", "other", "stale"] {
            store.commit(account(store, id, 0)).await.unwrap();
        }
        let outcomes = join_all([
            store.commit(pay_in("shared", 1)),
            store.commit(pay_in("shared", 1)),
            store.commit(pay_in("other", 1)),
            store.commit(pay_in("stale", 7)),
            store.commit(open_and_pay_in("new")),
        ])
        .await;
        let backend = trial.backend;
        let expected = [true, false, true, false, true];
        for (outcome, written) in outcomes.iter().zip(expected) {
            match outcome {
                Ok(committed) => assert!(written && *committed == Committed::Now, "{backend}: {outcomes:?}"),
                Err(error) => {
                    assert!(!written && matches!(error, Error::Conflict), "{backend}: {outcomes:?}");
                }
            }
        }
        assert_eq!(number(store, "SELECT SUM(amount) FROM ledger").await, 31, "{backend}");
    }
}

const KINDS: &[Migration] = &[Migration {
    name: "trial_0001",
    sql: "CREATE TABLE kinds (word TEXT, amount BIGINT, flag BOOLEAN, content {{bytes}})",
}];
static KEEP: Together = Together::new(
    "INSERT INTO kinds (word, amount, flag, content) SELECT word, amount, flag, content FROM {{rows}}",
    &[("word", Kind::Text), ("amount", Kind::Number), ("flag", Kind::Flag), ("content", Kind::Bytes)],
);

type Kept = (Option<String>, Option<i64>, Option<bool>, Option<Vec<u8>>);

#[tokio::test]
async fn values_arrive_as_they_were_given() {
    for trial in stores("trial", KINDS).await {
        let store = &trial.store;
        let null = || serde_json::Value::Null;
        let odd = "it's \"5\" \\ {{rows}} $1 \u{1f514}\n";
        let commit = Commit::new().row(&KEEP, [odd.into(), i64::MAX.into(), true.into(), "00ff10".into()]);
        let commit = commit.row(&KEEP, ["5".into(), i64::MIN.into(), false.into(), "".into()]);
        store.commit(commit.row(&KEEP, [null(), null(), null(), null()])).await.unwrap();
        let kept = store.statement("SELECT word, amount, flag, content FROM kinds", []);
        let kept = store.read().query_all_raw(kept).await.unwrap();
        let kept: Vec<Kept> = kept
            .iter()
            .map(|row| {
                let (word, amount) = (row.try_get_by_index(0), row.try_get_by_index(1));
                let (flag, content) = (row.try_get_by_index(2), row.try_get_by_index(3));
                (word.unwrap(), amount.unwrap(), flag.unwrap(), content.unwrap())
            })
            .collect();
        let expected = [
            (Some(odd.to_owned()), Some(i64::MAX), Some(true), Some(vec![0, 255, 16])),
            (Some("5".to_owned()), Some(i64::MIN), Some(false), Some(Vec::new())),
            (None, None, None, None),
        ];
        assert_eq!(kept, expected, "{}", trial.backend);
    }
}

#[tokio::test]
async fn who_asks_at_once_gets_the_rows_of_his_own_question() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        for number in 0..50 {
            store.commit(account(store, &format!("account-{number}"), number)).await.unwrap();
        }
        let asking = (0..100).map(|number| async move { balance(store, &format!("account-{number}")).await });
        for (number, answer) in (0..).zip(join_all(asking).await) {
            let expected = if number < 50 { vec![number] } else { Vec::new() };
            assert_eq!(answer, expected, "{}", trial.backend);
        }
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_says_so_to_everybody_who_asked_it() {
    static WRONG: Together =
        Together::new("SELECT j.place FROM {{rows}} CROSS JOIN nothing", &[("id", Kind::Text)]);
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        store.commit(account(store, "one", 1)).await.unwrap();
        let (wrong, again, right) = tokio::join!(
            store.ask(&WRONG, ["a".into()]),
            store.ask(&WRONG, ["b".into()]),
            balance(store, "one")
        );
        assert!(matches!(wrong, Err(Error::Database(_))), "{}", trial.backend);
        assert!(matches!(again, Err(Error::Database(_))), "{}", trial.backend);
        assert_eq!(right, [1], "{}", trial.backend);
    }
}
