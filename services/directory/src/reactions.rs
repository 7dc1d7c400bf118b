//! What the directory hears: nothing yet. Delivery results, which will tell who cannot be reached
//! any more, come with reachability.

use kit::bus::Reaction;

/// The reactions to the facts of others: none.
pub fn all() -> Vec<Reaction> {
    Vec::new()
}
