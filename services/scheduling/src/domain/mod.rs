//! The whole of the logic of calendars and closures, pure.
//!
//! [`calendar`] knows what each day is, with [`bank_holidays`] and [`clocks`]; [`counting`] counts in
//! school days; a [`closure`] concerns a [`part`] of the school, says its [`words`] and is asked after
//! [`to_end`]. `api`, `reactions` and the loop call them. Nothing here reads a clock, draws an id or
//! talks to anybody: all of it arrives as arguments.

pub mod bank_holidays;
pub mod calendar;
pub mod clocks;
pub mod closure;
pub mod counting;
#[cfg(test)]
pub mod fixture;
pub mod part;
pub mod rejection;
pub mod to_end;
pub mod words;

pub use calendar::{Calendar, DayKind, SetAside, SetAsides};
pub use clocks::Clocks;
pub use closure::Closure;
pub use part::{Part, Reach};
pub use rejection::{Rejection, Where};
