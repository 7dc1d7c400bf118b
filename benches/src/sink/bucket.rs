//! A bucket of tokens, as a provider limits its rate: full after a rest, refilled all the time.

/// A bucket. Times are microseconds from any beginning.
#[derive(Debug, Clone)]
pub struct Bucket {
    per_second: f64,
    most: f64,
    tokens: f64,
    filled_at: i64,
}

impl Bucket {
    /// A full bucket.
    pub fn full(per_second: u32, most: u32, now: i64) -> Self {
        let most = f64::from(most);
        Self { per_second: f64::from(per_second), most, tokens: most, filled_at: now }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: i64) -> bool {
        let since = i32::try_from(now - self.filled_at).unwrap_or(i32::MAX).max(0);
        self.tokens = (self.tokens + self.per_second * f64::from(since) / 1e6).min(self.most);
        self.filled_at = now;
        let is_there = self.tokens >= 1.0;
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_only_the_rate() {
        let mut bucket = Bucket::full(50, 1_000, 0);
        let mut taken = |now| (0..2_000).filter(|_| bucket.take(now)).count();
        assert_eq!((taken(0), taken(0), taken(1_000_000), taken(1_020_000)), (1_000, 0, 50, 1));
        assert_eq!(taken(3_600_000_000), 1_000);
    }
}
