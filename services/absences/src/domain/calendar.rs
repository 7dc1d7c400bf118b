//! School days and the times of a session, in the school's own zone.
//!
//! A school day is a weekday in one of the terms that the directory imported and no bank holiday
//! of England and Wales. INSET days and closures come with the service that owns the calendar.

use jiff::civil::{Date, Time, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proto::events::absences::Session;

use super::{Rejection, Sitting};

/// How far ahead a reason from home is taken, in school days.
pub const REPORTED_AHEAD: usize = 20;

/// Bank holidays of England and Wales, by the statutory rules. Years that are not here have none,
/// so that the worst is a register that could be posted on an empty day.
const BANK_HOLIDAYS: [Date; 24] = [
    date(2026, 1, 1),
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 5, 4),
    date(2026, 5, 25),
    date(2026, 8, 31),
    date(2026, 12, 25),
    date(2026, 12, 28),
    date(2027, 1, 1),
    date(2027, 3, 26),
    date(2027, 3, 29),
    date(2027, 5, 3),
    date(2027, 5, 31),
    date(2027, 8, 30),
    date(2027, 12, 27),
    date(2027, 12, 28),
    date(2028, 1, 3),
    date(2028, 4, 14),
    date(2028, 4, 17),
    date(2028, 5, 1),
    date(2028, 5, 29),
    date(2028, 8, 28),
    date(2028, 12, 25),
    date(2028, 12, 26),
];

/// The local times of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterTimes {
    /// When the register opens.
    pub opens: Time,
    /// When it closes: at most half an hour later, by the guidance.
    pub closes: Time,
    /// When the session ends.
    pub ends: Time,
}

/// A term, or half of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Its first day.
    pub first: Date,
    /// Its last day, inclusive.
    pub last: Date,
}

/// What a school's clock and calendar are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// Where its clocks are.
    pub zone: TimeZone,
    /// The morning session.
    pub morning: RegisterTimes,
    /// The afternoon session.
    pub afternoon: RegisterTimes,
    /// The terms.
    pub terms: Vec<Term>,
}

/// The instants of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// When the register opens.
    pub opens: Timestamp,
    /// When it closes.
    pub closes: Timestamp,
    /// When the session ends.
    pub ends: Timestamp,
}

