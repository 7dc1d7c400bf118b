//! Quiet hours: when texts of a kind that can wait are not sent, by the clocks of the school.
//!
//! They are a norm and no law: nobody's telephone rings at night because of a letter. Only texts
//! wait, because an e-mail wakes nobody; what is about safety has no quiet hours at all. The bank
//! holidays are scheduling's, and are ordinary days here.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;

/// When a kind of text waits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct QuietHours {
    from: Time,
    until: Time,
    days: Vec<Weekday>,
}

/// A day of the week, as the settings write it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// As it stands in the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: Time,
    until: Time,
    #[serde(default)]
    days: Vec<Day>,
}

/// Texts would wait for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("every day of the week is quiet: nothing would ever leave")]
pub struct NeverEnding;

/// What becomes of the texts of a notice now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// They leave.
    Go,
    /// They are held until the quiet hours are over.
    WaitUntil(Timestamp),
    /// When the quiet hours are over, they are not worth sending any more.
    ComeTooLate,
}

impl TryFrom<Written> for QuietHours {
    type Error = NeverEnding;

    fn try_from(written: Written) -> Result<Self, NeverEnding> {
        let weekday = |day: Day| match day {
            Day::Monday => Weekday::Monday,
            Day::Tuesday => Weekday::Tuesday,
            Day::Wednesday => Weekday::Wednesday,
            Day::Thursday => Weekday::Thursday,
            Day::Friday => Weekday::Friday,
            Day::Saturday => Weekday::Saturday,
            Day::Sunday => Weekday::Sunday,
        };
        let days: Vec<Weekday> = written.days.into_iter().map(weekday).collect();
        let all = Weekday::Monday.cycle_forward().take(7).all(|day| days.contains(&day));
        if all { Err(NeverEnding) } else { Ok(Self { from: written.from, until: written.until, days }) }
    }
}

impl QuietHours {
    /// What becomes of texts that are worth sending until an instant.
    #[must_use]
    pub fn texts(&self, zone: &TimeZone, now: Timestamp, valid_until: Timestamp) -> Texts {
        match self.end(zone, now) {
            None => Texts::Go,
            Some(end) if end < valid_until => Texts::WaitUntil(end),
            Some(_) => Texts::ComeTooLate,
        }
    }

    /// The end of the quiet hours that it is in now; none when it is not.
    #[must_use]
    pub fn end(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let mut at = now;
        // A quiet day may follow a quiet night, and the week has a day that is not quiet.
        for _ in 0..16 {
            match self.next_end(zone, at) {
                Some(end) => at = end,
                None => break,
            }
        }
        (at > now).then_some(at)
    }

