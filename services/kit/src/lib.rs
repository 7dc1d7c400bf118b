//! The machinery that every service of Schoolbell stands on.
//!
//! A service is a library that returns its [`Parts`](service::Parts); the [`runner`] binds the
//! ports, opens the [`store`], joins the [`bus`] and runs the parts, alone or many in one process.
//! In both cases services talk by gRPC, through the same [`way`], and over real NATS.
//!
//! The way of one command: [`identity`] checks the token and the roles that stand beside the RPC,
//! [`store::once`] answers a repeated `request_id` from memory or lets the service decide, and the
//! group [`store::commit`] writes the row, the outbox entry and the answer in one transaction. The
//! [`bus::relay`] publishes the outbox; [`bus::consumer`] hands facts to the reactions of others.
//!
//! This crate knows no word of the school: a school is a *tenant* here.

pub mod asked;
pub mod audit;
pub mod bus;
pub mod clock;
pub mod config;
pub mod faults;
pub mod fields;
pub mod fingerprint;
#[cfg(test)]
mod fixtures;
pub mod folder;
mod heavy;
pub mod identity;
pub mod metrics;
pub mod operations;
pub mod page;
pub mod rejection;
pub mod runner;
pub mod service;
pub mod store;
pub mod tasks;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(all(test, not(feature = "testing")))]
mod testing;
pub mod tls;
pub mod unreached;
pub mod way;
pub mod words;

pub use heavy::heavy;
/// Whose row, event, token or call it is.
pub use proto::ids::SchoolId as Tenant;
