//! The states of a delivery, and which may follow which.
//!
//! Receipts come late, twice and in any order, so the machine is monotonic: what is known never
//! becomes less known. Invariant: a delivered message never becomes anything else.

use std::str::FromStr;

/// What is known of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryState {
    /// Waits for a time of its own.
    Held,
    /// May leave as soon as there is room.
    Due,
    /// Its request is under way (written before the request only for at-most-once).
    Started,
    /// The provider may or may not have it.
    Unknown,
    /// The provider has it.
    Accepted,
    /// The network, or the mailbox, has it.
    Delivered,
    /// It did not get there.
    Failed,
    /// A person, or a later fact, stopped it before it left.
    Recalled,
    /// It was not worth sending any more.
    Expired,
    /// The last look forbade it.
    Skipped,
    /// It was an exercise: it was put into words, and nothing left.
    Drill,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Held,
        Self::Due,
        Self::Started,
        Self::Unknown,
        Self::Accepted,
        Self::Delivered,
        Self::Failed,
        Self::Recalled,
        Self::Expired,
        Self::Skipped,
        Self::Drill,
    ];

    /// Its name in rows and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Due => "due",
            Self::Started => "started",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Recalled => "recalled",
            Self::Expired => "expired",
            Self::Skipped => "skipped",
            Self::Drill => "drill",
        }
    }

    /// Whether a sender still has something to do.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Due | Self::Started | Self::Unknown)
    }

    /// Whether somebody may have learnt something from it, as far as it is known so far.
    #[must_use]
    pub const fn may_have_told(self) -> bool {
        matches!(self, Self::Unknown | Self::Accepted | Self::Delivered)
    }

    /// Whether what came of an attempt may replace what is known. Once a provider has it, or a
    /// receipt has come, only receipts are news.
    #[must_use]
    pub const fn may_settle_as(self, next: Self) -> bool {
        !matches!(self, Self::Accepted | Self::Failed) && self.may_become(next)
    }

    /// The states that something is true of, as they stand in a statement's `IN (…)`.
    pub fn listed(which: impl Fn(Self) -> bool) -> String {
        let names = Self::ALL.into_iter().filter(|state| which(*state));
        names.map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>().join(", ")
    }

    /// Whether `next` is news that may replace what is known. A request that was under way while
    /// its delivery was recalled may still turn out to have been accepted: that is the truth.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Held | Self::Due | Self::Started | Self::Unknown, _)
            | (Self::Accepted | Self::Failed, Self::Delivered)
            | (Self::Accepted, Self::Failed) => true,
            (Self::Delivered | Self::Accepted | Self::Failed | Self::Drill, _) => false,
            (Self::Recalled | Self::Expired | Self::Skipped, next) => {
                matches!(next, Self::Accepted | Self::Delivered)
            }
        }
    }
}

/// The text is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a delivery")]
pub struct UnknownState;

impl FromStr for DeliveryState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_delivered_message_never_becomes_anything_else() {
        for next in DeliveryState::ALL {
            assert!(!DeliveryState::Delivered.may_become(next));
        }
    }

    #[test]
    fn every_state_reads_back() {
        for state in DeliveryState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    /// Whether it has certainly or possibly left us.
    fn has_left(state: DeliveryState) -> bool {
        state.may_have_told() || state == DeliveryState::Failed
    }

    #[test]
    fn a_list_names_what_is_asked_for() {
        assert_eq!(DeliveryState::listed(DeliveryState::is_open), "'held', 'due', 'started', 'unknown'");
        let failing = DeliveryState::listed(|state| state.may_become(DeliveryState::Failed));
        assert_eq!(failing, "'held', 'due', 'started', 'unknown', 'accepted'");
        let settling = DeliveryState::listed(|state| state.may_settle_as(DeliveryState::Failed));
        assert_eq!(settling, "'held', 'due', 'started', 'unknown'");
        let landing = DeliveryState::listed(|state| state.may_settle_as(DeliveryState::Accepted));
        assert_eq!(landing, "'held', 'due', 'started', 'unknown', 'recalled', 'expired', 'skipped'");
    }

    fn any_state() -> impl Strategy<Value = DeliveryState> {
        prop::sample::select(DeliveryState::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn whatever_order_news_comes_in_what_left_never_looks_as_if_it_had_not(
            news in prop::collection::vec(any_state(), 0..12),
        ) {
            let (mut state, mut left) = (DeliveryState::Due, false);
            for next in news {
                if state.may_become(next) {
                    state = next;
                }
                left |= matches!(state, DeliveryState::Accepted | DeliveryState::Delivered);
                prop_assert!(!left || has_left(state));
            }
        }
    }
}
