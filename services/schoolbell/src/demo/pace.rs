//! How long the morning waits for its systems, and what it grants them.

use std::time::Duration;

use jiff::SignedDuration;

/// The demo's pace, unless processes are killed in it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From the close of the register until absences leave together.
    pub gathers_for: SignedDuration,
    /// How long a message may still leave after the answer that makes it wrong.
    pub in_the_air: SignedDuration,
    /// How long the website may take to show what was said.
    pub shown_within: Duration,
    /// How long people at home may take to be told before the script goes on without them.
    pub told_within: Duration,
    /// How long everything may take to come to rest at the end.
    pub settles_within: Duration,
}

impl Pace {
    /// Everything runs, in one process, and somebody watches.
    pub const WATCHED: Self = Self {
        gathers_for: super::stage::GATHERS_FOR,
        in_the_air: super::witness::IN_THE_AIR,
        shown_within: Duration::from_secs(10),
        told_within: Duration::from_secs(30),
        settles_within: Duration::from_mins(1),
    };
}
