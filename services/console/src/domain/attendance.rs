//! A pupil's marks by the days of the week, where a pattern is seen that a list hides.

use jiff::civil::{Date, Weekday};
use proto::absences::v1::{Attendance, SessionMark};

/// The days on which there is school.
const DAYS: [(Weekday, &str); 5] = [
    (Weekday::Monday, "Monday"),
    (Weekday::Tuesday, "Tuesday"),
    (Weekday::Wednesday, "Wednesday"),
    (Weekday::Thursday, "Thursday"),
    (Weekday::Friday, "Friday"),
];

/// Sessions of one day of the week, morning and afternoon each one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// In school in time, or at an approved activity.
    pub present: u32,
    /// In school after the register began.
    pub late: u32,
    /// Absent with leave or for a reason that the school accepts.
    pub authorised: u32,
    /// Absent without.
    pub unauthorised: u32,
}

impl Tally {
    /// Every session that counts.
    pub fn possible(self) -> u32 {
        self.present + self.late + self.authorised + self.unauthorised
    }

    /// Sessions attended of a hundred that were possible; none when there was none.
    pub fn percent(self) -> Option<u32> {
        (self.possible() > 0).then(|| (self.present + self.late) * 100 / self.possible())
    }

    fn add(&mut self, attendance: Attendance) {
        match attendance {
            Attendance::Present => self.present += 1,
            Attendance::Late => self.late += 1,
            Attendance::AuthorisedAbsence => self.authorised += 1,
            Attendance::UnauthorisedAbsence => self.unauthorised += 1,
            Attendance::NotPossible | Attendance::Unspecified => {}
        }
    }
}

/// The marks by day of the week, and all of them.
pub fn by_weekday(marks: &[SessionMark]) -> (Vec<(&'static str, Tally)>, Tally) {
    let mut days = DAYS.map(|(_, name)| (name, Tally::default()));
    let mut all = Tally::default();
    for mark in marks {
        let Ok(date) = mark.date.parse::<Date>() else { continue };
        let day = DAYS.iter().position(|(weekday, _)| *weekday == date.weekday());
        if let Some((_, tally)) = day.and_then(|day| days.get_mut(day)) {
            tally.add(mark.attendance());
            all.add(mark.attendance());
        }
    }
    (days.to_vec(), all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_who_misses_its_mondays_is_seen_to() {
        let mark = |date: &str, attendance: Attendance| SessionMark {
            date: date.to_owned(),
            attendance: attendance.into(),
            ..SessionMark::default()
        };
        let marks = [
            mark("2026-11-23", Attendance::UnauthorisedAbsence),
            mark("2026-11-16", Attendance::AuthorisedAbsence),
            mark("2026-11-09", Attendance::Present),
            mark("2026-11-24", Attendance::Late),
            mark("2026-11-24", Attendance::NotPossible),
            mark("no day", Attendance::Present),
        ];
        let (days, all) = by_weekday(&marks);
        let monday = Tally { present: 1, authorised: 1, unauthorised: 1, ..Tally::default() };
        assert_eq!(days[0], ("Monday", monday));
        assert_eq!(monday.percent(), Some(33));
        assert_eq!((days[1].1.percent(), days[2].1.percent()), (Some(100), None));
        assert_eq!((all.possible(), all.percent()), (4, Some(50)));
    }
}
