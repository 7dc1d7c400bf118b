//! What a gathering is about: all that its words need besides names, as the fact said it.
//!
//! It is stored with the gathering, so that a message is worded from what was said then, whatever
//! is said since.

use jiff::civil::Date;
use proto::events::absences::Session;
use proto::events::incidents::AccidentRecorded;
use proto::events::messaging::AnnouncementSent;
use proto::events::scheduling::{Closure, ClosureEnded};
use proto::events::scope::Scope;
use serde::{Deserialize, Serialize};

use super::clearance::Readers;
use super::entitlement::Reach;
use super::plan::Media;

/// Whether something is told for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Nobody was told of it before, or it says of itself what it takes the place of.
    First,
    /// It takes the place of an account of the same accident that people may have been told.
    Amended,
}

/// What a gathering is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Pupils are missing from a session, or are not after all.
    Absence {
        /// The school day.
        date: Date,
        /// The session.
        session: Session,
    },
    /// A pupil had an accident.
    Accident(AccidentRecorded),
    /// The same, said again because its record was amended.
    AmendedAccident(AccidentRecorded),
    /// The school, or a part of it, is closed.
    Closure(Closure),
    /// The school, or a part of it, is open.
    Reopening(ClosureEnded),
    /// What somebody wrote, in its newest words.
    Announcement(AnnouncementSent),
}

impl About {
    /// Whom it concerns, when that is not the pupils of its notices.
    #[must_use]
    pub fn scope(&self) -> Option<&Scope> {
        match self {
            Self::Absence { .. } | Self::Accident(_) | Self::AmendedAccident(_) => None,
            Self::Closure(closure) => Some(&closure.scope),
            Self::Reopening(ended) => Some(&ended.scope),
            Self::Announcement(sent) => Some(&sent.scope),
        }
    }

    /// Whether it says nothing about any single child: then it is said to everybody.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.scope().map_or(Reach::Particular, Reach::of)
    }

    /// Whether the words for these readers tell nobody anything about any child: neither that it
    /// concerns one, nor when and where children are collected.
    #[must_use]
    pub fn concerns_nobody(&self, readers: Readers) -> bool {
        let locates = match (self, readers) {
            (Self::Closure(closure), Readers::Entitled) => closure.collection.is_some(),
            (Self::Closure(_), Readers::Barred)
            | (
                Self::Absence { .. }
                | Self::Accident(_)
                | Self::AmendedAccident(_)
                | Self::Reopening(_)
                | Self::Announcement(_),
                Readers::Entitled | Readers::Barred,
            ) => false,
        };
        self.reach() == Reach::General && !locates
    }

    /// Whether people may have been told of the same accident before.
    #[must_use]
    pub fn account(&self) -> Account {
        match self {
            Self::AmendedAccident(_) => Account::Amended,
            Self::Absence { .. }
            | Self::Accident(_)
            | Self::Closure(_)
            | Self::Reopening(_)
            | Self::Announcement(_) => Account::First,
        }
    }

    /// The media that there are words for.
    #[must_use]
    pub fn media(&self) -> Media {
        match self {
            Self::Announcement(sent) => Media { text: sent.text.is_some(), email: sent.email.is_some() },
            Self::Absence { .. }
            | Self::Accident(_)
            | Self::AmendedAccident(_)
            | Self::Closure(_)
            | Self::Reopening(_) => Media { text: true, email: true },
        }
    }
}
