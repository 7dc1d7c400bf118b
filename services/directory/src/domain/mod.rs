//! What the directory knows and decides, without IO, clock or chance: time and the school's day are
//! arguments.
//!
//! Called by the api; it never reads a store and never says a word of the wire.

pub mod audience;
pub mod decide;
pub mod described;
pub mod email;
pub mod former;
pub mod language;
pub mod link;
pub mod phone;
pub mod plan;
pub mod preference;
pub mod present;
pub mod roster;
pub mod search;
mod words;
