//! Counting in school days: the unit of the register's deadlines (an `N` becomes an `O` after five).
//!
//! Day 0 is the day that is counted from, or the next school day when it is none. A day on which the
//! whole school is closed from the morning on is not counted; one that closes at noon, or only for
//! some, is.

use jiff::civil::Date;

use super::calendar::Calendar;
use super::closure::Closure;
use super::part::Part;
use super::rejection::Rejection;

/// How many school days are counted at most: two school years.
pub const MOST: usize = 400;

/// The school day that is so many school days after a date.
pub fn count(
    calendar: &Calendar,
    closures: &[Closure],
    from: Date,
    school_days: usize,
) -> Result<Date, Rejection> {
    counted_from(calendar, closures, from).nth(school_days).ok_or(Rejection::CalendarEnds)
}

/// The days from one on that are counted.
pub fn counted_from(calendar: &Calendar, closures: &[Closure], from: Date) -> impl Iterator<Item = Date> {
    let closed = |day: Date| {
        let mut whole = closures.iter().filter(|closure| closure.part == Part::WholeSchool);
        whole.any(|closure| closure.closes_all_of(day))
    };
    calendar.school_days_from(from).filter(move |day| !closed(*day))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;
    use proto::events::absences::Session;

    use super::super::closure::fixture::{closure, ended};
    use super::super::fixture::calendar;
    use super::*;

    #[test]
    fn five_school_days_after_an_n_before_half_term() {
        // Thursday 22 October 2026; INSET on Friday, half term until Sunday 1 November.
        assert_eq!(count(&calendar(), &[], date(2026, 10, 22), 5), Ok(date(2026, 11, 6)));
    }

    #[test]
    fn day_nought_is_the_day_itself_or_the_next_school_day() {
        for (from, school_days, day) in [
            (date(2026, 11, 24), 0, date(2026, 11, 24)),
            (date(2026, 11, 28), 0, date(2026, 11, 30)),
            (date(2026, 11, 28), 1, date(2026, 12, 1)),
            (date(2026, 10, 23), 0, date(2026, 11, 2)),
            (date(2026, 8, 1), 0, date(2026, 9, 2)),
            (date(1, 1, 1), 1, date(2026, 9, 3)),
            (date(2026, 12, 18), 1, date(2027, 1, 4)),
            (date(2027, 4, 30), 1, date(2027, 5, 4)),
        ] {
            assert_eq!(count(&calendar(), &[], from, school_days), Ok(day), "{from} + {school_days}");
        }
        assert_eq!(count(&calendar(), &[], date(2027, 5, 28), 1), Err(Rejection::CalendarEnds));
        assert_eq!(count(&calendar(), &[], Date::MAX, 0), Err(Rejection::CalendarEnds));
    }

    #[test]
    fn days_on_which_the_whole_school_is_closed_are_not_counted() {
        let (monday, friday) = (date(2026, 11, 23), date(2026, 11, 27));
        let snow = closure(date(2026, 11, 24), date(2026, 11, 25));
        let from_noon = Closure { from: Session::Afternoon, ..snow.clone() };
        let of_a_year = Closure { part: Part::YearGroups(["3".to_owned()].into()), ..snow.clone() };
        let taken_back = ended(snow.clone(), date(2026, 11, 24));
        let shortened = ended(snow.clone(), date(2026, 11, 25));
        let thursday = date(2026, 11, 26);
        for (closed, third) in [
            (snow, date(2026, 11, 30)),
            (from_noon, friday),
            (of_a_year, thursday),
            (taken_back, thursday),
            (shortened, friday),
        ] {
            assert_eq!(count(&calendar(), std::slice::from_ref(&closed), monday, 3), Ok(third), "{closed:?}");
        }
    }

    proptest! {
        #[test]
        fn the_answer_is_a_school_day_and_rises_with_both_arguments(
            days in 0_i32..250,
            school_days in 0_usize..100,
            first in 0_i32..250,
            lasts in 0_i32..30,
        ) {
            let start = date(2026, 8, 1);
            let from = start + days.days();
            let closed = closure(start + first.days(), start + (first + lasts).days());
            let closures = [closed];
            let count = |from, school_days| count(&calendar(), &closures, from, school_days);
            if let Ok(day) = count(from, school_days) {
                prop_assert!(day >= from);
                prop_assert!(calendar().is_school_day(day) && !closures[0].closes_all_of(day));
                if let Ok(next) = count(from, school_days + 1) {
                    prop_assert!(next > day);
                }
                if let Ok(later) = count(from + 1.day(), school_days) {
                    prop_assert!(later >= day);
                }
                prop_assert_eq!(count(day, 0), Ok(day));
            }
        }
    }
}
