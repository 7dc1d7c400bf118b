//! The one place where the simulator asks what time it is.
//!
//! The outside world has its own clock: providers sign, limit and date by real time, whatever the school's clock says.
//! Everything that decides by time takes it as an argument; only handlers at the edge call [`now`].

use jiff::Timestamp;

/// The real time, as a provider would read it.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulated outside world is an edge and has no clock to ask"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
