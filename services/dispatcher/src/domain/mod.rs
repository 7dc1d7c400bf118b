//! What the dispatcher decides, without touching anything: who may be told, by which address, in
//! which order, and what an outcome means. Time, the audience and everything else are arguments.
//!
//! The steps of a message are `Fact → Notice → Plan → Cleared → Outcome → Settled`; each has its
//! own type, so that a missing step does not compile. Every decision carries a [`Reason`].

pub mod about;
pub mod audience;
pub mod budget;
pub mod clearance;
pub mod cost;
pub mod entitlement;
pub mod medium;
pub mod notice;
pub mod outcome;
pub mod person;
pub mod plan;
pub mod quiet;
pub mod reason;
pub mod settle;
pub mod state;
pub mod suppression;
pub mod why;

pub use about::{About, Account};
pub use audience::{Address, AddressKind, Link, Preference, Pupil, Responsibility};
pub use entitlement::{Choices, Matter, Reach};
pub use medium::Medium;
pub use notice::{NoticeKind, Purpose, Ways};
pub use quiet::Texts;
pub use reason::Reason;
pub use state::DeliveryState;
pub use suppression::{Suppressed, Suppression};
