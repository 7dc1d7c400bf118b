//! The directory's database: everything that stands of each school.
//!
//! The api reads through [`school`], [`people`] and [`present`] and writes through [`write`] and
//! [`change`]; each write is guarded by the school's version, so that what was decided on something
//! old is decided again. Nothing is decided here, and nobody is deleted.

pub mod change;
pub mod decisions;
pub mod find;
pub mod former;
pub mod people;
pub mod present;
pub mod restored;
mod rows;
pub mod school;
pub mod write;

use kit::store::Migration;

/// The directory's own tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "directory_0001", sql: include_str!("schema.sql") },
    Migration { name: "directory_0002", sql: include_str!("barred_addresses.sql") },
    Migration { name: "directory_0003", sql: include_str!("preferences.sql") },
    Migration { name: "directory_0004", sql: include_str!("decisions_unsorted.sql") },
    Migration { name: "directory_0005", sql: include_str!("imports.sql") },
];
