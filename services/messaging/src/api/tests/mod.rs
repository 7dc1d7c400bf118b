//! The RPCs against real databases, with a directory that is told what to say.

mod bad_input;
mod correcting;
mod fixture;
mod listing;
mod sending;
