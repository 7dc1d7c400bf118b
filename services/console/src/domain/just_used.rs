//! Codes that were used a moment ago: a double click sends one code twice, and its second answer is the only one that
//! the browser keeps. So a code that has signed somebody in does so once more within seconds, and then never again.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// For so long the second of two clicks may take to come.
const FOR: SignedDuration = SignedDuration::from_secs(10);

/// A code, by its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Use {
    step: i64,
    at: Timestamp,
    /// Nothing more comes of it.
    is_spent: bool,
}

/// Codes that were just used, by the user name.
#[derive(Debug, Default)]
pub struct JustUsed {
    last: HashMap<String, Use>,
}

impl JustUsed {
    /// A code is about to sign somebody in; false when the same one is doing that already, or has just done it.
    pub fn begins(&mut self, username: &str, step: i64, now: Timestamp) -> bool {
        self.last.retain(|_, before| within(before.at, now));
        if self.last.get(username).is_some_and(|last| last.step == step) {
            return false;
        }
        self.last.insert(username.to_owned(), Use { step, at: now, is_spent: false });
        true
    }

    /// It has signed nobody in.
    pub fn forget(&mut self, username: &str) {
        self.last.remove(username);
    }

    /// Whether the same code signs somebody in once more; asking spends it.
    pub fn once_more(&mut self, username: &str, step: i64, now: Timestamp) -> bool {
        let Some(last) = self.last.get_mut(username) else { return false };
        if last.is_spent || last.step != step || !within(last.at, now) {
            return false;
        }
        last.is_spent = true;
        true
    }
}

/// Whether the second of two clicks may come now. A clock that was put back prolongs nothing.
pub(super) fn within(at: Timestamp, now: Timestamp) -> bool {
    let passed = now.duration_since(at);
    passed < FOR && passed > -FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_two_clicks_is_taken_and_nothing_after_it() {
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let after = |seconds| now + SignedDuration::from_secs(seconds);
        for (username, step, at, taken) in [
            ("jo", 7, after(0), true),
            ("jo", 7, after(9), true),
            ("jo", 7, after(10), false),
            ("jo", 7, after(-10), false),
            ("jo", 6, after(1), false),
            ("jo", 8, after(1), false),
            ("al", 7, after(1), false),
        ] {
            let mut used = JustUsed::default();
            assert!(used.begins("jo", 7, now));
            assert_eq!(used.once_more(username, step, at), taken, "{username} with {step} at {at}");
            assert!(!used.once_more(username, step, at), "a third time");
        }
        let mut used = JustUsed::default();
        assert!(!used.once_more("jo", 7, now), "it has signed nobody in");
        assert!(used.begins("jo", 7, now) && !used.begins("jo", 7, now) && used.begins("jo", 8, now));
        used.forget("jo");
        assert!(!used.once_more("jo", 8, now), "it came to nothing");
    }

    #[test]
    fn nothing_is_kept_of_those_who_have_long_signed_in() {
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let mut used = JustUsed::default();
        used.begins("jo", 7, now);
        used.begins("al", 7, now + FOR);
        assert_eq!(used.last.len(), 1);
    }
}
