//! Schools, pupils, contacts, links and restrictions: who there is, how they can be reached, and what
//! stands against telling them.

pub mod domain;
pub mod import;
