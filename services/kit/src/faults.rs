//! Fault points: named steps at which a process can be told by its settings to die as if it were
//! killed, or to hold, so that a test can let anything happen at exactly that step.
//!
//! The steps of the machinery stand here; a service lists its own in
//! [`Service::POINTS`](crate::service::Service::POINTS). Whoever commits has a store, and finds them
//! there. With nothing set a point costs the look at an option; production refuses the setting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use serde::Deserialize;

/// A step that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point(&'static str);

impl Point {
    /// A step of this name.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Facts stand in the outbox and are not published.
pub const PUBLISHING: Point = Point::named("publishing");
/// They are published and not marked as sent.
pub const PUBLISHED: Point = Point::named("published");
/// A fact that was handed out is decided on, and nothing of that is committed.
pub const HEARD: Point = Point::named("heard");
/// Its effect is committed and the fact not acknowledged.
pub const KEPT: Point = Point::named("kept");

/// The steps of the machinery, which every service has.
pub const COMMON: &[Point] = &[PUBLISHING, PUBLISHED, HEARD, KEPT];

/// What is to happen at a point.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The service.
    pub service: String,
    /// The name of one of its points.
    pub point: String,
    /// Which time that it comes there.
    #[serde(default = "first")]
    pub time: u64,
    /// How long it holds there; without it the process is killed.
    #[serde(default, with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional")]
    pub holds_for: Option<Duration>,
}

const fn first() -> u64 {
    1
}

/// A fault that cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{service} has no fault point {point}; it has {has}")]
pub struct Unknown {
    service: &'static str,
    point: String,
    has: String,
}

/// The faults of one service in this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Option<Arc<[Armed]>>);

#[derive(Debug)]
struct Armed {
    fault: Fault,
    came: AtomicU64,
}

impl Faults {
    /// Those of all that are set which are this service's, whose own points these are.
    pub fn of(service: &'static str, points: &[Point], set: &[Fault]) -> Result<Self, Unknown> {
        let own: Vec<&Fault> = set.iter().filter(|fault| fault.service == service).collect();
        let has = || COMMON.iter().chain(points).map(|point| point.name());
        if let Some(fault) = own.iter().find(|fault| !has().any(|name| name == fault.point)) {
            let has = has().collect::<Vec<_>>().join(", ");
            return Err(Unknown { service, point: fault.point.clone(), has });
        }
        let armed = own.into_iter().map(|fault| Armed { fault: fault.clone(), came: AtomicU64::new(0) });
        let armed: Arc<[Armed]> = armed.collect();
        Ok(Self((!armed.is_empty()).then_some(armed)))
    }

    /// The process comes to a point.
    pub async fn at(&self, point: Point) {
        if let Some(armed) = &self.0 {
            // Everybody counts before anybody holds.
            let now: Vec<&Fault> = armed.iter().filter_map(|armed| armed.comes_to(point)).collect();
            for fault in now {
                fault.happens().await;
            }
        }
    }
}

impl Armed {
    /// The fault, if this is its point and its time.
    fn comes_to(&self, point: Point) -> Option<&Fault> {
        let is_here = self.fault.point == point.name();
        let is_now = is_here && self.came.fetch_add(1, Ordering::AcqRel) + 1 == self.fault.time;
        is_now.then_some(&self.fault)
    }
}

impl Fault {
    async fn happens(&self) {
        let Self { service, point, holds_for, .. } = self;
        match holds_for {
            Some(time) => {
                tracing::warn!(service, point, "holds at a fault point");
                tokio::time::sleep(*time).await;
                tracing::warn!(service, point, "goes on from a fault point");
            }
            None => die(),
        }
    }
}

/// Nothing is finished, flushed or said.
fn die() -> ! {
    // Does not return: the signal comes before the call does.
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Point = Point::named("rung");

    fn fault(service: &str, point: &str, time: u64) -> Fault {
        let holds_for = Some(Duration::from_secs(3));
        Fault { service: service.to_owned(), point: point.to_owned(), time, holds_for }
    }

    #[test]
    fn a_point_that_a_service_does_not_have_is_an_error_that_names_those_it_has() {
        let error = Faults::of("bell", &[OWN], &[fault("bell", "wrung", 1)]).unwrap_err().to_string();
        assert!(error.contains("wrung") && error.contains("kept, rung"), "{error}");
        assert!(Faults::of("ear", &[], &[fault("bell", "wrung", 1)]).unwrap().0.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_holds_at_the_time_that_is_set_and_at_no_other() {
        let faults = Faults::of("bell", &[OWN], &[fault("bell", "rung", 2), fault("bell", "kept", 1)]);
        let faults = faults.unwrap();
        for expected in [0, 3, 0] {
            let begun = tokio::time::Instant::now();
            faults.clone().at(OWN).await;
            assert_eq!(begun.elapsed(), Duration::from_secs(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_while_another_holds_is_counted() {
        let faults = Faults::of("bell", &[OWN], &[fault("bell", "rung", 1), fault("bell", "rung", 2)]);
        let faults = faults.unwrap();
        let begun = tokio::time::Instant::now();
        tokio::join!(faults.at(OWN), faults.at(OWN));
        assert_eq!(begun.elapsed(), Duration::from_secs(3), "both at once");
        faults.at(OWN).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }

    #[test]
    fn a_fault_is_read_with_its_defaults() {
        let read = |text: &str| serde_json::from_str::<Fault>(text);
        let dies = read(r#"{"service": "bell", "point": "kept"}"#).unwrap();
        assert_eq!(dies, Fault { holds_for: None, ..fault("bell", "kept", 1) });
        let holds = read(r#"{"service": "bell", "point": "kept", "time": 2, "holds_for": "3s"}"#).unwrap();
        assert_eq!(holds, fault("bell", "kept", 2));
        assert!(read(r#"{"service": "bell", "point": "kept", "colour": 1}"#).is_err());
    }
}
