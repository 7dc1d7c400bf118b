//! Days as people write them: *Tuesday 24 November*. A weekday that does not fit its date is no day.

use jiff::civil::Date;

use super::words;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The days that a sentence mentions, in their order there; none when one of them is no day. They
/// are near the day on which it is said, which tells their year.
pub fn mentioned(sentence: &str, said_on: Date) -> Option<Vec<Date>> {
    let words: Vec<&str> = words(sentence).collect();
    let mut days = Vec::new();
    for place in words.windows(3) {
        let [weekday, number, month] = place else { continue };
        let Some(month) = MONTHS.iter().position(|name| name == month) else { continue };
        let month = i8::try_from(month).ok()? + 1;
        let number: i8 = number.parse().ok()?;
        let near = [said_on.year(), said_on.year() + 1].into_iter().find_map(|year| {
            let day = Date::new(year, month, number).ok()?;
            (day >= said_on && day.strftime("%A").to_string() == *weekday).then_some(day)
        });
        days.push(near?);
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_read_with_their_weekdays_and_wrong_ones_are_not() {
        let (tuesday, wednesday) = (date(2026, 11, 24), date(2026, 11, 25));
        for (sentence, days) in [
            ("from Tuesday 24 November to Wednesday 25 November", Some(vec![tuesday, wednesday])),
            ("on the afternoon of Tuesday 24 November", Some(vec![tuesday])),
            ("on Monday 4 January", Some(vec![date(2027, 1, 4)])),
            ("on Monday 24 November", None),
            ("on Tuesday 31 November", None),
            ("on Monday 23 November", None),
            ("tomorrow", Some(Vec::new())),
        ] {
            assert_eq!(mentioned(sentence, tuesday), days, "{sentence}");
        }
    }
}
