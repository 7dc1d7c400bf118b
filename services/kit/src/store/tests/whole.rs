//! Many rows as one text: the same that they are row by row.

use sea_orm::{EntityTrait, QueryOrder};
use serde::Deserialize;

use super::super::{Commit, Error, rows};
use crate::Tenant;
use crate::fixtures::{LEDGER, account, rang};
use crate::testing::stores;

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Row {
    id: String,
    amount: i64,
    is_large: bool,
    missing: Option<bool>,
}

const COLUMNS: [(&str, &str); 4] =
    [("id", "TEXT"), ("amount", "BIGINT"), ("is_large", "BOOLEAN"), ("missing", "BOOLEAN")];
const SQL: &str = "SELECT id, amount, amount > $1 AS is_large, CAST(NULL AS BOOLEAN) AS missing \
                   FROM ledger ORDER BY amount DESC";

#[tokio::test]
async fn the_rows_of_a_statement_keep_their_order_their_types_and_every_character() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        assert_eq!(store.rows::<Row>(SQL, &COLUMNS, [5_i64.into()]).await.unwrap(), []);
        for (id, amount) in [("a \"quoted\" one\n", i64::MAX), ("Zo\u{eb} \u{1f642}", 5), ("least", 0)] {
            store.commit(account(store, id, amount)).await.unwrap();
        }
        let row = |id: &str, amount| Row { id: id.to_owned(), amount, is_large: amount > 5, missing: None };
        let found: Vec<Row> = store.rows(SQL, &COLUMNS, [5_i64.into()]).await.unwrap();
        let expected = [row("a \"quoted\" one\n", i64::MAX), row("Zo\u{eb} \u{1f642}", 5), row("least", 0)];
        assert_eq!(found, expected, "{}", trial.backend);
    }
}

#[tokio::test]
async fn a_selection_gives_what_it_gives_row_by_row() {
    for trial in stores("trial", LEDGER).await {
        let store = &trial.store;
        for number in 1..=3 {
            store.commit(Commit::new().fact(&rang(Tenant::generate(), number)).unwrap()).await.unwrap();
        }
        let wanted = || rows::outbox::Entity::find().order_by_desc(rows::outbox::Column::Id);
        let by_row = wanted().all(store.read()).await.unwrap();
        assert_eq!(by_row.len(), 3);
        assert_eq!(store.all(wanted()).await.unwrap(), by_row, "{}", trial.backend);
    }
}

#[tokio::test]
async fn what_does_not_read_is_an_error_and_not_left_out() {
    for trial in stores("trial", LEDGER).await {
        trial.store.commit(account(&trial.store, "one", 1)).await.unwrap();
        let columns = [("id", "TEXT"), ("amount", "TEXT")];
        let read = trial.store.rows::<Row>("SELECT id, amount FROM ledger", &columns, []).await;
        assert!(matches!(read, Err(Error::Corrupt { .. })), "{}", trial.backend);
    }
}
