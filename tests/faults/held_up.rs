//! Databases that are there and do not do what they should: somebody else holds their locks, or the disk is full. The
//! processes live on, so that nothing may be told twice either.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};
use tests::apart::mortal::{Layout, Mortal, Shape};
use tests::installation::Backend;

use crate::cell::{Cell, Day};

/// Longer than anybody waits for a lock of SQLite.
const LOCKED_FOR: Duration = Duration::from_secs(12);
/// Less than any database has.
const FULL: u64 = 4_096;

fn assert_unharmed(what: &str, day: &Day) {
    println!("{what}: {} messages, lost {}, told twice {}", day.messages, day.lost.len(), day.twice);
    assert_eq!((&day.lost, &day.untrue), (&Vec::new(), &Vec::new()), "{what}");
    assert_eq!((day.twice, day.letters_twice, day.deaths), (0, 0, 0), "{what}");
}

/// Takes everything in a database for itself.
async fn lock(address: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(address);
    options.max_connections(1).sqlx_logging(false);
    let database = Database::connect(options).await.unwrap();
    let statements: &[&str] = match database.get_database_backend() {
        DbBackend::Postgres => {
            &["BEGIN", "LOCK TABLE outbox, inbox, answers, tasks IN ACCESS EXCLUSIVE MODE"]
        }
        _ => &["PRAGMA busy_timeout = 30000", "BEGIN EXCLUSIVE"],
    };
    for statement in statements {
        database.execute_unprepared(statement).await.unwrap();
    }
    database
}

async fn locked(mortal: &Mortal) {
    let mut locked = Vec::new();
    for address in mortal.databases() {
        locked.push(lock(&address).await);
    }
    passes(LOCKED_FOR).await;
    for database in locked {
        database.execute_unprepared("ROLLBACK").await.unwrap();
        database.close().await.unwrap();
    }
}

async fn passes(time: Duration) {
    let never = tokio::time::timeout(time, std::future::pending::<()>());
    assert!(never.await.is_err());
}

async fn survives_locks(layout: Layout) {
    let cell = Cell::begin(layout, &[]).await;
    let some_have_left = async {
        cell.school.messages(3).await;
        locked(cell.school.mortal()).await;
    };
    let (day, ()) = tokio::join!(cell.lives(), some_have_left);
    assert_unharmed(&format!("locked, {layout:?}"), &day);
    cell.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_whose_locks_somebody_holds_for_seconds_lose_and_repeat_nothing() {
    let on = |backend| Layout { backend, shape: Shape::Whole(1) };
    tokio::join!(
        Box::pin(survives_locks(on(Backend::Sqlite))),
        Box::pin(survives_locks(on(Backend::Postgres)))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_for_a_while_loses_and_repeats_nothing() {
    let layout = Layout { backend: Backend::Sqlite, shape: Shape::Whole(1) };
    let cell = Cell::begin(layout, &[]).await;
    let mortal = cell.school.mortal();
    let full = async {
        // Once while nothing is written down yet, once while messages leave.
        for messages in [0, 3] {
            cell.school.messages(messages).await;
            mortal.files_end_at(Some(FULL)).await;
            let before = cell.school.phones.messages().len();
            passes(Duration::from_secs(4)).await;
            // No word leaves of what cannot be written down.
            assert!(messages > 0 || (before, cell.school.phones.messages().len()) == (0, 0));
            mortal.files_end_at(None).await;
        }
    };
    mortal.files_end_at(Some(FULL)).await;
    let (day, ()) = tokio::join!(cell.lives(), full);
    assert_unharmed("full", &day);
    cell.ends().await;
}
