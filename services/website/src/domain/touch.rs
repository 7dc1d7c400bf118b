//! Whether silence means that nothing has happened, or that nothing can be heard.

use jiff::{SignedDuration, Timestamp};

/// Since when news may be missing: the last moment at which everybody who is heard was known to be
/// heard. None while that is no longer ago than `patience`, for services restart and networks
/// hiccup, and nobody should ring the school for that.
pub fn cut_off_since(in_touch_at: Timestamp, patience: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    (now.duration_since(in_touch_at) >= patience).then_some(in_touch_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_healthy_until_patience_ends() {
        let touched: Timestamp = "2026-11-24T06:10:00Z".parse().unwrap();
        let patience = SignedDuration::from_mins(5);
        for (now, since) in [
            ("2026-11-24T06:10:00Z", None),
            ("2026-11-24T06:14:59Z", None),
            ("2026-11-24T06:15:00Z", Some(touched)),
            ("2026-11-25T06:10:00Z", Some(touched)),
            // A clock that was put back.
            ("2026-11-24T05:00:00Z", None),
        ] {
            assert_eq!(cut_off_since(touched, patience, now.parse().unwrap()), since, "{now}");
        }
    }
}
