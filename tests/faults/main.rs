//! Faults: what must hold whatever dies, and when.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

mod killed;
