//! What `messaging` says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fact;
use super::scope::Scope;

/// An e-mail as somebody in the school wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Somebody in the school sent an announcement. The subject is the announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncementSent {
    /// Whom it concerns.
    pub scope: Scope,
    /// What goes as an e-mail, if anything.
    pub email: Option<Letter>,
    /// What goes as a text, if anything.
    pub text: Option<String>,
    /// Until when it is worth telling.
    pub tell_until: Timestamp,
}

/// Other words take the place of an announcement. The subject is the announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncementCorrected {
    /// What it is now, whole.
    #[serde(flatten)]
    pub announcement: AnnouncementSent,
}

impl Fact for AnnouncementSent {
    const SERVICE: &'static str = "messaging";
    const NAME: &'static str = "announcement_sent";
    const SAFETY: bool = false;
}

impl Fact for AnnouncementCorrected {
    const SERVICE: &'static str = "messaging";
    const NAME: &'static str = "announcement_corrected";
    const SAFETY: bool = false;
}
