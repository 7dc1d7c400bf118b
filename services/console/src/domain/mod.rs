//! What is decided here, purely: how long a session stands, what a password must be, whether a code is
//! right, how often somebody may guess, and what roles are called.

pub mod guesses;
pub mod password;
pub mod roles;
pub mod second_factor;
pub mod session;
