//! What each day of a school is.
//!
//! A school day is a weekday in one of the terms that the directory imported, no bank holiday and
//! no day that the school has set aside (INSET, occasional). Closures stand beside the calendar:
//! [`counting`](super::counting) and [`closure`](super::closure) lay them over it.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use proto::events::directory::SchoolDescribed;
use proto::events::scheduling::{CalendarChanged, NonSchoolDay, NonSchoolDayKind};

use super::bank_holidays;
use super::rejection::{Rejection, Where};

/// Why a school has set a day aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAside {
    /// Staff training, for which pupils stay at home.
    Inset,
    /// A day of the school's own choice, a polling station, a local holiday.
    Occasional,
}

/// What the calendar says of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// Pupils come.
    SchoolDay,
    /// It is in no term, whatever else it is.
    OutsideTerm,
    /// Saturday or Sunday.
    Weekend,
    /// A bank holiday of England and Wales.
    BankHoliday,
    /// The school has set it aside.
    SetAside(SetAside),
}

/// The days that a school has set aside. Those that a change of terms has moved out of a term are
/// kept and mean nothing.
pub type SetAsides = BTreeMap<Date, SetAside>;

/// A school's calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    described: SchoolDescribed,
    set_aside: SetAsides,
}

impl Calendar {
    /// The calendar of these terms and days.
    #[must_use]
    pub fn new(described: SchoolDescribed, set_aside: SetAsides) -> Self {
        Self { described, set_aside }
    }

    /// The same with one day set aside, or no more.
    #[must_use]
    pub fn with(mut self, day: Date, set_aside: Option<SetAside>) -> Self {
        match set_aside {
            Some(set_aside) => self.set_aside.insert(day, set_aside),
            None => self.set_aside.remove(&day),
        };
        self
    }

    /// Why the school has set a day aside, if it has.
    #[must_use]
    pub fn set_aside(&self, day: Date) -> Option<SetAside> {
        self.set_aside.get(&day).copied()
    }

    /// What a day is. Closures stand beside it.
    #[must_use]
    pub fn kind(&self, day: Date) -> DayKind {
        match (self.of_itself(day), self.set_aside(day)) {
            (DayKind::SchoolDay, Some(set_aside)) => DayKind::SetAside(set_aside),
            (kind, _) => kind,
        }
    }

    /// What a day is when nobody sets it aside.
    fn of_itself(&self, day: Date) -> DayKind {
        let terms = &self.described.terms;
        if !terms.iter().any(|term| (term.first_day..=term.last_day).contains(&day)) {
            return DayKind::OutsideTerm;
        }
        match day.weekday() {
            Weekday::Saturday | Weekday::Sunday => DayKind::Weekend,
            Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => {
                if bank_holidays::is_one(day) {
                    DayKind::BankHoliday
                } else {
                    DayKind::SchoolDay
                }
            }
        }
    }

    /// Whether pupils come on a day, as far as the calendar says.
    #[must_use]
    pub fn is_school_day(&self, day: Date) -> bool {
        self.kind(day) == DayKind::SchoolDay
    }

    /// Refuses a day on which pupils do not come.
    pub fn check_school_day(&self, day: Date, field: Where) -> Result<(), Rejection> {
        check(self.kind(day), field)
    }

    /// Checks that the school can set a day aside: a weekday of a term that is no bank holiday and
    /// has not passed.
    pub fn check_can_be_set(&self, day: Date, first_not_begun: Date) -> Result<(), Rejection> {
        check(self.of_itself(day), Where::Date)?;
        if day < first_not_begun { Err(Rejection::DayBegun) } else { Ok(()) }
    }

    /// The school days from one on, to the end of the last term that is known.
    pub fn school_days_from(&self, from: Date) -> impl Iterator<Item = Date> {
        let terms = &self.described.terms;
        let first = terms.iter().map(|term| term.first_day).min();
        let last = terms.iter().map(|term| term.last_day).max();
        let start = first.map_or(from, |first| first.max(from));
        start
            .series(1.day())
            .take_while(move |day| last.is_some_and(|last| *day <= last))
            .filter(|day| self.is_school_day(*day))
    }

    /// What the public may know of it.
    #[must_use]
    pub fn public(&self) -> CalendarChanged {
        let mut terms = self.described.terms.clone();
        terms.sort_by_key(|term| (term.first_day, term.last_day));
        let years = terms.iter().flat_map(|term| term.first_day.year()..=term.last_day.year());
        let mut days: Vec<Date> = years.flat_map(bank_holidays::of_year).collect();
        days.extend(self.set_aside.keys());
        days.sort_unstable();
        days.dedup();
        CalendarChanged {
            school_name: self.described.name.clone(),
            time_zone: self.described.time_zone.clone(),
            terms,
            non_school_days: days.into_iter().filter_map(|date| self.public_day(date)).collect(),
        }
    }

