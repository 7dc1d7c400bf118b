//! The word that news may be missing, as every document says it.
//!
//! Nothing is said that changes with every minute: as long as there is contact a document stays the
//! same, and without it the instant since when does.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{School, when};

/// That nothing can be heard, as `alerts.json` writes it and as the templates read it.
#[derive(Debug, Clone, Serialize)]
pub struct NoContact {
    /// When everybody who is heard was last known to be heard.
    pub since: Timestamp,
    /// The word that stands above it.
    pub label: &'static str,
    /// What it means, in a sentence.
    pub words: String,
}

/// None while silence means that there is no news.
pub fn of(school: &School, now: Timestamp) -> Option<NoContact> {
    let since = school.cut_off_since?;
    let at = when::at(since, &school.zone, now);
    let words = format!(
        "We have had no contact with the school's systems since {at}. There may be news that we do not know of: \
         if you need to be sure, ring the school."
    );
    Some(NoContact { since, label: "No contact", words })
}
