//! Faults: what must hold whatever dies, and when.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]
#![expect(clippy::print_stdout, reason = "the figures of a fault are worth more than that it was survived")]

mod alive;
mod apart_bus;
mod apart_database;
mod bus;
mod cell;
mod database;
mod held_up;
mod killed;
mod load;
mod matrix;
mod mornings;
mod outboxes;
mod providers;
mod steps;
mod storm;
mod truth;
