//! The days on which pupils are due, and the closures that break them, as the scheduling service
//! says them. What a school day is, is that service's business; here stands what follows from it for
//! registers and reasons from home.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use proto::ids::PupilId;

use super::closure::{Closure, Cover};
use super::{OnRoll, Rejection, School, SessionTimes, Sitting};

/// How far ahead a reason from home is taken, in school days.
pub const REPORTED_AHEAD: usize = 20;

/// How many days of the calendar are looked at to find those school days: a year has many more of
/// them than are taken.
const LOOKED_AT: i32 = 366;

/// What the calendar says of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// Pupils are due.
    School,
    /// It is in no term.
    OutsideTerm,
    /// It is in a term, but a weekend, a bank holiday, an INSET day or an occasional day.
    NoSchool,
}

/// A stretch of the school's calendar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    days: BTreeMap<Date, Day>,
    closures: Vec<Closure>,
}

impl Calendar {
    /// A calendar of these days, with the closures that stand in them.
    #[must_use]
    pub fn new(days: BTreeMap<Date, Day>, closures: Vec<Closure>) -> Self {
        Self { days, closures }
    }

    /// Whether every day of a stretch is known.
    #[must_use]
    pub fn knows(&self, days: &RangeInclusive<Date>) -> bool {
        self.days.contains_key(days.start()) && self.days.contains_key(days.end())
    }

    /// Whether pupils are due on a date, unless the school is closed.
    pub fn check_school_day(&self, date: Date) -> Result<(), Rejection> {
        match self.days.get(&date) {
            Some(Day::School) => Ok(()),
            Some(Day::NoSchool) => Err(Rejection::NotASchoolDay),
            Some(Day::OutsideTerm) | None => Err(Rejection::OutsideTerm),
        }
    }

    /// Checks that the session is one of the present school day and that its register has opened.
    pub fn check_now(
        &self,
        school: &School,
        sitting: Sitting,
        now: Timestamp,
    ) -> Result<SessionTimes, Rejection> {
        self.check_school_day(sitting.date)?;
        let times = school.times(sitting)?;
        if sitting.date < school.today(now) {
            return Err(Rejection::PastSession);
        }
        if now < times.opens {
            return Err(Rejection::FutureSession);
        }
        Ok(times)
    }

    /// Checks that the school as a whole is not closed for a session.
    pub fn check_open(&self, sitting: Sitting) -> Result<(), Rejection> {
        let mut covering = self.closures.iter().filter(|closure| closure.covers(sitting));
        if covering.any(Closure::is_of_the_whole_school) { Err(Rejection::SchoolClosed) } else { Ok(()) }
    }

    /// How much of the school is closed for a pupil in a session, if anything is.
    #[must_use]
    pub fn cover(&self, sitting: Sitting, pupil_id: PupilId, on_roll: Option<&OnRoll>) -> Option<Cover> {
        let covering = self.closures.iter().filter(|closure| closure.covers(sitting));
        let mut covers = covering.filter_map(|closure| closure.of(pupil_id, on_roll));
        let first = covers.next()?;
        Some(if covers.any(|cover| cover == Cover::WholeSchool) { Cover::WholeSchool } else { first })
    }

