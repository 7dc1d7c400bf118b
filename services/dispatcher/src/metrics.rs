//! What the dispatcher measures of itself: every name stands here, with what it means.
//!
//! The senders, the settler, the receipts and [`retention`](crate::retention) say here what happened; what
//! waits is read from the store every few seconds by [`follow`]. Labels are channels, lanes, states and
//! fixed reasons: never a school, a person or an address.

use std::time::Duration;

use jiff::Timestamp;
use kit::metrics::{Kind, Metric, describe};
use kit::store::Store;
use metrics::{counter, gauge, histogram};
use tokio_util::sync::CancellationToken;

use crate::channels::notify_receipt::ReceiptStatus;
use crate::channels::{ChannelName, Outcome, RejectKind};
use crate::domain::DeliveryState;
use crate::routes::Timing;
use crate::store::backlog;
use crate::store::erasure::Erased;
use crate::store::settle::Finished;

/// How often what waits is looked at.
const EVERY: Duration = Duration::from_secs(5);

type Labels = &'static [&'static str];

const fn counts(name: &'static str, labels: Labels, says: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, says }
}

const fn shows(name: &'static str, labels: Labels, says: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, says }
}

const fn sorts(name: &'static str, labels: Labels, says: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, says }
}

/// Messages of which nothing more is tried.
pub const DELIVERIES: Metric = counts(
    "dispatcher_deliveries_total",
    &["channel", "lane", "outcome"],
    "Messages that a sender has finished with, by what became of them; receipts come later.",
);
/// Requests.
pub const ATTEMPTS: Metric = counts(
    "dispatcher_attempts_total",
    &["channel", "outcome"],
    "Requests to a provider, by where they left their message.",
);
/// How long requests take.
pub const REQUEST_DURATION: Metric = sorts(
    "dispatcher_request_duration_seconds",
    &["channel"],
    "How long a provider took to answer a request.",
);
/// What receipts said.
pub const RECEIPTS: Metric = counts(
    "dispatcher_receipts_total",
    &["channel", "outcome"],
    "Receipts that were taken, by what they say.",
);
/// Receipts of strangers.
pub const RECEIPTS_REFUSED: Metric =
    counts("dispatcher_receipts_refused_total", &[], "Receipts without the right token.");
/// Receipts that are to come again.
pub const RECEIPTS_PUT_OFF: Metric = counts(
    "dispatcher_receipts_put_off_total",
    &["reason"],
    "Receipts that could not be kept; their provider was asked to send them again.",
);
/// Why a receipt was put off: the database cannot be reached.
pub const STORE_AWAY: &str = "store_away";
/// Or it could not be written.
pub const NOT_DURABLE: &str = "not_durable";
/// What waits for a sender.
pub const BACKLOG: Metric = shows(
    "dispatcher_backlog_deliveries",
    &["lane"],
    "Messages that are still to leave or to be asked about; at most 20,000 of a lane are counted.",
);
/// How long it has waited.
pub const BACKLOG_OLDEST: Metric = shows(
    "dispatcher_backlog_oldest_seconds",
    &["lane"],
    "For how long the oldest of what should have left waits: to be planned, sent, or followed by the next address.",
);
/// What waits on purpose.
pub const HELD: Metric =
    shows("dispatcher_held_deliveries", &["lane"], "Messages that wait for a time of their own.");
/// A provider that does not take what it is given.
pub const PROVIDER_FAILURES: Metric = shows(
    "dispatcher_provider_consecutive_failures",
    &["channel"],
    "Requests since the provider last did its part: it was away, had a fault, or refused our account.",
);
/// When it last did.
pub const PROVIDER_SUCCESS: Metric = shows(
    "dispatcher_provider_last_success_timestamp_seconds",
    &["channel"],
    "When the provider last did its part, in seconds since 1970.",
);
/// What it bears.
pub const PROVIDER_RATE: Metric = shows(
    "dispatcher_provider_rate_messages_per_second",
    &["channel"],
    "How many messages a second the provider is given at most just now.",
);
/// How many outcomes are written together.
pub const SETTLE_BATCH: Metric =
    sorts("dispatcher_settle_batch_deliveries", &[], "Outcomes that were written in one transaction.");
/// How long that takes.
pub const SETTLE_DURATION: Metric =
    sorts("dispatcher_settle_duration_seconds", &[], "How long a transaction of outcomes took.");
/// What people took back.
pub const RECALLED: Metric =
    counts("dispatcher_recalled_notices_total", &[], "Notices that people recalled.");
/// What was kept for long enough.
pub const ERASED: Metric = counts(
    "dispatcher_erased_total",
    &["what"],
    "Addresses, gatherings and words that were erased because they were kept for long enough.",
);

/// Every metric of the dispatcher.
pub const ALL: &[Metric] = &[
    DELIVERIES,
    ATTEMPTS,
    REQUEST_DURATION,
    RECEIPTS,
    RECEIPTS_REFUSED,
    RECEIPTS_PUT_OFF,
    BACKLOG,
    BACKLOG_OLDEST,
    HELD,
    PROVIDER_FAILURES,
    PROVIDER_SUCCESS,
    PROVIDER_RATE,
    SETTLE_BATCH,
    SETTLE_DURATION,
    RECALLED,
    ERASED,
];

