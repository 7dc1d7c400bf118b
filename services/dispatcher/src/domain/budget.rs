//! What a provider bears, as a bucket that fills at its rate: how many messages may leave now, and
//! what becomes of the rate when the provider asks us to slow down.
//!
//! The rate is halved when we are told to slow down and grows back a little every second
//! (additive increase, multiplicative decrease), so that replicas that share one bucket settle at
//! what the provider really bears, also when that is less than it says.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// What a provider says it bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Messages per second, sustained.
    pub per_second: u32,
    /// Messages that may go at once after a rest.
    pub burst: u32,
}

/// A provider's budget. Invariant: never more tokens than the burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Messages that may leave now.
    pub tokens: f64,
    /// Until when it has been filled.
    pub filled_at: Timestamp,
    /// Messages per second at which it fills now.
    pub rate: f64,
    /// Until when nothing leaves, because the provider asked for a rest.
    pub rests_until: Timestamp,
}

/// The part of a burst that is not used: requests need not arrive as evenly as they leave, and a
/// provider that counts a little differently would refuse the last ones.
const KEPT_BACK: f64 = 0.02;
/// The part of the full rate by which a slowed rate grows every second.
const GROWTH: f64 = 0.05;
/// The slowest, as a part of the full rate.
const SLOWEST: f64 = 0.02;
/// Requests that were in the air when the provider first asked say the same once more.
const ONE_REQUEST: SignedDuration = SignedDuration::from_secs(1);

impl Bucket {
    /// A bucket of which nothing has been used.
    #[must_use]
    pub fn full(allowance: Allowance, now: Timestamp) -> Self {
        let rate = f64::from(allowance.per_second);
        Self { tokens: capacity(allowance), filled_at: now, rate, rests_until: now }
    }

    /// Takes whole tokens, at most as many as wanted.
    pub fn take(&mut self, allowance: Allowance, wanted: u32, now: Timestamp) -> u32 {
        self.fill(allowance, now);
        if now < self.rests_until {
            return 0;
        }
        let mut taken = 0;
        while taken < wanted && self.tokens >= 1.0 {
            self.tokens -= 1.0;
            taken += 1;
        }
        taken
    }

    /// How long until the next token is there.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Duration {
        let rests = self.rests_until.duration_since(now).max(SignedDuration::ZERO).unsigned_abs();
        let lacks = (1.0 - self.tokens).max(0.0) / self.rate.max(f64::MIN_POSITIVE);
        rests + Duration::try_from_secs_f64(lacks).unwrap_or(Duration::from_secs(1))
    }

    /// The provider asks us to slow down, and to start nothing for a while.
    pub fn slow_down(&mut self, allowance: Allowance, rest: Duration, now: Timestamp) {
        self.fill(allowance, now);
        let rest = SignedDuration::try_from(rest).unwrap_or(ONE_REQUEST);
        let told_already = now < self.rests_until;
        self.rests_until = self.rests_until.max(now.saturating_add(rest.max(ONE_REQUEST)).unwrap_or(now));
        self.tokens = 0.0;
        if !told_already {
            self.rate = (self.rate / 2.0).max(slowest(allowance));
        }
    }

    /// What has come in since. A clock that was set back fills nothing.
    fn fill(&mut self, allowance: Allowance, now: Timestamp) {
        let full = f64::from(allowance.per_second);
        let since = self.filled_at.max(self.rests_until);
        self.rate = self.rate.clamp(slowest(allowance), full.max(slowest(allowance)));
        if now < self.filled_at {
            self.filled_at = now;
            self.rests_until = self.rests_until.min(now.saturating_add(ONE_REQUEST).unwrap_or(now));
            return;
        }
        let seconds = now.duration_since(since).max(SignedDuration::ZERO).as_secs_f64();
        self.tokens = self.rate.mul_add(seconds, self.tokens).min(capacity(allowance));
        self.rate = (full * GROWTH).mul_add(seconds, self.rate).min(full.max(self.rate));
        self.filled_at = now;
    }
}

fn capacity(allowance: Allowance) -> f64 {
    let burst = f64::from(allowance.burst.max(1));
    (burst - (burst * KEPT_BACK).floor()).max(1.0)
}

