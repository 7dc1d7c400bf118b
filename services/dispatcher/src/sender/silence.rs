//! For how long the directory has not answered, whichever of the sender's loops asked it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Since when the directory has been silent, by the school's clock, like everything that people are
/// asked by.
#[derive(Default)]
pub struct Silence {
    since: Mutex<Option<Timestamp>>,
}

impl Silence {
    pub(super) fn is_over(&self) {
        *self.since() = None;
    }

    pub(super) fn goes_on(&self, now: Timestamp) {
        self.since().get_or_insert(now);
    }

    pub(super) fn has_lasted(&self, patience: SignedDuration, now: Timestamp) -> bool {
        self.since().is_some_and(|since| now.duration_since(since) >= patience)
    }

    fn since(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
