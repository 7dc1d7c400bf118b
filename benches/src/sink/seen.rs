//! What arrived: how many, at whom, and when at those whose time counts.
//!
//! Contacts have the numbers from 0 on, so that who was told, and who twice, is a byte for each.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;

/// The first number of those whose arrival is timed.
pub const URGENT: u64 = 900_000_000_000;
/// A number that is nobody's: it counts, and gets no receipt.
pub const NOBODY: u64 = 800_000_000_000;
const MOST_CONTACTS: u64 = 10_000_000;

/// The telephone number of a contact, from the range that stands for phones in loads.
pub fn number(contact: u64) -> String {
    format!("+999{contact:012}")
}

/// What a run asks of the sink. It forgets what it has seen before.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Run {
    /// Texts a second, and at once after a rest; none takes everything.
    pub limit: Option<(u32, u32)>,
    /// `host:port` and the bearer token for receipts; none sends none.
    pub receipts_to: Option<(String, String)>,
}

/// What has arrived so far. Instants are microseconds since 1970, 0 for never.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Texts that were accepted.
    pub accepted: u64,
    /// Contacts who got one.
    pub told: u64,
    /// Texts to a contact who had got one.
    pub repeated: u64,
    /// Texts that were refused as too many.
    pub refused: u64,
    /// The first text that was accepted.
    pub first_at: i64,
    /// The last one.
    pub last_at: i64,
    /// Receipts that were taken.
    pub receipts: u64,
    /// Receipts that were answered with something else.
    pub receipts_refused: u64,
    /// The last receipt that was taken.
    pub last_receipt_at: i64,
}

#[derive(Default)]
struct Page {
    seen: Seen,
    told: Vec<bool>,
    /// When the first text came to each of those whose time counts.
    urgent: BTreeMap<u64, i64>,
    bucket: Option<Bucket>,
    wants_receipts: bool,
}

/// What was seen in this run.
#[derive(Default)]
pub struct Book {
    page: Mutex<Page>,
}

impl Book {
    pub(super) fn begin(&self, run: &Run) {
        let bucket = run.limit.map(|(per_second, most)| Bucket::full(per_second, most, 0));
        *self.page() = Page { bucket, wants_receipts: run.receipts_to.is_some(), ..Page::default() };
    }

    pub(super) fn wants_receipts(&self) -> bool {
        self.page().wants_receipts
    }

    /// Counts a text; false when it is too many.
    pub(super) fn take(&self, number: &str, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        let mut page = self.page();
        if page.bucket.as_mut().is_some_and(|bucket| !bucket.take(now)) {
            page.seen.refused += 1;
            return false;
        }
        page.seen.accepted += 1;
        page.seen.last_at = now;
        if page.seen.first_at == 0 {
            page.seen.first_at = now;
        }
        match number.strip_prefix("+999").and_then(|digits| digits.parse::<u64>().ok()) {
            Some(contact) if contact >= URGENT => {
                page.urgent.entry(contact).or_insert(now);
            }
            Some(contact) if contact < MOST_CONTACTS => page.tell(contact),
            _ => {}
        }
        true
    }

    pub(super) fn seen(&self) -> Seen {
        self.page().seen.clone()
    }

    /// When one of those whose time counts got the first text.
    pub(super) fn urgent_at(&self, contact: u64) -> Option<i64> {
        self.page().urgent.get(&contact).copied()
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn tell(&mut self, contact: u64) {
        let Ok(place) = usize::try_from(contact) else { return };
        if self.told.len() <= place {
            self.told.resize(place + 1, false);
        }
        let Some(told) = self.told.get_mut(place) else { return };
        if *told {
            self.seen.repeated += 1;
        } else {
            *told = true;
            self.seen.told += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_told_and_who_twice_is_counted() {
        let book = Book::default();
        book.begin(&Run { limit: Some((1, 5)), receipts_to: None });
        let at = |second: i64| Timestamp::from_second(1_000 + second).unwrap();
        for contact in [3, 0, 3, NOBODY, URGENT + 7] {
            assert!(book.take(&number(contact), at(0)));
        }
        assert!(!book.take(&number(1), at(0)), "the bucket is empty");
        assert!(book.take(&number(1), at(2)));
        let seen = book.seen();
        assert_eq!((seen.accepted, seen.told, seen.repeated, seen.refused), (6, 3, 1, 1));
        let urgent_at = |contact| book.urgent_at(URGENT + contact);
        assert_eq!((urgent_at(7), urgent_at(8)), (Some(1_000_000_000), None));
        book.begin(&Run::default());
        assert_eq!(book.seen().accepted, 0);
    }
}
