//! What is decided here, purely: how long a session stands, what a password must be, whether a code is
//! right, what a second click is, how often somebody may guess, what roles are called, whom nobody reaches, and on which days a child is missing.

pub mod attendance;
pub mod guesses;
pub mod just_changed;
pub mod just_used;
pub mod password;
pub mod reach;
pub mod roles;
pub mod second_factor;
pub mod session;
