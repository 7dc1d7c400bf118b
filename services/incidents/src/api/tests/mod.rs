//! The RPCs against real databases, with a directory that is told what to say.

mod accounts;
mod bad_input;
mod fixture;
mod lists;
mod races;
