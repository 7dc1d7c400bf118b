//! The whole of the logic of accidents, pure.
//!
//! An [`accident`] decides what a first account and every amendment mean and what is said of them;
//! an [`account`] is what a person wrote; [`names`] finds other children in it; [`tasks`] asks
//! people for what no message may do. `api` calls them. Nothing here reads a clock, draws an id or
//! talks to anybody: all of it arrives as arguments.

pub mod accident;
pub mod account;
pub mod names;
pub mod rejection;
pub mod tasks;

use std::collections::BTreeMap;

use proto::ids::PupilId;

pub use accident::{Accident, Moment, Step, Telling};
pub use account::Account;
pub use rejection::{Fault, Part, Rejection};

/// Everybody on roll, with the first name that each is called by.
pub type Roll = BTreeMap<PupilId, String>;
