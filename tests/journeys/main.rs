//! Journeys: a person's story, against the whole of Schoolbell in one process.

mod absence;
mod arrival;
mod refusals;
mod restriction;
mod routes_home;
