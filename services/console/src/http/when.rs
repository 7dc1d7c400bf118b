//! Times as the school's clocks show them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use prost_types::Timestamp as Wire;

/// An instant of the wire; the beginning of time when it is missing.
pub fn of(at: Option<&Wire>) -> Timestamp {
    let at = at.copied().unwrap_or_default();
    Timestamp::new(at.seconds, at.nanos).unwrap_or_default()
}

/// `09:31` today, `yesterday at 09:31`, else `Tuesday 24 November at 09:31`.
pub fn shown(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let time = at.strftime("%H:%M");
    if at.date() == now.date() {
        return time.to_string();
    }
    if now.date().yesterday().is_ok_and(|day| day == at.date()) {
        return format!("yesterday at {time}");
    }
    if now.date().tomorrow().is_ok_and(|day| day == at.date()) {
        return format!("tomorrow at {time}");
    }
    let year = if at.year() == now.year() { String::new() } else { format!(" {}", at.year()) };
    format!("{}{year} at {time}", at.strftime("%A %-d %B"))
}

/// A date as people say it: `Tuesday 24 November 2026`.
pub fn day(date: &str) -> String {
    let date: Result<jiff::civil::Date, _> = date.parse();
    date.map_or_else(|_| String::new(), |date| date.strftime("%A %-d %B %Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_as_people_at_the_school_would() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let now: Timestamp = "2026-07-08T07:30:00Z".parse().unwrap();
        for (at, said) in [
            ("2026-07-08T07:05:00Z", "08:05"),
            ("2026-07-07T22:59:00Z", "yesterday at 23:59"),
            ("2026-07-09T05:00:00Z", "tomorrow at 06:00"),
            ("2026-07-01T05:00:00Z", "Wednesday 1 July at 06:00"),
            ("2025-12-01T09:00:00Z", "Monday 1 December 2025 at 09:00"),
        ] {
            assert_eq!(shown(at.parse().unwrap(), now, &zone), said);
        }
        assert_eq!(day("2026-11-24"), "Tuesday 24 November 2026");
    }
}
