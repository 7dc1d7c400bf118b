//! GOV.UK Notify's two limits: a token bucket by the minute, and a count by the day.
//!
//! Pure: the time is an argument. The bucket holds `min(ceil(rate / 3) + 1, 1000)` and refills by `rate / 60` a second; the
//! day's count is per kind of message and starts again at midnight UTC. A request that a limit refuses uses up nothing.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// What the server's bucket never exceeds, whatever the rate.
const LARGEST_BUCKET: u32 = 1_000;

/// Requests by the minute.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    rate_per_minute: u32,
    /// Sixtieths of a thousandth of a token: `rate` of these accrue each millisecond, so that nothing is ever rounded.
    level: u64,
    checked_at: Timestamp,
}

/// A whole token, in the unit of [`TokenBucket::level`].
const TOKEN: u64 = 60_000;

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(rate_per_minute: u32, now: Timestamp) -> Self {
        let bucket = Self { rate_per_minute, level: 0, checked_at: now };
        Self { level: bucket.capacity(), ..bucket }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        let elapsed = now.as_millisecond().saturating_sub(self.checked_at.as_millisecond());
        // A clock set back adds nothing and forgets nothing.
        if let Ok(elapsed) = u64::try_from(elapsed) {
            let refilled = self.level.saturating_add(elapsed.saturating_mul(self.rate_per_minute.into()));
            self.level = refilled.min(self.capacity());
            self.checked_at = now;
        }
        let taken = self.level >= TOKEN;
        if taken {
            self.level -= TOKEN;
        }
        taken
    }

    fn capacity(&self) -> u64 {
        u64::from((self.rate_per_minute.div_ceil(3) + 1).min(LARGEST_BUCKET)) * TOKEN
    }
}

/// Messages by the day and kind.
#[derive(Debug, Default)]
pub(crate) struct DailyCount {
    day: Option<Date>,
    counts: HashMap<&'static str, u32>,
}

impl DailyCount {
    /// Whether one more of this kind still fits today; does not count it.
    pub(crate) fn fits(&mut self, kind: &'static str, limit: u32, now: Timestamp) -> bool {
        let today = now.to_zoned(TimeZone::UTC).date();
        if self.day != Some(today) {
            self.day = Some(today);
            self.counts.clear();
        }
        self.counts.get(kind).copied().unwrap_or_default() < limit
    }

    /// Counts one of this kind for the day last looked at.
    pub(crate) fn count(&mut self, kind: &'static str) {
        *self.counts.entry(kind).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_763_800_000_000 + milliseconds).unwrap()
    }

    fn drain(bucket: &mut TokenBucket, now: Timestamp) -> u32 {
        let mut taken = 0;
        while bucket.take(now) {
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = TokenBucket::new(3_000, at(0));
        assert_eq!(drain(&mut bucket, at(0)), 1_000, "ceil(3000/3)+1 is cut to 1000");
        assert_eq!(drain(&mut bucket, at(1_000)), 50);
        assert_eq!(drain(&mut bucket, at(1_010)), 0);
        assert_eq!(drain(&mut bucket, at(1_020)), 1, "20 ms at 50/s, in two steps of 10");
        assert_eq!(drain(&mut bucket, at(60_000_000)), 1_000, "it never overflows");
    }

    #[test]
    fn a_slow_rate_has_a_small_bucket() {
        let mut bucket = TokenBucket::new(10, at(0));
        assert_eq!(drain(&mut bucket, at(0)), 5, "ceil(10/3)+1");
        assert_eq!(drain(&mut bucket, at(5_999)), 0);
        assert_eq!(drain(&mut bucket, at(6_000)), 1);
    }

    #[test]
    fn a_clock_set_back_neither_fills_nor_empties_the_bucket() {
        let mut bucket = TokenBucket::new(60, at(0));
        drain(&mut bucket, at(0));
        assert!(!bucket.take(at(-10_000)));
        assert!(bucket.take(at(1_000)));
    }

    #[test]
    fn the_day_starts_again_at_midnight_utc_and_kinds_are_apart() {
        let before: Timestamp = "2026-06-01T23:59:59Z".parse().unwrap();
        let after: Timestamp = "2026-06-02T00:00:00Z".parse().unwrap();
        let mut day = DailyCount::default();
        assert!(day.fits("sms", 1, before));
        day.count("sms");
        assert!(!day.fits("sms", 1, before));
        assert!(day.fits("email", 1, before));
        assert!(day.fits("sms", 1, after));
    }
}