    /// The end of the quiet day or night that it is in.
    fn next_end(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let local = at.to_zoned(zone.clone());
        let (date, time) = (local.date(), local.time());
        let over_night = self.from > self.until;
        let ends = if self.days.contains(&date.weekday()) {
            date.tomorrow().ok()?.at(0, 0, 0, 0)
        } else if over_night && time >= self.from {
            date.tomorrow().ok()?.to_datetime(self.until)
        } else if time < self.until && (over_night || time >= self.from) {
            date.to_datetime(self.until)
        } else {
            return None;
        };
        // Where the clocks go back, an hour comes twice: the end is the one that is still to come.
        let ends = zone.to_ambiguous_timestamp(ends);
        let first = ends.compatible().ok().filter(|end| *end > at);
        first.or_else(|| ends.later().ok()).filter(|end| *end > at)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn quiet(from: &str, until: &str, days: &[&str]) -> QuietHours {
        let written = serde_json::json!({ "from": from, "until": until, "days": days });
        serde_json::from_value(written).unwrap()
    }

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_text_of_the_evening_waits_for_the_morning_by_the_clocks_of_the_school() {
        let night = quiet("19:00", "08:00", &["sunday"]);
        for (now, end) in [
            ("2026-11-24T18:59:59Z", None),
            ("2026-11-24T19:00:00Z", Some("2026-11-25T08:00:00Z")),
            ("2026-11-25T00:30:00Z", Some("2026-11-25T08:00:00Z")),
            ("2026-11-25T07:59:59Z", Some("2026-11-25T08:00:00Z")),
            ("2026-11-25T08:00:00Z", None),
            // In summer the clocks of London are an hour ahead.
            ("2026-06-09T17:59:00Z", None),
            ("2026-06-09T18:00:00Z", Some("2026-06-10T07:00:00Z")),
            // From Saturday night over the whole Sunday.
            ("2026-11-28T20:00:00Z", Some("2026-11-30T08:00:00Z")),
            ("2026-11-29T12:00:00Z", Some("2026-11-30T08:00:00Z")),
            // The night in which the clocks go back, and the one in which they go forward.
            ("2026-10-24T19:00:00Z", Some("2026-10-26T08:00:00Z")),
            ("2027-03-27T20:00:00Z", Some("2027-03-29T07:00:00Z")),
        ] {
            assert_eq!(night.end(&london(), at(now)), end.map(at), "{now}");
        }
    }

    #[test]
    fn an_end_that_comes_twice_or_never_is_the_next_that_there_is() {
        let early = quiet("22:00", "01:30", &[]);
        // Half past one comes at 00:30 and at 01:30 UTC on this day: between them it is quiet again.
        assert_eq!(early.end(&london(), at("2026-10-24T23:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(early.end(&london(), at("2026-10-25T01:10:00Z")), Some(at("2026-10-25T01:30:00Z")));
        // There is no half past one on this day: the clocks go from one to two.
        assert_eq!(early.end(&london(), at("2027-03-27T23:30:00Z")), Some(at("2027-03-28T01:30:00Z")));
    }

    #[test]
    fn hours_of_one_day_and_none_at_all_can_be_set_and_a_week_of_silence_cannot() {
        let noon = quiet("12:00", "13:00", &[]);
        assert_eq!(noon.end(&london(), at("2026-11-24T12:30:00Z")), Some(at("2026-11-24T13:00:00Z")));
        assert_eq!(noon.end(&london(), at("2026-11-24T13:00:00Z")), None);
        let never = quiet("00:00", "00:00", &[]);
        for hour in 0..24 {
            assert_eq!(
                never.end(&london(), at("2026-11-24T00:00:00Z") + SignedDuration::from_hours(hour)),
                None
            );
        }
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        for wrong in [
            serde_json::json!({ "from": "19:00", "until": "08:00", "days": days }),
            serde_json::json!({ "from": "19:00", "until": "24:00" }),
            serde_json::json!({ "from": "19:00", "until": "08:00", "days": ["holiday"] }),
            serde_json::json!({ "from": "19:00" }),
        ] {
            assert!(serde_json::from_value::<QuietHours>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_over_before_the_morning_comes_too_late() {
        let (night, now) = (quiet("21:00", "07:00", &[]), at("2026-11-24T21:30:00Z"));
        let texts = |valid_until: &str| night.texts(&london(), now, at(valid_until));
        assert_eq!(texts("2026-11-25T00:00:00Z"), Texts::ComeTooLate);
        assert_eq!(texts("2026-11-25T07:00:00Z"), Texts::ComeTooLate);
        assert_eq!(texts("2026-11-25T07:00:01Z"), Texts::WaitUntil(at("2026-11-25T07:00:00Z")));
        assert_eq!(night.texts(&london(), at("2026-11-24T12:00:00Z"), at("2026-11-25T00:00:00Z")), Texts::Go);
    }

    proptest! {
        #[test]
        fn quiet_hours_end_after_now_within_days_and_are_over_then(
            hour in 0..24 * 400_i64,
            minute in 0..60_i64,
            from in 0..24_u8,
            until in 0..24_u8,
            sunday in any::<bool>(),
        ) {
            let days: &[&str] = if sunday { &["sunday"] } else { &[] };
            let quiet = quiet(&format!("{from:02}:15"), &format!("{until:02}:30"), days);
            let now = at("2026-09-01T00:00:00Z") + SignedDuration::from_mins(60 * hour + minute);
            if let Some(end) = quiet.end(&london(), now) {
                prop_assert!(end > now);
                prop_assert!(end.duration_since(now) <= SignedDuration::from_hours(51 + 24));
                prop_assert_eq!(quiet.end(&london(), end), None);
            }
        }
    }
}
