//! The harness of the journeys and the faults: a whole school in one process, with the real
//! nats-server, a real database and the simulated providers; and a real browser.
//!
//! A [`Roster`](roster::Roster) is written by the test, imported through the real RPC and then
//! lived in. Nothing here sleeps: a test waits until a condition holds or a deadline passes, and
//! then the last state is printed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test stops at the first thing that is not as it should be"
)]

pub mod apart;
pub mod browser;
pub mod collector;
pub mod given;
pub mod installation;
pub mod openid;
pub mod promql;
pub mod roster;
pub mod school;
pub mod visit;
pub mod wait;

pub use roster::Roster;
pub use school::School;