/// Describes everything, and begins to count what an alarm looks for at nought: a first failure is a rise.
pub fn begin<'a>(channels: impl IntoIterator<Item = (&'a ChannelName, u32)>) {
    describe(ALL);
    counter!(RECEIPTS_REFUSED.name).increment(0);
    counter!(RECALLED.name).increment(0);
    for reason in [STORE_AWAY, NOT_DURABLE] {
        counter!(RECEIPTS_PUT_OFF.name, "reason" => reason).increment(0);
    }
    erased(&Erased::default());
    for (channel, per_second) in channels {
        gauge!(PROVIDER_FAILURES.name, "channel" => channel.to_string()).set(0);
        rate(channel, f64::from(per_second));
        for outcome in DeliveryState::ALL {
            let labels = [("channel", channel.to_string()), ("outcome", outcome.as_str().to_owned())];
            counter!(ATTEMPTS.name, &labels).increment(0);
        }
    }
}

/// A provider has answered, or has not.
pub fn answered(channel: &ChannelName, took: Duration, outcome: &Outcome, real: Timestamp) {
    let channel = || channel.to_string();
    histogram!(REQUEST_DURATION.name, "channel" => channel()).record(took);
    if did_its_part(outcome) {
        gauge!(PROVIDER_FAILURES.name, "channel" => channel()).set(0);
        let at = real.as_duration().as_secs_f64();
        gauge!(PROVIDER_SUCCESS.name, "channel" => channel()).set(at);
    } else {
        gauge!(PROVIDER_FAILURES.name, "channel" => channel()).increment(1);
    }
}

/// Whether a provider works: that it refuses an address or a message is a part of that.
const fn did_its_part(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Accepted { .. }
        | Outcome::Reject { kind: RejectKind::Recipient | RejectKind::Message, .. } => true,
        Outcome::Reject { kind: RejectKind::Configuration, .. }
        | Outcome::Retry { .. }
        | Outcome::Unknown { .. } => false,
    }
}

/// How many messages a second a provider is given at most from now on.
pub fn rate(channel: &ChannelName, per_second: f64) {
    gauge!(PROVIDER_RATE.name, "channel" => channel.to_string()).set(per_second);
}

/// A request has left its message in a state.
pub fn attempted(channel: &ChannelName, state: DeliveryState) {
    counter!(ATTEMPTS.name, "channel" => channel.to_string(), "outcome" => state.as_str()).increment(1);
}

/// Outcomes are durable.
pub fn settled(batch: &[Finished], took: Duration) {
    histogram!(SETTLE_BATCH.name).record(u32::try_from(batch.len()).unwrap_or(u32::MAX));
    histogram!(SETTLE_DURATION.name).record(took);
    for finished in batch.iter().filter(|finished| finished.settled.again_at.is_none()) {
        let labels = [
            ("channel", finished.channel.to_string()),
            ("lane", finished.lane.as_str().to_owned()),
            ("outcome", finished.settled.state.as_str().to_owned()),
        ];
        counter!(DELIVERIES.name, &labels).increment(1);
    }
}

/// A receipt was taken.
pub fn receipt(channel: &str, status: ReceiptStatus) {
    let outcome = match status {
        ReceiptStatus::Delivered => "delivered",
        ReceiptStatus::PermanentFailure => "permanent_failure",
        ReceiptStatus::TemporaryFailure => "temporary_failure",
        ReceiptStatus::TechnicalFailure => "technical_failure",
    };
    counter!(RECEIPTS.name, "channel" => channel.to_owned(), "outcome" => outcome).increment(1);
}

/// People recalled so many notices.
pub fn recalled(notices: usize) {
    counter!(RECALLED.name).increment(u64::try_from(notices).unwrap_or(u64::MAX));
}

/// So much was erased.
pub fn erased(erased: &Erased) {
    let Erased { addresses, gatherings, words } = *erased;
    for (what, rows) in [("addresses", addresses), ("gatherings", gatherings), ("words", words)] {
        counter!(ERASED.name, "what" => what).increment(rows);
    }
}

/// Looks at what waits, every few seconds until `stop`.
pub async fn follow(store: Store, timing: Timing, stop: CancellationToken) -> anyhow::Result<()> {
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.cancelled() => return Ok(()),
        }
        let now = store.clock().now();
        match backlog::read(&store, &timing, now).await {
            Ok(lanes) => lanes.iter().for_each(|(lane, waiting)| {
                gauge!(BACKLOG.name, "lane" => lane.as_str()).set(f64::from(waiting.open));
                gauge!(HELD.name, "lane" => lane.as_str()).set(f64::from(waiting.held));
                let age = waiting.since.map_or(0.0, |since| now.duration_since(since).as_secs_f64());
                gauge!(BACKLOG_OLDEST.name, "lane" => lane.as_str()).set(age.max(0.0));
            }),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::debug!(error, "what waits could not be counted");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::why;

    #[test]
    fn every_metric_is_well_named_and_listed_once() {
        for metric in ALL {
            assert!(kit::metrics::is_well_named("dispatcher", metric), "{}", metric.name);
            assert_eq!(ALL.iter().filter(|other| other.name == metric.name).count(), 1);
        }
    }

    #[test]
    fn a_provider_that_refuses_an_address_works_and_one_that_refuses_us_does_not() {
        let reject = |kind| Outcome::Reject { why: why::SETTINGS, kind };
        for (outcome, works) in [
            (Outcome::Accepted { reference: "r".to_owned() }, true),
            (reject(RejectKind::Recipient), true),
            (reject(RejectKind::Message), true),
            (reject(RejectKind::Configuration), false),
            (Outcome::Retry { why: why::UNREACHABLE, after: None }, false),
            (Outcome::Unknown { why: why::NO_ANSWER }, false),
        ] {
            assert_eq!(did_its_part(&outcome), works, "{outcome:?}");
        }
    }
}
