//! What this process has in the air: requests that may be under way, and outcomes that are not
//! durable yet. A recall looks here, because a message that is sent at least once is not marked in
//! the store before its request.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The deliveries in the air. Clones share them.
#[derive(Clone, Default)]
pub struct Air {
    flying: Arc<Mutex<HashSet<String>>>,
}

/// One delivery in the air; until it is dropped.
pub(super) struct InTheAir {
    air: Air,
    delivery: String,
}

impl Air {
    /// The deliveries that are in the air now.
    #[must_use]
    pub fn deliveries(&self) -> HashSet<String> {
        self.flying().clone()
    }

    pub(super) fn take_off(&self, delivery: &str) -> InTheAir {
        self.flying().insert(delivery.to_owned());
        InTheAir { air: self.clone(), delivery: delivery.to_owned() }
    }

    fn flying(&self) -> MutexGuard<'_, HashSet<String>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InTheAir {
    fn drop(&mut self) {
        self.air.flying().remove(&self.delivery);
    }
}
