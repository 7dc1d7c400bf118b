//! Instants in words, by the clocks of the school.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use proto::events::absences::Session;

/// Such as *Tuesday 24 November 2026*.
pub fn day(date: Date) -> String {
    date.strftime("%A %-d %B %Y").to_string()
}

/// Such as *06:12 today, Tuesday 24 November 2026*. The date always stands there, because a copy of
/// the page may be read on another day.
pub fn at(instant: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let (at, now) = (instant.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let words = if at.date() == now.date() { "today," } else { "on" };
    format!("{} {words} {}", clock(&at), day(at.date()))
}

/// Such as *until the end of Tuesday 24 November 2026*, or *until 15:30 on …*.
pub fn until(instant: Timestamp, zone: &TimeZone) -> String {
    let at = instant.to_zoned(zone.clone());
    match at.date().yesterday() {
        Ok(last) if at.time() == Time::midnight() => format!("until the end of {}", day(last)),
        _ => format!("until {} on {}", clock(&at), day(at.date())),
    }
}

/// The days of a closure after *School is closed*, such as *from the afternoon of Tuesday 24 November to
/// Friday 27 November*.
pub fn closed(first_day: Date, from: Session, last_day: Date) -> String {
    let day = |date: Date| date.strftime("%A %-d %B").to_string();
    let (first, last) = (day(first_day), day(last_day));
    match (from, last_day > first_day) {
        (Session::Morning, false) => format!("on {first}"),
        (Session::Afternoon, false) => format!("on the afternoon of {first}"),
        (Session::Morning, true) => format!("from {first} to {last}"),
        (Session::Afternoon, true) => format!("from the afternoon of {first} to {last}"),
    }
}

fn clock(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::zone;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn instants_are_said_by_the_clocks_of_the_school_in_winter_and_in_summer() {
        let london = zone(None);
        let now = instant("2026-11-24T08:50:00Z");
        let said = at(instant("2026-11-24T06:12:59Z"), &london, now);
        assert_eq!(said, "06:12 today, Tuesday 24 November 2026");
        let said = at(instant("2026-07-01T23:30:00Z"), &london, now);
        assert_eq!(said, "00:30 on Thursday 2 July 2026");
    }

    #[test]
    fn midnight_is_the_end_of_the_day_before() {
        let (london, athens) = (zone(None), zone(Some("Europe/Athens")));
        let midnight = instant("2026-11-25T00:00:00Z");
        assert_eq!(until(midnight, &london), "until the end of Tuesday 24 November 2026");
        assert_eq!(until(midnight, &athens), "until 02:00 on Wednesday 25 November 2026");
        let summer = instant("2026-06-30T23:00:00Z");
        assert_eq!(until(summer, &london), "until the end of Tuesday 30 June 2026");
    }
}
