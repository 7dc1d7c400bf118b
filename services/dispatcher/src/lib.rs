//! The dispatcher turns facts into messages, and proves afterwards who was reached.

pub mod channels;
pub mod text;
