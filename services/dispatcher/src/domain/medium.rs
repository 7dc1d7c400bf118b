//! Media: what a contact receives, whichever provider carries it.

use serde::{Deserialize, Serialize};

/// What a contact receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// A text message to a mobile.
    Text,
    /// An e-mail.
    Email,
}
