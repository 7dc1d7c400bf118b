//! Addresses that nothing gets to: what condemns one, and what lifts that.
//!
//! A permanent failure condemns the address and not the contact: another value in the directory is
//! another address, so a correction lifts it by itself. That something was delivered there after
//! all lifts it too. Who asked for no more messages is asked again by nobody: only they lift it.
//! Failures that pass condemn nothing. [`plan`](super::plan) says what follows.

use std::collections::BTreeMap;

use super::audience::Address;
use super::reason::Reason;
use super::why;

/// Why an address is not used like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suppression {
    /// It was said that it does not exist.
    Dead,
    /// Whoever has it asked our sender for no more messages.
    OptedOut,
}

/// The addresses of a school that are not used like others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressed {
    by_key: BTreeMap<String, (Suppression, String)>,
}

impl Suppressed {
    /// None is.
    #[must_use]
    pub const fn none() -> Self {
        Self { by_key: BTreeMap::new() }
    }

    /// One more: by what it is compared, why, and the id of the record of it.
    #[must_use]
    pub fn with(mut self, key: String, why: Suppression, id: String) -> Self {
        self.by_key.insert(key, (why, id));
        self
    }

    /// Those of them whose owners asked for no more messages: what counts when a person asks for
    /// something to be sent again, because a person may know that a telephone is mended.
    #[must_use]
    pub fn by_their_owners(mut self) -> Self {
        self.by_key.retain(|_, (why, _)| *why == Suppression::OptedOut);
        self
    }

    /// Why an address is not used like others; none when it is.
    #[must_use]
    pub fn why(&self, address: &Address) -> Option<Suppression> {
        self.by_key.get(&address.key()).map(|(why, _)| *why)
    }

    /// The id of the record of it, by which a person is asked about it once.
    #[must_use]
    pub fn id(&self, address: &Address) -> Option<&str> {
        self.by_key.get(&address.key()).map(|(_, id)| id.as_str())
    }
}

/// The codes of providers and receipts that condemn an address. A refusal that says nothing about
/// whether the address exists is none of them: one fault of a relay would silence a school.
const CONDEMNING: [(&str, Suppression); 3] = [
    (why::ADDRESS_UNKNOWN.code(), Suppression::Dead),
    (Reason::PermanentFailure.code(), Suppression::Dead),
    (why::OPTED_OUT.code(), Suppression::OptedOut),
];

impl Suppression {
    /// What a code says about the address as such.
    #[must_use]
    pub fn by_code(code: &str) -> Option<Self> {
        CONDEMNING.iter().find(|(own, _)| *own == code).map(|(_, suppression)| *suppression)
    }

    /// Its name in rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::OptedOut => "opted_out",
        }
    }
}

/// The text is no suppression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a suppression")]
pub struct UnknownSuppression;

impl std::str::FromStr for Suppression {
    type Err = UnknownSuppression;

    fn from_str(text: &str) -> Result<Self, UnknownSuppression> {
        [Self::Dead, Self::OptedOut].into_iter().find(|own| own.as_str() == text).ok_or(UnknownSuppression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_or_is_a_fault_of_ours_condemns_no_address() {
        let condemning: Vec<&str> =
            why::ALL.iter().filter(|why| why.condemns().is_some()).map(why::Why::code).collect();
        assert_eq!(condemning, ["ADDRESS_UNKNOWN", "OPTED_OUT"]);
        let reasons = Reason::ALL.iter().filter(|reason| Suppression::by_code(reason.code()).is_some());
        assert_eq!(reasons.collect::<Vec<_>>(), [&Reason::PermanentFailure]);
    }

    #[test]
    fn every_suppression_reads_back() {
        for own in [Suppression::Dead, Suppression::OptedOut] {
            assert_eq!(own.as_str().parse(), Ok(own));
        }
        assert_eq!("gone".parse::<Suppression>(), Err(UnknownSuppression));
    }
}
