//! The services that a service asks, played for its tests, behind real gRPC and real tokens.
//!
//! The services' own tests stand on it and nothing else does: what is asked here answers what a
//! test told it to, so that a service is tested without the crates of its neighbours. That the
//! played directory answers as the real one is a test of the directory.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test stops at the first thing that is not as it should be"
)]

pub mod directory;
mod serving;

pub use directory::FakeDirectory;
pub use serving::Neighbours;