    fn public_day(&self, date: Date) -> Option<NonSchoolDay> {
        let kind = match self.kind(date) {
            DayKind::SetAside(SetAside::Inset) => NonSchoolDayKind::Inset,
            DayKind::SetAside(SetAside::Occasional) => NonSchoolDayKind::Occasional,
            DayKind::BankHoliday => NonSchoolDayKind::BankHoliday,
            DayKind::SchoolDay | DayKind::OutsideTerm | DayKind::Weekend => return None,
        };
        Some(NonSchoolDay { date, kind })
    }
}

fn check(kind: DayKind, field: Where) -> Result<(), Rejection> {
    match kind {
        DayKind::SchoolDay => Ok(()),
        DayKind::OutsideTerm => Err(Rejection::OutsideTerm(field)),
        DayKind::Weekend | DayKind::BankHoliday | DayKind::SetAside(_) => {
            Err(Rejection::NotASchoolDay(field))
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::fixture::calendar;
    use super::*;

    #[test]
    fn school_days_are_weekdays_in_term_that_nothing_stands_against() {
        for (day, kind) in [
            (date(2026, 11, 24), DayKind::SchoolDay),
            (date(2026, 9, 2), DayKind::SchoolDay),
            (date(2026, 12, 18), DayKind::SchoolDay),
            (date(2026, 10, 27), DayKind::OutsideTerm),
            (date(2026, 12, 25), DayKind::OutsideTerm),
            (date(2026, 10, 24), DayKind::OutsideTerm),
            (date(2026, 11, 28), DayKind::Weekend),
            (date(2026, 10, 23), DayKind::SetAside(SetAside::Inset)),
            (date(2027, 5, 3), DayKind::BankHoliday),
            (Date::MAX, DayKind::OutsideTerm),
        ] {
            assert_eq!(calendar().kind(day), kind, "{day}");
        }
    }

    #[test]
    fn only_a_weekday_of_a_term_that_is_no_bank_holiday_and_has_not_passed_can_be_set_aside() {
        let today = date(2026, 11, 24);
        for (day, checked) in [
            (today, Ok(())),
            (date(2026, 11, 27), Ok(())),
            (date(2026, 11, 23), Err(Rejection::DayBegun)),
            (date(2026, 11, 28), Err(Rejection::NotASchoolDay(Where::Date))),
            (date(2027, 5, 3), Err(Rejection::NotASchoolDay(Where::Date))),
            (date(2026, 12, 21), Err(Rejection::OutsideTerm(Where::Date))),
        ] {
            assert_eq!(calendar().check_can_be_set(day, today), checked, "{day}");
        }
        let set = calendar().with(date(2026, 11, 27), Some(SetAside::Occasional));
        assert_eq!(set.check_can_be_set(date(2026, 11, 27), today), Ok(()), "what is set can be set again");
    }

    #[test]
    fn the_public_calendar_has_every_day_without_school_in_a_term_in_its_order() {
        let calendar = calendar()
            .with(date(2027, 5, 4), Some(SetAside::Occasional))
            .with(date(2027, 5, 3), Some(SetAside::Inset))
            .with(date(2026, 12, 25), Some(SetAside::Inset));
        let public = calendar.public();
        let days: Vec<_> = public.non_school_days.iter().map(|day| (day.date, day.kind)).collect();
        assert_eq!(
            days,
            [
                (date(2026, 10, 23), NonSchoolDayKind::Inset),
                (date(2027, 5, 3), NonSchoolDayKind::BankHoliday),
                (date(2027, 5, 4), NonSchoolDayKind::Occasional),
            ],
            "a bank holiday stays one, and what is outside a term means nothing"
        );
        assert!(public.terms.is_sorted_by_key(|term| term.first_day));
        assert_eq!((public.school_name.as_str(), public.terms.len()), ("Elm Park Primary School", 4));
    }

    #[test]
    fn without_terms_there_is_no_school_day() {
        let described =
            SchoolDescribed { name: String::new(), time_zone: "Europe/London".to_owned(), terms: Vec::new() };
        let empty = Calendar::new(described, SetAsides::new());
        assert_eq!(empty.school_days_from(date(2026, 11, 24)).next(), None);
    }
}
