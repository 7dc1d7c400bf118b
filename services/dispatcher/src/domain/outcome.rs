//! The four fates of an attempt. The channel says which; the dispatcher settles the delivery by it.

use std::time::Duration;

use super::suppression::Suppression;
use super::why::{self, Why};

/// What became of one attempt to hand a message to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has taken it over.
    Accepted {
        /// The provider's id of it, or our Message-ID.
        reference: String,
    },
    /// The provider has certainly not taken it, and may take it later.
    Retry {
        /// The reason.
        why: Why,
        /// How long to wait at least; `None` leaves it to the dispatcher's backoff.
        after: Option<Duration>,
    },
    /// The provider has certainly not taken it, and never will as it stands.
    Reject {
        /// The reason.
        why: Why,
        /// Whose fault it is, which decides what comes next.
        kind: RejectKind,
    },
    /// Nobody here knows whether the provider took it.
    Unknown {
        /// The reason.
        why: Why,
    },
}

/// The message was not handed over, for no fault of its own. It stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// It may not leave any more: who may be told has to be asked again.
    MayNot,
    /// It was never offered to the provider, because others were under way on every connection.
    NoTurn,
}

/// What a rejection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectKind {
    /// The address: try the contact's next one.
    Recipient,
    /// The message: it would be rejected for anybody.
    Message,
    /// Our account or settings: an operator must act.
    Configuration,
}

/// What the provider knows about a message by our key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was accepted.
    Accepted {
        /// The provider's id of it.
        provider_reference: String,
    },
    /// The provider knows of none.
    NotFound,
    /// This provider cannot be asked.
    CannotAsk,
    /// The provider could not be asked now.
    Failed {
        /// The reason.
        why: Why,
    },
}

/// How a provider asked us to slow down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slowing {
    /// Fewer in a second: the rate is too high just now.
    Rate,
    /// Nothing more today: the limit of the day is used up.
    Day {
        /// How long it is until the provider counts anew, from the time that the channel was called with.
        resets_after: Duration,
    },
}

impl Outcome {
    /// How the provider asked us to slow down, if it did.
    #[must_use]
    pub fn slowing(&self) -> Option<Slowing> {
        let Self::Retry { why, after } = self else { return None };
        if why.code() == why::RATE_LIMITED.code() {
            Some(Slowing::Rate)
        } else if why.code() == why::DAILY_LIMIT.code() {
            Some(Slowing::Day { resets_after: after.unwrap_or_default() })
        } else {
            None
        }
    }

    /// What the provider said of the address as such, if nothing gets there any more.
    #[must_use]
    pub fn condemns(&self) -> Option<Suppression> {
        match self {
            Self::Reject { why, kind: RejectKind::Recipient } => why.condemns(),
            Self::Reject { .. } | Self::Accepted { .. } | Self::Retry { .. } | Self::Unknown { .. } => None,
        }
    }

    pub(crate) const fn retry(why: Why) -> Self {
        Self::Retry { why, after: None }
    }

    pub(crate) const fn retry_after(why: Why, after: Duration) -> Self {
        Self::Retry { why, after: Some(after) }
    }

    pub(crate) const fn reject(kind: RejectKind, why: Why) -> Self {
        Self::Reject { why, kind }
    }
}
