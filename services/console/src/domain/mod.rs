//! What is decided here, purely: how long a session stands, what a password must be, whether a code is
//! right, how often somebody may guess, what roles are called, and whom nobody reaches.

pub mod guesses;
pub mod password;
pub mod reach;
pub mod roles;
pub mod second_factor;
pub mod session;
