//! The school's clock: when each session's register opens and closes, in the school's own zone.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use proto::events::absences::Session;

use super::{Rejection, Sitting};

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

/// What a school's clock is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// Where its clocks are.
    pub zone: TimeZone,
    /// The morning session.
    pub morning: RegisterTimes,
    /// The afternoon session.
    pub afternoon: RegisterTimes,
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

    /// The session whose register says where a pupil was at this instant: the morning's until that
    /// of the afternoon opens.
    #[must_use]
    pub fn sitting_at(&self, instant: Timestamp) -> Sitting {
        let local = instant.to_zoned(self.zone.clone());
        let session = if local.time() < self.afternoon.opens { Session::Morning } else { Session::Afternoon };
        Sitting { date: local.date(), session }
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
}

#[cfg(test)]
pub mod tests {
    use jiff::civil::{date, time};

    use super::*;

    /// A school in London.
    pub fn school() -> School {
        let times = |opens: (i8, i8), closes: (i8, i8), ends: (i8, i8)| {
            let [opens, closes, ends] = [opens, closes, ends].map(|(hour, minute)| time(hour, minute, 0, 0));
            RegisterTimes { opens, closes, ends }
        };
        School {
            zone: TimeZone::get("Europe/London").unwrap(),
            morning: times((8, 50), (9, 15), (12, 0)),
            afternoon: times((13, 0), (13, 20), (15, 20)),
        }
    }

    #[test]
    fn a_session_has_the_times_of_the_schools_zone_in_summer_and_in_winter() {
        let summer = school().times(Sitting { date: date(2026, 9, 8), session: Session::Morning }).unwrap();
        assert_eq!(summer.opens.to_string(), "2026-09-08T07:50:00Z");
        let winter =
            school().times(Sitting { date: date(2026, 11, 24), session: Session::Afternoon }).unwrap();
        assert_eq!(winter.opens.to_string(), "2026-11-24T13:00:00Z");
        assert_eq!(winter.closes.to_string(), "2026-11-24T13:20:00Z");
        assert_eq!(winter.ends.to_string(), "2026-11-24T15:20:00Z");
    }

    #[test]
    fn an_instant_belongs_to_the_morning_until_the_afternoons_register_opens() {
        for (instant, day, session) in [
            ("2026-11-24T08:30:00Z", date(2026, 11, 24), Session::Morning),
            ("2026-11-24T12:59:59Z", date(2026, 11, 24), Session::Morning),
            ("2026-11-24T13:00:00Z", date(2026, 11, 24), Session::Afternoon),
            ("2026-09-08T11:59:00Z", date(2026, 9, 8), Session::Morning),
            ("2026-09-08T12:00:00Z", date(2026, 9, 8), Session::Afternoon),
            ("2026-09-08T23:30:00Z", date(2026, 9, 9), Session::Morning),
        ] {
            let sitting = school().sitting_at(instant.parse().unwrap());
            assert_eq!(sitting, Sitting { date: day, session }, "{instant}");
        }
    }
}
