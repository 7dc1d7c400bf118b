//! What is kept: sessions, registers, entries with their history, cases, and what was heard of closures.
//!
//! [`read`], [`attendance`] and [`closures`] answer questions; [`changes`] puts what was decided into a commit, guarded by the
//! versions that it was decided on. Nothing here decides, and nothing is ever deleted.

pub mod attendance;
pub mod changes;
pub mod closures;
pub mod convert;
pub mod read;
pub mod rows;

use kit::store::Migration;

/// The tables, step by step.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "absences_0001", sql: include_str!("schema.sql") },
    Migration { name: "absences_0002", sql: include_str!("closures.sql") },
    Migration { name: "absences_0003", sql: include_str!("attendance.sql") },
];
