//! The RPCs, the reaction and the loop against real databases, with a directory that is told what to
//! say.

mod asking;
mod bad_input;
mod calendar;
mod closures;
mod days;
mod ending;
mod fixture;
mod races;
