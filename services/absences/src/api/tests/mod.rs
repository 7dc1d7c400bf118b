//! The RPCs against real databases, with a directory that is told what to say.

mod bad_input;
mod closing;
mod fixture;
mod home;
mod neighbour;
mod races;
mod registers;
