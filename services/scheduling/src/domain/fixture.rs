//! The school of the domain's tests: the year of the worked example, with its INSET day.

use jiff::civil::{Date, date, time};
use jiff::tz::TimeZone;
use proto::events::directory::{SchoolDescribed, Term};

use super::calendar::{Calendar, SetAside, SetAsides};
use super::clocks::Clocks;

pub fn clocks() -> Clocks {
    Clocks {
        zone: TimeZone::get("Europe/London").unwrap(),
        morning_opens: time(8, 50, 0, 0),
        afternoon_opens: time(13, 0, 0, 0),
        afternoon_ends: time(15, 20, 0, 0),
    }
}

pub fn calendar() -> Calendar {
    let term = |title: &str, first_day: Date, last_day| Term { title: title.to_owned(), first_day, last_day };
    let described = SchoolDescribed {
        name: "Elm Park Primary School".to_owned(),
        time_zone: "Europe/London".to_owned(),
        // Out of order, as an import may bring them.
        terms: vec![
            term("Autumn term, second half", date(2026, 11, 2), date(2026, 12, 18)),
            term("Autumn term, first half", date(2026, 9, 2), date(2026, 10, 23)),
            term("Spring term", date(2027, 1, 4), date(2027, 3, 25)),
            term("Summer term, first half", date(2027, 4, 12), date(2027, 5, 28)),
        ],
    };
    Calendar::new(described, SetAsides::from([(date(2026, 10, 23), SetAside::Inset)]))
}
