//! A duration of the settings as the number of its seconds, for what is counted in whole ones. Used
//! as `#[serde(with = "kit::config::whole_seconds")]`; it reads only.

use serde::Deserializer;
use serde::de::Error;

/// Reads `30s`, `10m`, `1h 30m`; refuses a fraction of a second and what is below zero.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let duration = super::duration::deserialize(deserializer)?;
    if duration.subsec_nanos() != 0 {
        return Err(D::Error::custom("must be a whole number of seconds, as in 30s or 10m"));
    }
    i64::try_from(duration.as_secs()).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Settings {
        #[serde(with = "super")]
        waits_for: i64,
    }

    fn read(value: impl Into<serde_json::Value>) -> Option<i64> {
        let value: serde_json::Value = value.into();
        let settings = serde_json::json!({ "waits_for": value });
        serde_json::from_value::<Settings>(settings).ok().map(|settings| settings.waits_for)
    }

    #[test]
    fn a_duration_is_read_with_its_unit_and_in_no_other_way() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("1h 30m", 5_400), ("0s", 0)] {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
        for text in ["", "30", "-30s", "500ms", "soon"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(30), None, "thirty of what?");
    }
}
