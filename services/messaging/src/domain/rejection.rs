//! Why something is not sent, in the school's words. `api` turns the faults into a status.

use super::Fault;

/// Why something is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Fields of the request are wrong; all of them stand here.
    #[error("fields of the request are wrong")]
    Faults(Vec<Fault>),
}
