//! Why something is not sent, in the school's words. `api` turns the faults into a status.

/// One field that was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which field, for example `audience.classes.class_ids[1]`.
    pub field: String,
    /// The stable reason.
    pub reason: &'static str,
    /// What was expected, without repeating what was sent.
    pub expected: &'static str,
}

impl Fault {
    /// A field that was wrong.
    pub fn new(field: impl Into<String>, reason: &'static str, expected: &'static str) -> Self {
        Self { field: field.into(), reason, expected }
    }
}

/// Why something is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Fields of the request are wrong; all of them stand here.
    #[error("fields of the request are wrong")]
    Faults(Vec<Fault>),
}
