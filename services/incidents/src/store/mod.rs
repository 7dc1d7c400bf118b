//! What is kept: accidents, and every account that was ever given of them.
//!
//! [`read`] answers questions; [`changes`] puts what was decided into a commit, guarded by the
//! version that it was decided on. Nothing here decides, and nothing is ever deleted.

pub mod changes;
pub mod convert;
pub mod read;
pub mod rows;

use kit::store::Migration;

/// The tables, step by step.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "incidents_0001", sql: include_str!("schema.sql") }];
