//! Journeys: a person's story, against the whole of Schoolbell in one process.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod absence;
mod arrival;
mod recall;
mod refusals;
mod restriction;
mod routes_home;
