//! A replica's share of a provider's budget: a slice at a time, leased from the store.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kit::store::Store;
use tokio::time::Instant;

use crate::channels::ChannelName;
use crate::metrics;
use crate::store::budgets::{self, Account, Slice};

/// How long a slice is good for. What a replica does not use by then is lost, so that tokens that
/// were put by do not meet a bucket that has filled again.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// A slice is at most so many seconds' worth.
const SLICES_A_SECOND: u32 = 4;
const STORE_IS_AWAY: Duration = Duration::from_millis(500);

/// The budget of one account of a provider; its channels share it.
pub struct Budget {
    account: Account,
    channels: Vec<ChannelName>,
    store: Store,
    slice: Mutex<Have>,
    /// One asks at a time; the others find what it brought.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy)]
struct Have {
    tokens: u32,
    until: Instant,
    /// How many there were.
    taken: u32,
}

impl Budget {
    /// The budget of an account, which these channels use.
    pub(super) fn new(account: Account, channels: Vec<ChannelName>, store: Store) -> Self {
        let slice = Mutex::new(Have { tokens: 0, until: Instant::now(), taken: 0 });
        Self { account, channels, store, slice, asking: tokio::sync::Mutex::new(()) }
    }

    /// Waits until one message may leave; `waiting` says how many wait for the same.
    pub(super) async fn turn(&self, waiting: u32) {
        loop {
            if self.have_one() {
                return;
            }
            let _asking = self.asking.lock().await;
            if self.have_one() {
                return;
            }
            let asked_at = Instant::now();
            let taken = budgets::take(&self.store, &self.account, self.wanted(waiting, asked_at)).await;
            if let Ok((_, rate)) = &taken {
                self.is_measured(*rate);
            }
            match taken {
                Ok((Slice::Tokens(tokens), _)) => {
                    *self.have() = Have { tokens, until: asked_at + GOOD_FOR, taken: tokens };
                }
                Ok((Slice::Wait(wait), _)) => tokio::time::sleep(wait).await,
                Err(error) => {
                    warn(&error, "a provider's budget cannot be read");
                    tokio::time::sleep(STORE_IS_AWAY).await;
                }
            }
        }
    }

    /// How large the next slice is to be: what waits, or twice the last one where that was used up while it
    /// was good. Each slice is a commit of its own, so a run that goes on asks seldom.
    fn wanted(&self, waiting: u32, now: Instant) -> u32 {
        let most = (self.account.allowance.per_second / SLICES_A_SECOND).max(1);
        let last = *self.have();
        let grown = if now < last.until { last.taken.saturating_mul(2) } else { 0 };
        waiting.max(grown).clamp(1, most)
    }

    /// What was not used after all.
    pub(super) fn give_back(&self) {
        let mut have = self.have();
        have.tokens = have.tokens.saturating_add(1);
    }

    /// The provider has asked us to slow down: what this replica has is worth nothing any more.
    pub(super) async fn slow_down(&self, rest: Duration) {
        self.have().tokens = 0;
        match budgets::slow_down(&self.store, &self.account, rest).await {
            Ok(rate) => self.is_measured(rate),
            Err(error) => warn(&error, "that a provider asked for a rest cannot be written"),
        }
    }

    fn is_measured(&self, rate: f64) {
        self.channels.iter().for_each(|channel| metrics::rate(channel, rate));
    }

    #[cfg(test)]
    pub(super) fn allowance(&self) -> crate::domain::budget::Allowance {
        self.account.allowance
    }

    /// A budget that asks nobody.
    #[cfg(test)]
    pub(super) fn never_ends(&self) {
        let far = Instant::now() + Duration::from_hours(24);
        *self.have() = Have { tokens: u32::MAX, until: far, taken: u32::MAX };
    }

    fn have_one(&self) -> bool {
        let mut have = self.have();
        let is_good = have.tokens > 0 && Instant::now() < have.until;
        if is_good {
            have.tokens -= 1;
        }
        is_good
    }

    fn have(&self) -> MutexGuard<'_, Have> {
        self.slice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn warn(error: &kit::store::Error, what: &'static str) {
    tracing::warn!(error = error as &(dyn std::error::Error + 'static), "{what}");
}

#[cfg(test)]
mod tests {
    use kit::testing::stores;

    use super::*;
    use crate::domain::budget::Allowance;

    #[tokio::test]
    async fn a_slice_that_was_used_up_in_time_is_followed_by_a_larger_one() {
        let test = stores("dispatcher", crate::store::MIGRATIONS).await.remove(0);
        let allowance = Allowance { per_second: 400, burst: 400 };
        let account = Account { name: "account".to_owned(), allowance };
        let budget = Budget::new(account, Vec::new(), test.store.clone());
        let now = Instant::now();
        let after = |taken, until| {
            *budget.have() = Have { tokens: 0, until, taken };
            budget.wanted(3, now)
        };
        assert_eq!(after(0, now), 3, "the first");
        assert_eq!(after(8, now + GOOD_FOR), 16);
        assert_eq!(after(90, now + GOOD_FOR), 100, "a quarter of a second's worth at most");
        assert_eq!(after(90, now), 3, "what was used up too late, or lapsed, is no sign of a run");
    }
}
