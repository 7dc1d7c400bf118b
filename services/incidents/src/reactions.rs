//! What this service does when others say something: nothing yet. Who was reached, and when, will
//! be heard here once it belongs in the record of an accident.

use kit::bus::Reaction;

/// No reactions.
pub fn all() -> Vec<Reaction> {
    Vec::new()
}
