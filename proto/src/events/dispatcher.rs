//! What `dispatcher` says.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Fact;
use super::absences::Session;

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
    /// What the headline is made of. Facts that were said before there was one have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<Outline>,
    /// When it goes from the website by itself.
    pub expires_at: Timestamp,
}

/// What a headline is made of: from when on it is true, and its words for whoever has to say it of
/// fewer days, because a reopening cuts a closure short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The headline without its days, for example `School is closed`.
    pub gist: String,
    /// The first day on which it is true, at the school; of a reopening the first that is not closed
    /// any more.
    pub first_day: Date,
    /// The session of that day with which it begins.
    pub from: Session,
}

impl Fact for WebsiteAlert {
    const SERVICE: &'static str = "dispatcher";
    const NAME: &'static str = "website_alert";
    const SAFETY: bool = true;
}
