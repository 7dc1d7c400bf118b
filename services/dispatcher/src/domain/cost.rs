//! What a sending costs, in money and in time, before it is sent.

/// What a channel's texts cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tariff {
    /// Millionths of a pound for a fragment.
    pub fragment_micropounds: u64,
    /// Fragments that cost nothing, as far as the school says that they are left.
    pub free_fragments: u64,
}

impl Tariff {
    /// Millionths of a pound for so many fragments.
    #[must_use]
    pub const fn cost(self, fragments: u64) -> u64 {
        fragments.saturating_sub(self.free_fragments).saturating_mul(self.fragment_micropounds)
    }
}

/// Whole seconds until a provider that is at rest has been handed so many messages: a burst at once,
/// then its rate.
#[must_use]
pub const fn takes_seconds(messages: u64, (per_second, burst): (u32, u32)) -> u64 {
    let rate = if per_second == 0 { 1 } else { per_second as u64 };
    messages.saturating_sub(burst as u64).div_ceil(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_charged_beyond_what_is_free() {
        let tariff = Tariff { fragment_micropounds: 23_700, free_fragments: 5_000 };
        for (fragments, cost) in
            [(0, 0), (5_000, 0), (5_001, 23_700), (6_234, 29_245_800), (u64::MAX, u64::MAX)]
        {
            assert_eq!(tariff.cost(fragments), cost, "{fragments}");
        }
        assert_eq!(Tariff { free_fragments: 0, ..tariff }.cost(2), 47_400);
    }

    #[test]
    fn what_fits_into_the_burst_takes_no_time_and_the_rest_its_rate() {
        for (messages, seconds) in [(0, 0), (1_000, 0), (1_001, 1), (1_050, 1), (1_051, 2), (101_000, 2_000)]
        {
            assert_eq!(takes_seconds(messages, (50, 1_000)), seconds, "{messages}");
        }
        assert_eq!(takes_seconds(10, (0, 0)), 10);
    }
}
