//! The way to an SMTP relay, from a message's words to the relay's answer.
//!
//! [`message`] writes, under the address of [`return_path`] and with the signature of [`dkim`]. [`relay`] owns the connections and
//! [`queue`] what waits for one. [`connection`] carries, over the [`wire`] that [`greeting`] has made ready on a [`stream`];
//! [`replies`] judges what the relay says. [`email_smtp`](super::email_smtp) is the channel made of it, and the only one that uses it.

mod connection;
mod dkim;
mod greeting;
mod message;
mod queue;
mod relay;
mod replies;
mod return_path;
pub(super) mod settings;
mod stream;
mod wire;

#[cfg(test)]
mod encryption;
#[cfg(test)]
mod mishaps;
#[cfg(test)]
mod pipelining;
#[cfg(test)]
mod script;

pub use self::dkim::Dkim;
pub(super) use self::message::Writer;
pub(super) use self::queue::Haste;
pub(super) use self::relay::Relay;
pub(super) use self::return_path::Addressed;
pub use self::return_path::ReturnPath;
pub use self::stream::Security;
