//! Connections that are lent: given back whatever becomes of a question, and closed after the last answer.

use std::time::Duration;

use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbErr};

use super::super::Store;
use crate::fixtures::LEDGER;
use crate::testing::stores;

/// Takes a moment of a processor.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
                    SELECT COUNT(*) FROM n";

async fn ask(store: &Store, sql: &str) -> Result<i64, DbErr> {
    let row = store.read().query_one_raw(store.statement(sql, [])).await?;
    row.ok_or(DbErr::RecordNotFound(String::new()))?.try_get_by_index(0)
}

#[tokio::test]
async fn a_question_that_fails_or_that_nobody_waits_for_keeps_no_connection() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        for _ in 0..20 {
            assert!(ask(store, "SELECT amount FROM nowhere").await.is_err());
            // Whoever asked is gone before the answer comes.
            assert!(tokio::time::timeout(Duration::from_millis(1), ask(store, LONG)).await.is_err());
        }
        assert_eq!(ask(store, "SELECT CAST(7 AS BIGINT)").await.unwrap(), 7, "{}", trial.backend);
    }
}

#[tokio::test]
async fn more_questions_than_connections_are_answered_one_after_the_other() {
    for trial in stores("trial", LEDGER).await {
        let answers = join_all((0..50).map(|_| ask(&trial.store, "SELECT CAST(1 AS BIGINT)"))).await;
        assert_eq!(answers.into_iter().sum::<Result<i64, _>>().unwrap(), 50, "{}", trial.backend);
    }
}

#[tokio::test]
async fn who_is_answered_when_a_store_closes_is_answered_and_nobody_after() {
    let trials = stores("trial", LEDGER).await;
    let store = &trials.iter().find(|trial| trial.backend == "SQLite").unwrap().store;
    let asked = store.clone();
    let (answer, ()) = tokio::join!(ask(&asked, LONG), async {
        tokio::task::yield_now().await;
        store.close().await.unwrap();
    });
    assert_eq!(answer.unwrap(), 300_000);
    assert!(matches!(ask(store, "SELECT 1").await, Err(DbErr::ConnectionAcquire(_))));
}
