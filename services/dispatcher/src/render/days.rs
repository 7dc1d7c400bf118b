//! Days and times as parents say them, in the school's zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::events::absences::Session;
use proto::events::scheduling::Closure;

/// `Tuesday 24 November`.
pub fn day(date: Date) -> String {
    date.strftime("%A %-d %B").to_string()
}

/// `10:40`, and the day on which that is in the zone.
pub fn time(at: Timestamp, zone: &TimeZone) -> (String, String) {
    let at = at.to_zoned(zone.clone());
    (at.strftime("%H:%M").to_string(), day(at.date()))
}

/// `on Tuesday 24 November`, `from the afternoon of Tuesday 24 November`,
/// `from Tuesday 24 November to Friday 27 November`.
pub fn closed(closure: &Closure) -> String {
    let first = day(closure.first_day);
    match (closure.from, closure.last_day > closure.first_day) {
        (Session::Morning, false) => format!("on {first}"),
        (Session::Afternoon, false) => format!("on the afternoon of {first}"),
        (Session::Morning, true) => format!("from {first} to {}", day(closure.last_day)),
        (Session::Afternoon, true) => format!("from the afternoon of {first} to {}", day(closure.last_day)),
    }
}
