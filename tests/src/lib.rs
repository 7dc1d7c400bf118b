//! What the journeys and the faults stand on: a whole school, started in one process.
//!
//! The rules of the house (`house/`) need nothing of it; they read the tree as text.
