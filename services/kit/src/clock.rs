//! The only place that asks what time it is.
//!
//! Everything that decides takes the time as an argument; the edges ask a [`Clock`]. A clock can
//! run with an offset, so that a demonstration plays on a chosen morning; signatures, tokens and
//! leases use [`Clock::real`], which no offset touches.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Tells the time to the edges of a service.
#[derive(Debug, Clone)]
pub struct Clock {
    face: Face,
}

#[derive(Debug, Clone)]
enum Face {
    Running { offset: SignedDuration },
    Fixed(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// The machine's time.
    #[must_use]
    pub fn system() -> Self {
        Self::offset(SignedDuration::ZERO)
    }

    /// The machine's time, moved by an offset.
    #[must_use]
    pub fn offset(offset: SignedDuration) -> Self {
        Self { face: Face::Running { offset } }
    }

    /// The machine's time, moved so that it is `start` now.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self::offset(start.duration_since(machine_time()))
    }

    /// A clock that stands still until it is [`set`](Self::set); for tests.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self { face: Face::Fixed(Arc::new(Mutex::new(at))) }
    }

    /// Moves a fixed clock. A running clock cannot be set and stays as it is.
    pub fn set(&self, at: Timestamp) {
        if let Face::Fixed(now) = &self.face {
            *now.lock().unwrap_or_else(PoisonError::into_inner) = at;
        }
    }

    /// Now, by the clock of the tenants.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.face {
            Face::Running { offset } => machine_time().saturating_add(*offset).unwrap_or(Timestamp::MAX),
            Face::Fixed(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// How far the clock of the tenants is ahead of the machine's; below zero, behind it.
    #[must_use]
    pub fn ahead(&self) -> SignedDuration {
        match &self.face {
            // Not by asking twice for the time, which would be another answer each time.
            Face::Running { offset } => *offset,
            Face::Fixed(_) => self.now().duration_since(self.real()),
        }
    }

    /// What the clock of the tenants showed at a moment of real time.
    #[must_use]
    pub fn showed_at(&self, real: Timestamp) -> Timestamp {
        real.saturating_add(self.ahead()).unwrap_or(real)
    }

    /// Now, by the machine: for signatures, tokens and anything that the outside world checks.
    #[must_use]
    pub fn real(&self) -> Timestamp {
        machine_time()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the edge where time enters")]
fn machine_time() -> Timestamp {
    Timestamp::now()
}

/// Microseconds since 1970: how instants stand in the store.
#[must_use]
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant of so many microseconds since 1970; out of range is the nearest that exists.
#[must_use]
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// An instant as protobuf writes it.
#[must_use]
pub fn to_proto(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_moves_the_time_of_the_tenants_but_not_real_time() {
        let start: Timestamp = "2026-11-24T08:50:00Z".parse().unwrap();
        let clock = Clock::starting_at(start);
        assert!(clock.now().duration_since(start).abs() < SignedDuration::from_secs(60));
        assert!(clock.real().duration_since(machine_time()).abs() < SignedDuration::from_secs(60));
    }

    #[test]
    fn what_the_clock_showed_at_a_moment_is_the_same_however_often_it_is_asked() {
        let clock = Clock::starting_at("2026-11-24T08:50:00Z".parse().unwrap());
        let real = clock.real();
        let shown = clock.showed_at(real);
        assert!((0..1_000).all(|_| clock.showed_at(real) == shown));
        assert_eq!(Clock::system().showed_at(real), real);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_it_is_set() {
        let at: Timestamp = "2026-11-24T08:50:00Z".parse().unwrap();
        let clock = Clock::fixed(at);
        assert_eq!(clock.now(), at);
        clock.set(at + SignedDuration::from_mins(1));
        assert_eq!(clock.now(), at + SignedDuration::from_mins(1));
    }

    #[test]
    fn an_instant_survives_the_store() {
        let at: Timestamp = "2026-11-24T08:50:00.123456Z".parse().unwrap();
        assert_eq!(from_micros(micros(at)), at);
    }
}