impl School {
    /// The day that it is in the school.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone.clone()).date()
    }

    /// The instants of a session. A date at the very end of the calendar is in no term.
    pub fn times(&self, sitting: Sitting) -> Result<SessionTimes, Rejection> {
        let local = match sitting.session {
            Session::Morning => &self.morning,
            Session::Afternoon => &self.afternoon,
        };
        let instant = |time: Time| {
            let ambiguous = self.zone.to_ambiguous_timestamp(sitting.date.to_datetime(time));
            ambiguous.compatible().map_err(|_| Rejection::OutsideTerm)
        };
        Ok(SessionTimes {
            opens: instant(local.opens)?,
            closes: instant(local.closes)?,
            ends: instant(local.ends)?,
        })
    }

    /// Whether pupils are due on a date.
    pub fn check_school_day(&self, date: Date) -> Result<(), Rejection> {
        if !self.terms.iter().any(|term| (term.first..=term.last).contains(&date)) {
            return Err(Rejection::OutsideTerm);
        }
        let weekend = match date.weekday() {
            Weekday::Saturday | Weekday::Sunday => true,
            Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => {
                false
            }
        };
        if weekend || BANK_HOLIDAYS.contains(&date) { Err(Rejection::NotASchoolDay) } else { Ok(()) }
    }

    /// Checks that the session is one of the present school day and that its register has opened.
    pub fn check_now(&self, sitting: Sitting, now: Timestamp) -> Result<SessionTimes, Rejection> {
        self.check_school_day(sitting.date)?;
        let times = self.times(sitting)?;
        if sitting.date < self.today(now) {
            return Err(Rejection::PastSession);
        }
        if now < times.opens {
            return Err(Rejection::FutureSession);
        }
        Ok(times)
    }

    /// Checks that a reason can be reported for this day: today, or a school day not too far ahead.
    pub fn check_reportable(&self, day: Date, now: Timestamp) -> Result<(), Rejection> {
        self.check_school_day(day)?;
        let today = self.today(now);
        if day < today {
            return Err(Rejection::PastSession);
        }
        let ahead = today
            .series(1.day())
            .skip(1)
            .take_while(|date| *date <= day)
            .filter(|date| self.check_school_day(*date).is_ok());
        if ahead.take(REPORTED_AHEAD + 1).count() > REPORTED_AHEAD {
            return Err(Rejection::TooFarAhead { most: REPORTED_AHEAD });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn school() -> School {
        let term = |first, last| Term { first, last };
        School {
            zone: TimeZone::get("Europe/London").unwrap(),
            morning: RegisterTimes {
                opens: time(8, 50, 0, 0),
                closes: time(9, 15, 0, 0),
                ends: time(12, 0, 0, 0),
            },
            afternoon: RegisterTimes {
                opens: time(13, 0, 0, 0),
                closes: time(13, 20, 0, 0),
                ends: time(15, 20, 0, 0),
            },
            terms: vec![
                term(date(2026, 9, 2), date(2026, 10, 23)),
                term(date(2026, 11, 2), date(2026, 12, 18)),
                term(date(2027, 4, 12), date(2027, 5, 28)),
            ],
        }
    }

    fn morning(date: Date) -> Sitting {
        Sitting { date, session: Session::Morning }
    }

    #[test]
    fn a_session_has_the_times_of_the_schools_zone_in_summer_and_in_winter() {
        let summer = school().times(morning(date(2026, 9, 8))).unwrap();
        assert_eq!(summer.opens.to_string(), "2026-09-08T07:50:00Z");
        let winter =
            school().times(Sitting { date: date(2026, 11, 24), session: Session::Afternoon }).unwrap();
        assert_eq!(winter.opens.to_string(), "2026-11-24T13:00:00Z");
        assert_eq!(winter.closes.to_string(), "2026-11-24T13:20:00Z");
        assert_eq!(winter.ends.to_string(), "2026-11-24T15:20:00Z");
    }

    #[test]
    fn school_days_are_weekdays_in_term_and_no_bank_holidays() {
        for (day, checked) in [
            (date(2026, 11, 24), Ok(())),
            (date(2026, 9, 2), Ok(())),
            (date(2026, 12, 18), Ok(())),
            (date(2026, 10, 27), Err(Rejection::OutsideTerm)),
            (date(2026, 12, 25), Err(Rejection::OutsideTerm)),
            (date(2026, 11, 28), Err(Rejection::NotASchoolDay)),
            (date(2026, 11, 29), Err(Rejection::NotASchoolDay)),
            (date(2027, 5, 3), Err(Rejection::NotASchoolDay)),
        ] {
            assert_eq!(school().check_school_day(day), checked, "{day}");
        }
    }

    #[test]
    fn every_bank_holiday_is_a_weekday_and_they_are_in_order() {
        assert!(BANK_HOLIDAYS.is_sorted());
        for day in BANK_HOLIDAYS {
            assert!(!matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday), "{day}");
        }
    }

    #[test]
    fn only_the_present_school_day_is_taken_once_its_register_is_open() {
        let today = morning(date(2026, 11, 24));
        let afternoon = Sitting { session: Session::Afternoon, ..today };
        for (sitting, now, refused) in [
            (today, "2026-11-24T08:49:59Z", Some(Rejection::FutureSession)),
            (today, "2026-11-24T08:50:00Z", None),
            (today, "2026-11-24T23:59:59Z", None),
            (afternoon, "2026-11-24T08:50:00Z", Some(Rejection::FutureSession)),
            (today, "2026-11-25T08:50:00Z", Some(Rejection::PastSession)),
            (today, "2026-11-23T10:00:00Z", Some(Rejection::FutureSession)),
            (morning(date(2026, 11, 22)), "2026-11-24T08:50:00Z", Some(Rejection::NotASchoolDay)),
            (morning(date(2027, 1, 5)), "2026-11-24T08:50:00Z", Some(Rejection::OutsideTerm)),
            (morning(date(9999, 12, 31)), "2026-11-24T08:50:00Z", Some(Rejection::OutsideTerm)),
        ] {
            assert_eq!(school().check_now(sitting, now.parse().unwrap()).err(), refused, "{sitting:?} {now}");
        }
    }

    #[test]
    fn a_reason_is_taken_for_today_and_twenty_school_days_ahead() {
        let now: Timestamp = "2026-10-20T08:00:00Z".parse().unwrap();
        for (day, checked) in [
            (date(2026, 10, 20), Ok(())),
            (date(2026, 10, 19), Err(Rejection::PastSession)),
            (date(2026, 10, 24), Err(Rejection::OutsideTerm)),
            // 21, 22 and 23 October, then half term, then 2 to 24 November.
            (date(2026, 11, 24), Ok(())),
            (date(2026, 11, 25), Err(Rejection::TooFarAhead { most: 20 })),
            (date(2027, 5, 20), Err(Rejection::TooFarAhead { most: 20 })),
        ] {
            assert_eq!(school().check_reportable(day, now), checked, "{day}");
        }
    }
}