    /// Checks that a reason can be reported for this day: today, or a school day not too far ahead.
    /// The calendar must know the days of [`reportable`].
    pub fn check_reportable(&self, day: Date, today: Date) -> Result<(), Rejection> {
        self.check_school_day(day)?;
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

/// The days that must be known to say whether a reason can be reported for `day`.
pub fn reportable(day: Date, today: Date) -> Result<RangeInclusive<Date>, Rejection> {
    if day < today {
        return Ok(day..=day);
    }
    match today.checked_add(LOOKED_AT.days()) {
        Ok(last) if last < day => Err(Rejection::TooFarAhead { most: REPORTED_AHEAD }),
        Ok(_) | Err(_) => Ok(today..=day),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};
    use proto::events::absences::Session;
    use proto::events::scope::Scope;

    use super::*;
    use crate::domain::school::tests::school;

    /// Half terms of autumn 2026, with an INSET day on 23 October.
    fn calendar() -> Calendar {
        let terms = [date(2026, 9, 2)..=date(2026, 10, 23), date(2026, 11, 2)..=date(2026, 12, 18)];
        let kind = |day: Date| {
            if !terms.iter().any(|term| term.contains(&day)) {
                Day::OutsideTerm
            } else if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
                || day == date(2026, 10, 23)
            {
                Day::NoSchool
            } else {
                Day::School
            }
        };
        let days = date(2026, 9, 1).series(1.day()).take(122).map(|day| (day, kind(day)));
        Calendar::new(days.collect(), Vec::new())
    }

    fn morning(date: Date) -> Sitting {
        Sitting { date, session: Session::Morning }
    }

    #[test]
    fn school_days_are_what_the_calendar_says() {
        for (day, checked) in [
            (date(2026, 11, 24), Ok(())),
            (date(2026, 10, 27), Err(Rejection::OutsideTerm)),
            (date(2026, 11, 28), Err(Rejection::NotASchoolDay)),
            (date(2026, 10, 23), Err(Rejection::NotASchoolDay)),
            (date(9999, 12, 31), Err(Rejection::OutsideTerm)),
        ] {
            assert_eq!(calendar().check_school_day(day), checked, "{day}");
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
            (morning(date(2026, 12, 21)), "2026-11-24T08:50:00Z", Some(Rejection::OutsideTerm)),
        ] {
            let checked = calendar().check_now(&school(), sitting, now.parse().unwrap());
            assert_eq!(checked.err(), refused, "{sitting:?} {now}");
        }
    }

    #[test]
    fn a_reason_is_taken_for_today_and_twenty_school_days_ahead() {
        let today = date(2026, 10, 20);
        let check = |day: Date| {
            let days = reportable(day, today)?;
            assert!(calendar().knows(&days), "{days:?}");
            calendar().check_reportable(day, today)
        };
        for (day, checked) in [
            (date(2026, 10, 20), Ok(())),
            (date(2026, 10, 19), Err(Rejection::PastSession)),
            (date(2026, 10, 24), Err(Rejection::OutsideTerm)),
            (date(2026, 10, 23), Err(Rejection::NotASchoolDay)),
            // 21 and 22 October, then INSET and half term, then 2 to 25 November.
            (date(2026, 11, 25), Ok(())),
            (date(2026, 11, 26), Err(Rejection::TooFarAhead { most: 20 })),
            (date(2027, 10, 22), Err(Rejection::TooFarAhead { most: 20 })),
            (date(9999, 12, 31), Err(Rejection::TooFarAhead { most: 20 })),
        ] {
            assert_eq!(check(day), checked, "{day}");
        }
        let days = reportable(date(2027, 10, 21), today).unwrap();
        assert_eq!(days, today..=date(2027, 10, 21), "no more days than one question takes");
    }

    #[test]
    fn the_whole_school_comes_before_a_part_of_it() {
        let sitting = morning(date(2026, 11, 24));
        let pupil_id = PupilId::generate();
        let closure = |scope| Closure {
            scope,
            first_day: sitting.date,
            from: Session::Morning,
            last_day: sitting.date,
        };
        let part = closure(Scope::Pupils(vec![pupil_id]));
        let cover = |closures: &[Closure]| {
            let calendar = Calendar::new(BTreeMap::new(), closures.to_vec());
            (calendar.check_open(sitting).is_ok(), calendar.cover(sitting, pupil_id, None))
        };
        let whole = closure(Scope::WholeSchool);
        assert_eq!(cover(&[]), (true, None));
        assert_eq!(cover(std::slice::from_ref(&part)), (true, Some(Cover::Part)));
        assert_eq!(cover(&[part, whole]), (false, Some(Cover::WholeSchool)));
    }
}
