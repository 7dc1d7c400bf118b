//! Tokens that were found good a moment ago, so that a signature is not checked again with each call of
//! the same caller.
//!
//! Everything about a token but its end follows from its bytes and from what the gate was made with, and
//! stays true; the end is looked at each time. What is kept is a fingerprint and not the token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Caller;

/// How many are kept. Whoever has a good token can have many, so there is an end to it.
const MOST: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Known {
    callers: Mutex<HashMap<[u8; 32], (Caller, u64)>>,
}

impl Known {
    /// Whom a token stands for that was good before and is good still; `now` in seconds since 1970.
    pub fn find(&self, token: &str, now: u64) -> Option<Caller> {
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, good_until) = callers.get(&fingerprint(token))?;
        (now <= *good_until).then(|| caller.clone())
    }

    /// Remembers a token that was found good, until the last second in which it is.
    pub fn keep(&self, token: &str, caller: &Caller, good_until: u64, now: u64) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST {
            callers.retain(|_, (_, good_until)| now <= *good_until);
        }
        if callers.len() >= MOST {
            callers.clear();
        }
        callers.insert(fingerprint(token), (caller.clone(), good_until));
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use proto::options::v1::Role;

    use super::*;
    use crate::Tenant;
    use crate::fixtures::caller;

    #[test]
    fn a_token_is_known_until_its_last_second() {
        let (known, person) = (Known::default(), caller(Tenant::generate(), Role::Office));
        known.keep("token", &person, 100, 40);
        assert_eq!(known.find("token", 100), Some(person));
        assert_eq!(known.find("token", 101), None);
        assert_eq!(known.find("another", 50), None);
    }

    #[test]
    fn what_is_over_makes_room_and_there_are_never_more() {
        let (known, person) = (Known::default(), caller(Tenant::generate(), Role::Office));
        let kept = || known.callers.lock().unwrap().len();
        for number in 0..MOST {
            known.keep(&format!("token-{number}"), &person, if number == 0 { 100 } else { 50 }, 40);
        }
        known.keep("another", &person, 100, 60);
        assert_eq!(kept(), 2);
        assert!(known.find("token-0", 60).is_some());
        for number in 0..2 * MOST {
            known.keep(&format!("again-{number}"), &person, 100, 60);
        }
        assert!(kept() <= MOST);
    }
}
