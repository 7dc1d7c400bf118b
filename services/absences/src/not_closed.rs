//! Handing a register that the clock cannot close to a person.
//!
//! While the directory or scheduling is away nobody knows who may be told, so nobody is, and what
//! could say so to the school must not need them: it stands in our own store alone. The clock goes on
//! trying; what it closes later is told then, if it is not too late.

use jiff::{SignedDuration, Timestamp};
use kit::rejection::failure;
use kit::store::Commit;
use tonic::Status;
use tonic_types::StatusExt;

use crate::closing::Closer;
use crate::domain::tasks;
use crate::store::read::Due;
use crate::{directory, scheduling};

/// How long the clock tries by itself: a service that is started again is back by then.
const TRIES_ALONE_FOR: SignedDuration = SignedDuration::from_mins(2);

impl Closer {
    /// Asks a person, once, to follow up a session that should have been closed at `due_at` and
    /// was not.
    pub async fn hand_to_person(&self, due: Due, due_at: Timestamp, refused: &Status) {
        let now = self.clock.now();
        if now.duration_since(due_at) < TRIES_ALONE_FOR {
            return;
        }
        let task = tasks::register_not_closed(due.school, due.sitting, because(refused), now);
        if let Err(error) = self.store.commit(Commit::new().task(task)).await {
            failure(&error);
        }
    }
}

fn because(refused: &Status) -> &'static str {
    let reason = refused.get_details_error_info().map(|info| info.reason);
    match reason.as_deref() {
        Some(directory::UNAVAILABLE) => "the directory cannot be asked",
        Some(scheduling::UNAVAILABLE) => "scheduling cannot be asked",
        _ => "something is wrong with the installation",
    }
}
