//! What is measured: the names of the kit's own metrics, and what a metric is called, made of and for.
//!
//! A service lists its metrics the same way, in one file of its own, so that a dashboard can be held to
//! the list. Labels have few values and never say whose something is: no tenant, no person, no address.

use metrics::Unit;

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises, until the process ends.
    Counter,
    /// It is as it is at the moment.
    Gauge,
    /// Values are counted by their size.
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// `<service>_<noun>_<unit or total>`.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What tells its series apart.
    pub labels: &'static [&'static str],
    /// What it says, for whoever reads `/metrics`.
    pub says: &'static str,
}

/// Facts that the server did not take.
pub const RELAY_FAILURES: Metric = Metric {
    name: "kit_relay_failures_total",
    kind: Kind::Counter,
    labels: &["service"],
    says: "Rounds in which facts could not be published and stayed in the outbox.",
};
/// The age of what waits longest for the server.
pub const OUTBOX_OLDEST: Metric = Metric {
    name: "kit_outbox_oldest_seconds",
    kind: Kind::Gauge,
    labels: &["service"],
    says: "Age of the oldest fact that is not published; 0 when there is none.",
};
/// What was put aside.
pub const DEAD_LETTERS: Metric = Metric {
    name: "kit_dead_letters_total",
    kind: Kind::Counter,
    labels: &["consumer"],
    says: "Facts and receipts that could not be taken and were put aside for a person.",
};
/// Callers for whom there was no room.
pub const CALLS_TURNED_AWAY: Metric = Metric {
    name: "kit_calls_turned_away_total",
    kind: Kind::Counter,
    labels: &["who"],
    says: "gRPC calls turned away because as many as can be served were under way.",
};
/// What people were asked to do.
pub const TASKS_OPENED: Metric = Metric {
    name: "kit_tasks_opened_total",
    kind: Kind::Counter,
    labels: &["kind"],
    says: "Tasks opened for people.",
};

/// Every metric of the kit.
pub const ALL: &[Metric] = &[RELAY_FAILURES, OUTBOX_OLDEST, DEAD_LETTERS, CALLS_TURNED_AWAY, TASKS_OPENED];

/// Sizes by which times are counted: from a local answer to a provider that is given up.
pub const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Sizes by which everything else is counted.
pub const NUMBERS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];

/// Says what metrics mean, once for the process.
pub fn describe(all: &[Metric]) {
    for metric in all {
        let unit = if metric.name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, unit, metric.says),
            Kind::Gauge => metrics::describe_gauge!(metric.name, unit, metric.says),
            Kind::Histogram => metrics::describe_histogram!(metric.name, unit, metric.says),
        }
    }
}

/// A name that says what it is made of, for the tests of a list of metrics: of the service, with its unit
/// at the end, and `total` for what only rises.
#[must_use]
pub fn is_well_named(service: &str, metric: &Metric) -> bool {
    let own = metric.name.strip_prefix(service).and_then(|rest| rest.strip_prefix('_'));
    let Some(own) = own else { return false };
    let plain = own.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    plain && own.ends_with("_total") == (metric.kind == Kind::Counter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_kit_is_well_named_and_listed_once() {
        for metric in ALL {
            assert!(is_well_named("kit", metric), "{}", metric.name);
            assert_eq!(ALL.iter().filter(|other| other.name == metric.name).count(), 1);
        }
        let wrong = |name| Metric { name, ..RELAY_FAILURES };
        assert!(!is_well_named("kit", &wrong("kit_relay_failures")));
        assert!(!is_well_named("kit", &wrong("relay_failures_total")));
        assert!(!is_well_named("kit", &Metric { kind: Kind::Gauge, ..RELAY_FAILURES }));
    }
}