fn slowest(allowance: Allowance) -> f64 {
    (f64::from(allowance.per_second) * SLOWEST).max(0.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOTIFY: Allowance = Allowance { per_second: 50, burst: 1_000 };

    fn at(milliseconds: i64) -> Timestamp {
        let start: Timestamp = "2026-11-24T09:16:00Z".parse().unwrap();
        start + SignedDuration::from_millis(milliseconds)
    }

    #[test]
    fn a_rested_bucket_gives_its_burst_and_then_the_rate() {
        let mut bucket = Bucket::full(NOTIFY, at(0));
        assert_eq!(bucket.take(NOTIFY, 5_000, at(0)), 980, "the last of the burst are kept back");
        assert_eq!(bucket.take(NOTIFY, 1, at(10)), 0);
        assert_eq!(bucket.wait(at(10)), Duration::from_millis(10));
        assert_eq!(bucket.take(NOTIFY, 5_000, at(1_000)), 50);
        assert_eq!(bucket.take(NOTIFY, 5_000, at(3_600_000)), 980);
    }

    #[test]
    fn the_smallest_budget_still_lets_one_leave() {
        let small = Allowance { per_second: 1, burst: 1 };
        let mut bucket = Bucket::full(small, at(0));
        assert_eq!((bucket.take(small, 9, at(0)), bucket.take(small, 9, at(1_000))), (1, 1));
    }

    #[test]
    fn being_told_to_slow_down_halves_the_rate_once_and_it_grows_back() {
        let mut bucket = Bucket::full(NOTIFY, at(0));
        for milliseconds in [0, 3, 900] {
            bucket.slow_down(NOTIFY, Duration::from_secs(1), at(milliseconds));
        }
        assert!((bucket.rate - 25.0).abs() < f64::EPSILON, "{}", bucket.rate);
        assert_eq!(bucket.take(NOTIFY, 9, at(1_800)), 0, "it rests");
        assert_eq!(bucket.take(NOTIFY, 90, at(2_900)), 25, "a second after the rest");
        assert!((bucket.rate - 27.5).abs() < 1e-9, "{}", bucket.rate);
        bucket.take(NOTIFY, 90, at(60_000));
        assert!((bucket.rate - 50.0).abs() < f64::EPSILON);
        bucket.slow_down(NOTIFY, Duration::ZERO, at(60_000));
        assert!((bucket.rate - 25.0).abs() < f64::EPSILON, "a second time, a minute later");
    }

    #[test]
    fn a_provider_that_never_stops_complaining_is_still_asked_now_and_then() {
        let mut bucket = Bucket::full(NOTIFY, at(0));
        for number in 0..100 {
            bucket.slow_down(NOTIFY, Duration::ZERO, at(number * 1_001));
        }
        assert!(bucket.rate >= 1.0, "{}", bucket.rate);
        assert_eq!(bucket.take(NOTIFY, 1, at(103_000)), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_neither_fills_nor_stops_it() {
        let mut bucket = Bucket::full(NOTIFY, at(3_600_000));
        bucket.take(NOTIFY, 980, at(3_600_000));
        bucket.slow_down(NOTIFY, Duration::ZERO, at(3_600_000));
        assert_eq!(bucket.take(NOTIFY, 9, at(0)), 0);
        assert!(bucket.take(NOTIFY, 90, at(3_000)) >= 25, "it goes on from the new time");
    }

    proptest! {
        /// What a provider would count: never more than the burst and the rate together allow.
        #[test]
        fn no_window_sees_more_than_the_provider_bears(
            steps in prop::collection::vec((0_i64..2_000, 0_u32..400), 1..60),
        ) {
            let mut bucket = Bucket::full(NOTIFY, at(0));
            let mut taken = vec![(0_i64, 0_u32)];
            let mut now = 0;
            for (milliseconds, wanted) in steps {
                now += milliseconds;
                taken.push((now, bucket.take(NOTIFY, wanted, at(now))));
            }
            for first in 0..taken.len() {
                let mut sum = 0;
                for (moment, number) in &taken[first..] {
                    sum += number;
                    let seconds = f64::from(i32::try_from(moment - taken[first].0).unwrap()) / 1_000.0;
                    prop_assert!(f64::from(sum) <= 1_000.0 + 50.0 * seconds + 1e-6);
                }
            }
        }
    }
}
