//! How long something is kept, in whole days: `90d`, `13w`. Used as
//! `#[serde(with = "kit::config::whole_days")]`; it reads only.
//!
//! Weeks have seven days. Months and years are refused, because nobody could say how long they are,
//! and hours, because nobody means them here.

use jiff::Span;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads a number of days; refuses everything else, and less than one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let refused = || D::Error::custom("must be a number of whole days, as in 90d or 13w");
    let span: Span = String::deserialize(deserializer)?.parse().map_err(|_| refused())?;
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    if days < 1 || Span::new().weeks(span.get_weeks()).days(span.get_days()).fieldwise() != span {
        return Err(refused());
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Settings {
        #[serde(with = "super")]
        kept_for: i64,
    }

    fn read(value: impl Into<serde_json::Value>) -> Option<i64> {
        let value: serde_json::Value = value.into();
        let settings = serde_json::json!({ "kept_for": value });
        serde_json::from_value::<Settings>(settings).ok().map(|settings| settings.kept_for)
    }

    #[test]
    fn days_are_read_with_their_unit_and_in_no_other_way() {
        for (text, days) in [("90d", 90), ("13w", 91), ("1w 3d", 10), ("365 days", 365), ("1d", 1)] {
            assert_eq!(read(text), Some(days), "{text}");
        }
        for text in ["", "90", "0d", "-90d", "2160h", "1d 12h", "3mo", "1y", "for ever"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(90), None, "ninety of what?");
    }
}
