//! Absences.

mod domain;
