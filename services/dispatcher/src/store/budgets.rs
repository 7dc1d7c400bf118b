//! Slices of the providers' budgets, leased to the replicas of the dispatcher.
//!
//! One short transaction takes a slice; the row lock is what keeps two replicas from taking the
//! same tokens. Budgets run on real time, because providers count by it.

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use crate::domain::budget::{Allowance, Bucket};

/// Whose budget, and how large it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The provider's account, as its channels name it.
    pub name: String,
    /// What the provider bears.
    pub allowance: Allowance,
}

/// A slice: so many messages may leave, or how long to wait for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// Messages that may leave now.
    Tokens(u32),
    /// There are none before this has passed.
    Wait(std::time::Duration),
}

/// Takes a slice of at most `wanted`; also how many messages a second the bucket fills by now.
pub async fn take(store: &Store, account: &Account, wanted: u32) -> Result<(Slice, f64), Error> {
    let take = |bucket: &mut Bucket, now| {
        let slice = match bucket.take(account.allowance, wanted, now) {
            0 => Slice::Wait(bucket.wait(now)),
            taken => Slice::Tokens(taken),
        };
        (slice, bucket.rate)
    };
    change(store, account, take).await
}

/// The provider has asked us to slow down; how many messages a second the bucket fills by now.
pub async fn slow_down(store: &Store, account: &Account, rest: std::time::Duration) -> Result<f64, Error> {
    let slow_down = |bucket: &mut Bucket, now| {
        bucket.slow_down(account.allowance, rest, now);
        bucket.rate
    };
    change(store, account, slow_down).await
}

/// How fast a provider is given messages just now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Messages a second.
    pub per_second: f64,
    /// It asked us to slow down: nothing is started before.
    pub rests_until: Option<Timestamp>,
}

/// That of an account; none before its first message.
pub async fn pace(store: &Store, account: &str) -> Result<Option<Pace>, Error> {
    let sql = "SELECT rate, rests_until FROM budgets WHERE account = $1";
    let row = store.read().query_one_raw(store.statement(sql, [account.into()])).await?;
    let pace = row.map(|row| -> Result<_, Error> {
        let rests_until = Some(from_micros(row.try_get_by_index(1)?));
        Ok(Pace { per_second: row.try_get_by_index(0)?, rests_until })
    });
    pace.transpose()
}

async fn change<T>(
    store: &Store,
    account: &Account,
    change: impl FnOnce(&mut Bucket, Timestamp) -> T,
) -> Result<T, Error> {
    let tx = store.begin().await?;
    let mut bucket = locked(&tx, account, store.clock().real()).await?;
    // Read after the lock, which may have taken its time.
    let changed = change(&mut bucket, store.clock().real());
    let sql =
        "UPDATE budgets SET tokens = $1, filled_at = $2, rate = $3, rests_until = $4 WHERE account = $5";
    let values = [
        bucket.tokens.into(),
        micros(bucket.filled_at).into(),
        bucket.rate.into(),
        micros(bucket.rests_until).into(),
        account.name.as_str().into(),
    ];
    tx.execute_raw(store.statement(sql, values)).await?;
    tx.commit().await?;
    Ok(changed)
}

async fn locked(tx: &DatabaseTransaction, account: &Account, now: Timestamp) -> Result<Bucket, Error> {
    let backend = tx.get_database_backend();
    let lock = if backend == DbBackend::Postgres { "FOR UPDATE" } else { "" };
    let sql = format!("SELECT tokens, filled_at, rate, rests_until FROM budgets WHERE account = $1 {lock}");
    let name = || [account.name.as_str().into()];
    let read = || Statement::from_sql_and_values(backend, &sql, name());
    let row = if let Some(row) = tx.query_one_raw(read()).await? {
        row
    } else {
        let bucket = Bucket::full(account.allowance, now);
        let first = "INSERT INTO budgets (account, tokens, filled_at, rate, rests_until) \
                     VALUES ($1, $2, $3, $4, $3) ON CONFLICT (account) DO NOTHING";
        let values = [
            account.name.as_str().into(),
            bucket.tokens.into(),
            micros(bucket.filled_at).into(),
            bucket.rate.into(),
        ];
        tx.execute_raw(Statement::from_sql_and_values(backend, first, values)).await?;
        // Another replica may have been first.
        tx.query_one_raw(read()).await?.ok_or(Error::Corrupt { what: "budget" })?
    };
    Ok(Bucket {
        tokens: row.try_get("", "tokens")?,
        filled_at: from_micros(row.try_get("", "filled_at")?),
        rate: row.try_get("", "rate")?,
        rests_until: from_micros(row.try_get("", "rests_until")?),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use kit::testing::stores;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn replicas_that_take_at_the_same_time_and_one_that_was_restarted_have_one_budget() {
        let account =
            Account { name: "notify/1".to_owned(), allowance: Allowance { per_second: 50, burst: 1_000 } };
        for test in stores("dispatcher", crate::store::MIGRATIONS).await {
            let begun = Instant::now();
            let take = |wanted| {
                let (store, account) = (test.store.clone(), account.clone());
                async move {
                    match take(&store, &account, wanted).await.unwrap().0 {
                        Slice::Tokens(tokens) => tokens,
                        Slice::Wait(_) => 0,
                    }
                }
            };
            let together: u32 = futures::future::join_all((0..20).map(|_| take(60))).await.into_iter().sum();
            let afterwards = take(1_000).await;
            let refilled = 50.0 * begun.elapsed().as_secs_f64();
            let taken = f64::from(together + afterwards);
            assert!((980.0..=980.0 + refilled).contains(&taken), "{taken} were given out");
        }
    }
}
