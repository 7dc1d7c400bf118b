//! Open pages hear that something may have changed, and look again.
//!
//! Nothing is said about what changed: whoever looks again sees what that person may see. A replica
//! hears only a part of the facts, so that an open page also looks by itself once a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use proto::ids::SchoolId;
use tokio::sync::watch;

/// Tells the open pages of a school.
#[derive(Clone, Default)]
pub struct Hub {
    schools: Arc<Mutex<HashMap<SchoolId, watch::Sender<()>>>>,
}

impl Hub {
    /// Something of this school may have changed.
    pub fn changed(&self, school: SchoolId) {
        self.of(school, |sender| sender.send_replace(()));
    }

    /// Hears of every change from now on; of many at once it hears once.
    pub fn listen(&self, school: SchoolId) -> watch::Receiver<()> {
        self.of(school, watch::Sender::subscribe)
    }

    fn of<T>(&self, school: SchoolId, with: impl FnOnce(&watch::Sender<()>) -> T) -> T {
        let mut schools = self.schools.lock().unwrap_or_else(PoisonError::into_inner);
        with(schools.entry(school).or_default())
    }
}
