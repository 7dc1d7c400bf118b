//! The projection: the latest alerts and calendar of every school that anything was heard about, and
//! how far it can be trusted.
//!
//! [`keep`] puts what was heard into a commit; [`show`] reads what a visitor may see at an instant.
//! No row is ever deleted.

pub mod keep;
mod rows;
pub mod show;

use kit::store::Migration;

/// The tables, step by step.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "website_0001", sql: include_str!("schema.sql") },
    Migration { name: "website_0002", sql: include_str!("kinds.sql") },
    Migration { name: "website_0003", sql: include_str!("touch.sql") },
];

/// The kinds of alerts, as they are stored.
const CLOSURE: &str = "closure";
const REOPENING: &str = "reopening";
