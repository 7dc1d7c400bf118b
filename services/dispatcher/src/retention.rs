//! How long addresses and words are kept, and the loop that erases them afterwards.
//!
//! What is erased and what stays is [`store::erasure`](crate::store::erasure)'s; this owns when. It looks
//! at the start and every hour, and does nothing else.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kit::store::Store;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::store::erasure::{self, Erased};

const EVERY: Duration = Duration::from_hours(1);

/// As long as what happened may be handed out, asked or put back again: streams and stored answers are
/// kept for two weeks.
const LEAST_DAYS: i64 = 14;

/// How long things are kept.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days from when something was not worth telling any more.
    #[serde(rename = "addresses_kept_for", with = "kit::config::whole_days")]
    pub days: i64,
}

impl Retention {
    /// Refuses what is too short.
    pub fn check(self) -> anyhow::Result<Self> {
        let days = self.days;
        anyhow::ensure!(
            days >= LEAST_DAYS,
            "dispatcher.retention.addresses_kept_for is {days} days: at least {LEAST_DAYS} are needed, for as long facts may be told again"
        );
        Ok(self)
    }

    /// What was over before this is kept no longer.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        let kept = SignedDuration::from_secs(self.days.saturating_mul(86_400));
        now.saturating_sub(kept).unwrap_or(Timestamp::MIN)
    }
}

/// Erases at once and every hour until `stop`, by the clock of the school.
pub async fn run(retention: Retention, store: Store, stop: CancellationToken) -> anyhow::Result<()> {
    let mut hours = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.cancelled() => return Ok(()),
        }
        let now = store.clock().now();
        let erasing = erasure::erase(&store, retention.before(now), now, erasure::STROKE);
        let outcome = tokio::select! {
            outcome = erasing => outcome,
            // Each stroke was written whole or not at all; the next start goes on from there.
            () = stop.cancelled() => return Ok(()),
        };
        match outcome {
            Ok(erased) if erased == Erased::default() => {}
            Ok(erased) => {
                metrics::erased(&erased);
                let Erased { addresses, gatherings, words } = erased;
                tracing::info!(addresses, gatherings, words, "what was kept for long enough was erased");
            }
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(
                    error,
                    "what was kept for long enough could not be erased; the next hour tries again"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_two_weeks_is_refused_and_days_are_counted_back_from_now() {
        assert!(Retention { days: 13 }.check().is_err());
        let retention = Retention { days: 14 }.check().unwrap();
        let now: Timestamp = "2026-11-24T08:50:00Z".parse().unwrap();
        assert_eq!(retention.before(now), "2026-11-10T08:50:00Z".parse::<Timestamp>().unwrap());
        assert_eq!(Retention { days: i64::MAX }.before(now), Timestamp::MIN);
    }
}
