//! What `dispatcher` says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fact;

/// What a public alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The school, or a part of it, is closed.
    Closure,
    /// It is open again.
    Reopening,
}

/// A public alert for the school's website, in the words in which it is shown. The subject is what
/// it is about, for example a closure; a higher version takes the place of a lower one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebsiteAlert {
    /// What it is about.
    pub kind: AlertKind,
    /// One line of plain text.
    pub headline: String,
    /// Plain text; empty when the headline says it all.
    pub body: String,
    /// When it goes from the website by itself.
    pub expires_at: Timestamp,
}

impl Fact for WebsiteAlert {
    const SERVICE: &'static str = "dispatcher";
    const NAME: &'static str = "website_alert";
    const SAFETY: bool = true;
}
