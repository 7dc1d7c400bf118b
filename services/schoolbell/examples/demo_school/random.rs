//! A small sequence of numbers that looks random and is the same on every machine and in every year.
//!
//! The demo school is checked in, so its generator must not depend on a crate whose sequence may change, nor on a clock. The step is
//! SplitMix64. Nothing secret may ever come from here.

/// A position in the sequence; only its seed decides what follows.
pub struct Random(u64);

impl Random {
    /// Starts the sequence that belongs to `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, `limit`; 0 when there is nothing to choose from.
    pub fn below(&mut self, limit: usize) -> usize {
        // The bias of the remainder is far below one in a billion for the small limits used here.
        u64::try_from(limit)
            .ok()
            .and_then(|limit| self.step().checked_rem(limit))
            .and_then(|chosen| usize::try_from(chosen).ok())
            .unwrap_or(0)
    }

    /// True in `chance` of 100 cases.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// Puts the items into another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// One word of a list that is written with spaces between its words.
    pub fn word(&mut self, words: &'static str) -> &'static str {
        let chosen = self.below(words.split_whitespace().count());
        words.split_whitespace().nth(chosen).unwrap_or_default()
    }
}
