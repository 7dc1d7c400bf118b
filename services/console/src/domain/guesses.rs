//! How often somebody may guess: a few tries, then a wait that grows, for one user name. A try counts when it
//! is begun, so that many at once are no way around it, and is forgotten when it was right.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// Tries without a wait.
const FREE: u32 = 5;
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// What is remembered of somebody who has stopped.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Of how many at most.
const MOST: usize = 10_000;

/// Guesses by whom they were about.
#[derive(Debug, Default)]
pub struct Guesses {
    wrong: HashMap<String, (u32, Timestamp)>,
}

impl Guesses {
    /// Until when nothing more is tried for any of these; none when it may be tried now.
    pub fn wait_until(&self, keys: &[String], now: Timestamp) -> Option<Timestamp> {
        let waits = keys.iter().filter_map(|key| self.wrong.get(key)).filter_map(|(wrong, last)| {
            let over = wrong.checked_sub(FREE)?;
            let doubled = FIRST_WAIT.checked_mul(1_i32.checked_shl(over.min(10)).unwrap_or(i32::MAX));
            let wait = doubled.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
            last.saturating_add(wait).ok()
        });
        waits.filter(|until| *until > now).max()
    }

    /// A guess begins.
    pub fn begins(&mut self, keys: &[String], now: Timestamp) {
        if self.wrong.len() >= MOST {
            self.wrong.retain(|_, (_, last)| now.duration_since(*last) < FORGOTTEN_AFTER);
        }
        if self.wrong.len() >= MOST {
            // Somebody tries very many names: of those that are known the older half is let go.
            let mut ages: Vec<Timestamp> = self.wrong.values().map(|(_, last)| *last).collect();
            ages.sort_unstable();
            let middle = ages.get(ages.len() / 2).copied().unwrap_or(now);
            self.wrong.retain(|_, (_, last)| *last >= middle);
        }
        for key in keys {
            let (wrong, last) = self.wrong.entry(key.clone()).or_insert((0, now));
            if now.duration_since(*last) >= FORGOTTEN_AFTER {
                *wrong = 0;
            }
            *wrong = wrong.saturating_add(1);
            *last = now;
        }
    }

    /// Somebody got in: what was wrong about that user name was a slip.
    pub fn was_right(&mut self, key: &str) {
        self.wrong.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_slips_are_free_and_then_each_wait_is_longer_up_to_its_most() {
        let (mut guesses, keys) = (Guesses::default(), ["name".to_owned()]);
        let mut now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        for _ in 0..FREE {
            assert_eq!(guesses.wait_until(&keys, now), None);
            guesses.begins(&keys, now);
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            let until = guesses.wait_until(&keys, now).unwrap();
            waits.push(until.duration_since(now).as_secs());
            now = until;
            assert_eq!(guesses.wait_until(&keys, now), None);
            guesses.begins(&keys, now);
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(guesses.wait_until(&["other".to_owned()], now), None);
        guesses.was_right("name");
        assert_eq!(guesses.wait_until(&keys, now), None);
    }

    #[test]
    fn whoever_has_stopped_is_forgotten() {
        let (mut guesses, keys) = (Guesses::default(), ["name".to_owned()]);
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        (0..20).for_each(|_| guesses.begins(&keys, now));
        let later = now + FORGOTTEN_AFTER;
        guesses.begins(&keys, later);
        assert_eq!(guesses.wait_until(&keys, later), None);
    }
}
