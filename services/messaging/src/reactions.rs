//! What this service does when others say something: nothing yet. Replies and delivery results will
//! be heard here once somebody says them.

use kit::bus::Reaction;

/// No reactions.
pub fn all() -> Vec<Reaction> {
    Vec::new()
}
