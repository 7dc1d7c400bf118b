//! The bank holidays of England and Wales, computed from the statutory rules for any year.
//!
//! Called by [`calendar`](super::calendar). It does not know the one-off days of a coronation or a
//! jubilee: they are proclaimed late, and a school enters them as occasional days.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// The bank holidays of a year, in their order: Banking and Financial Dealings Act 1971, with the
/// substitute days that are proclaimed for those that fall on a weekend.
#[must_use]
pub fn of_year(year: i16) -> Vec<Date> {
    let easter = easter_sunday(year);
    let from_easter = |days: i64| easter.and_then(|easter| easter.checked_add(days.days()).ok());
    let monday = |month: i8, nth: i8| {
        Date::new(year, month, 1).and_then(|first| first.nth_weekday_of_month(nth, Weekday::Monday)).ok()
    };
    let mut days: Vec<Date> = [
        new_years_day(year),
        from_easter(-2),
        from_easter(1),
        monday(5, 1),
        monday(5, -1),
        monday(8, -1),
        christmas(year, 25),
        christmas(year, 26),
    ]
    .into_iter()
    .flatten()
    .collect();
    days.sort_unstable();
    days
}

/// Whether a day is one of them.
#[must_use]
pub fn is_one(day: Date) -> bool {
    of_year(day.year()).contains(&day)
}

/// 1 January; the Monday after it when it is a weekend.
fn new_years_day(year: i16) -> Option<Date> {
    let day = Date::new(year, 1, 1).ok()?;
    let later = match day.weekday() {
        Weekday::Saturday => 2,
        Weekday::Sunday => 1,
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => 0,
    };
    day.checked_add(later.days()).ok()
}

/// Christmas Day or Boxing Day; two days later when it is a weekend, where the other of the two
/// never is.
fn christmas(year: i16, day: i8) -> Option<Date> {
    let day = Date::new(year, 12, day).ok()?;
    let later = match day.weekday() {
        Weekday::Saturday | Weekday::Sunday => 2,
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => 0,
    };
    day.checked_add(later.days()).ok()
}

/// Easter of the Gregorian calendar, by the method of Meeus, Jones and Butcher.
fn easter_sunday(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (century, of_century) = (year.div_euclid(100), year.rem_euclid(100));
    let golden = year.rem_euclid(19);
    let moon_shift = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    let moon = (19 * golden + century - century.div_euclid(4) - moon_shift + 15).rem_euclid(30);
    let sunday =
        (32 + 2 * century.rem_euclid(4) + 2 * of_century.div_euclid(4) - moon - of_century.rem_euclid(4))
            .rem_euclid(7);
    let late = (golden + 11 * moon + 22 * sunday).div_euclid(451);
    let days = moon + sunday - 7 * late + 114;
    let (month, day) = (days.div_euclid(31), days.rem_euclid(31) + 1);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_years_match_the_published_table() {
        for (year, days) in [
            (2026, [(1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25), (12, 28)]),
            (2027, [(1, 1), (3, 26), (3, 29), (5, 3), (5, 31), (8, 30), (12, 27), (12, 28)]),
            (2028, [(1, 3), (4, 14), (4, 17), (5, 1), (5, 29), (8, 28), (12, 25), (12, 26)]),
            // Christmas on a Sunday: Boxing Day stays, and Christmas is given back after it.
            (2033, [(1, 3), (4, 15), (4, 18), (5, 2), (5, 30), (8, 29), (12, 26), (12, 27)]),
        ] {
            let expected: Vec<Date> = days.iter().map(|(month, day)| date(year, *month, *day)).collect();
            assert_eq!(of_year(year), expected, "{year}");
        }
    }

    #[test]
    fn easter_is_where_the_church_has_it() {
        for easter in [date(1961, 4, 2), date(2000, 4, 23), date(2008, 3, 23), date(2038, 4, 25)] {
            assert_eq!(easter_sunday(easter.year()), Some(easter));
        }
    }

    proptest! {
        #[test]
        fn every_year_has_eight_different_ones_on_weekdays(year in 1978_i16..9999) {
            let mut days = of_year(year);
            days.dedup();
            prop_assert_eq!(days.len(), 8);
            for day in days {
                prop_assert!(!matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday), "{}", day);
                prop_assert!(is_one(day));
            }
        }
    }
}
