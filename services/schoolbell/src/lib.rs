//! The one binary, as a library: whoever starts Schoolbell in a test starts what is installed.

pub mod app;
pub mod command;
pub mod demo;
pub mod settings;
