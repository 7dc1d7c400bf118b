//! The RPCs against real databases, with a directory and a calendar that are told what to say.

mod accidents;
mod attendance;
mod bad_input;
mod closing;
mod closures;
mod fixture;
mod home;
mod races;
mod registers;
mod timetable;
