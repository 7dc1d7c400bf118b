//! The time of day in a school: its zone and the end of its day.
//!
//! Called by [`closure`](super::closure) and [`to_end`](super::to_end). It knows no calendar: a day is
//! a day here, whether pupils come or not.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::rejection::{Rejection, Where};

/// A school's clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks {
    /// Where they are.
    pub zone: TimeZone,
    /// When the morning's register opens.
    pub morning_opens: Time,
    /// When the afternoon's register opens: from then on no session of the day is still to begin.
    pub afternoon_opens: Time,
    /// When the afternoon session ends: from then on the day is over.
    pub afternoon_ends: Time,
}

impl Clocks {
    /// The day that it is in the school.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone.clone()).date()
    }

    /// The instant of a local time. One that the change to summer time leaves out is the same
    /// distance after it; a date at the very end of time is in no term.
    pub fn instant(&self, day: Date, time: Time) -> Result<Timestamp, Rejection> {
        let ambiguous = self.zone.to_ambiguous_timestamp(day.to_datetime(time));
        ambiguous.compatible().map_err(|_| Rejection::OutsideTerm(Where::Date))
    }

    /// The local midnight after a day.
    pub fn end_of(&self, day: Date) -> Result<Timestamp, Rejection> {
        let next = day.tomorrow().map_err(|_| Rejection::OutsideTerm(Where::Date))?;
        self.instant(next, Time::midnight())
    }

    /// The first day of which no register has opened: today or tomorrow.
    pub fn first_day_not_begun(&self, now: Timestamp) -> Result<Date, Rejection> {
        self.today_before(self.morning_opens, now)
    }

    /// The first day whose last session has not ended: today or tomorrow.
    pub fn first_day_left(&self, now: Timestamp) -> Result<Date, Rejection> {
        self.today_before(self.afternoon_ends, now)
    }

    /// The first day of which a session is still to begin: today or tomorrow.
    pub fn first_day_to_begin(&self, now: Timestamp) -> Result<Date, Rejection> {
        self.today_before(self.afternoon_opens, now)
    }

    fn today_before(&self, time: Time, now: Timestamp) -> Result<Date, Rejection> {
        let today = self.today(now);
        if now < self.instant(today, time)? {
            return Ok(today);
        }
        today.tomorrow().map_err(|_| Rejection::OutsideTerm(Where::Date))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::super::fixture::clocks;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_ends_at_the_schools_own_midnight_in_winter_in_summer_and_at_the_change() {
        for (day, ends) in [
            (date(2026, 11, 24), "2026-11-25T00:00:00Z"),
            (date(2026, 6, 9), "2026-06-09T23:00:00Z"),
            // The clocks go back on Sunday 25 October 2026, forward on Sunday 28 March 2027.
            (date(2026, 10, 24), "2026-10-24T23:00:00Z"),
            (date(2026, 10, 25), "2026-10-26T00:00:00Z"),
            (date(2027, 3, 27), "2027-03-28T00:00:00Z"),
            (date(2027, 3, 28), "2027-03-28T23:00:00Z"),
        ] {
            assert_eq!(clocks().end_of(day), Ok(at(ends)), "{day}");
        }
        assert_eq!(clocks().end_of(Date::MAX), Err(Rejection::OutsideTerm(Where::Date)));
    }

    #[test]
    fn the_day_of_a_school_changes_at_its_own_midnight() {
        assert_eq!(clocks().today(at("2026-06-09T22:59:59Z")), date(2026, 6, 9));
        assert_eq!(clocks().today(at("2026-06-09T23:00:00Z")), date(2026, 6, 10));
    }

    #[test]
    fn a_day_begins_with_its_first_register_and_is_left_until_its_last_session_ends() {
        let (today, tomorrow) = (date(2026, 11, 24), date(2026, 11, 25));
        for (now, left, to_begin, not_begun) in [
            ("2026-11-24T00:00:00Z", today, today, today),
            ("2026-11-24T08:49:59Z", today, today, today),
            ("2026-11-24T08:50:00Z", today, today, tomorrow),
            ("2026-11-24T12:59:59Z", today, today, tomorrow),
            ("2026-11-24T13:00:00Z", today, tomorrow, tomorrow),
            ("2026-11-24T15:19:59Z", today, tomorrow, tomorrow),
            ("2026-11-24T15:20:00Z", tomorrow, tomorrow, tomorrow),
        ] {
            assert_eq!(clocks().first_day_not_begun(at(now)), Ok(not_begun), "{now}");
            assert_eq!(clocks().first_day_left(at(now)), Ok(left), "{now}");
            assert_eq!(clocks().first_day_to_begin(at(now)), Ok(to_begin), "{now}");
        }
        let twice = clocks().instant(date(2026, 10, 25), time(1, 30, 0, 0)).unwrap();
        assert_eq!(twice, at("2026-10-25T00:30:00Z"), "of an hour that comes twice it is the first");
    }
}
