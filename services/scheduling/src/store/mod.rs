//! What is kept: the days that schools have set aside, and closures with their history.
//!
//! [`read`] answers questions; [`changes`] puts what was decided into a commit, guarded by the version
//! of the school that it was decided on. Nothing here decides, and nothing is ever deleted.

pub mod changes;
pub mod convert;
pub mod read;
pub mod rows;

use kit::store::Migration;

/// The tables, step by step.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "scheduling_0001", sql: include_str!("schema.sql") }];
