//! A pupil's day as a line with what happened on it, and its weeks as bars: pictures of what stands in words beside
//! them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::absences::v1::{GetAttendanceRequest, GetAttendanceResponse, Session};
use proto::incidents::v1::{Accident, AccidentKind, ListAccidentsRequest};

use super::frame::Frame;
use super::messages::Told;
use super::{Visitor, when};
use crate::asking::ask;
use crate::domain::attendance::{Tally, by_weekday};

/// The line goes from eight to five, and further when something happened earlier or later.
const HOURS: (i64, i64) = (8, 17);
/// Of the pictures, in units of their own.
const WIDTH: i64 = 1_000;
const NEWEST: i32 = 20;

/// Something that happened today.
pub struct Event {
    at: Timestamp,
    /// When, by the school's clocks.
    pub time: String,
    /// What.
    pub words: String,
    /// The page about it.
    pub address: Option<String>,
    /// What kind of thing it is.
    pub class: &'static str,
    /// Where it stands on the line.
    pub x: i64,
}

/// An hour of the line.
pub struct Hour {
    /// As it is written.
    pub label: String,
    /// Where.
    pub x: i64,
}

/// A day.
#[derive(Default)]
pub struct Day {
    /// The oldest first.
    pub events: Vec<Event>,
    /// Of the line beneath.
    pub hours: Vec<Hour>,
    /// Something of it cannot be known just now.
    pub away: bool,
}

/// A part of a bar.
pub struct Part {
    /// What it is of.
    pub class: &'static str,
    /// Where it begins.
    pub x: u32,
    /// How wide it is.
    pub width: u32,
}

/// A day of the week.
pub struct Weekday {
    /// Which.
    pub name: &'static str,
    /// How often what.
    pub tally: Tally,
    /// The same as a bar.
    pub parts: Vec<Part>,
}

/// A pupil's weeks.
pub struct Weeks {
    /// Monday to Friday.
    pub days: Vec<Weekday>,
    /// All of them.
    pub all: Tally,
    /// Of a hundred sessions attended.
    pub percent: u32,
}

impl Event {
    fn new(at: Timestamp, frame: &Frame, words: String, class: &'static str) -> Self {
        Self { at, time: frame.when(at), words, address: None, class, x: 0 }
    }
}

impl Day {
    /// In their order, each at its place on the line.
    fn of(mut events: Vec<Event>, zone: &TimeZone, away: bool) -> Self {
        events.sort_by_key(|event| event.at);
        let minutes = |at: Timestamp| {
            let time = at.to_zoned(zone.clone()).time();
            i64::from(time.hour()) * 60 + i64::from(time.minute())
        };
        let (mut first, mut last) = HOURS;
        for event in &events {
            let minutes = minutes(event.at);
            first = first.min(minutes / 60);
            last = last.max(minutes / 60 + 1);
        }
        let along = |minutes: i64| (minutes - first * 60) * WIDTH / ((last - first) * 60);
        for event in &mut events {
            event.x = along(minutes(event.at));
        }
        let hour = |hour: i64| Hour { label: format!("{hour:02}"), x: along(hour * 60) };
        Self { events, hours: (first..=last).map(hour).collect(), away }
    }
}

fn parts(tally: Tally) -> Vec<Part> {
    let all = [
        ("present", tally.present),
        ("late", tally.late),
        ("authorised", tally.authorised),
        ("unauthorised", tally.unauthorised),
    ];
    let total = tally.possible().max(1);
    let mut before = 0;
    let part = |(class, sessions): (&'static str, u32)| {
        let x = before * 1_000 / total;
        before += sessions;
        Part { class, x, width: before * 1_000 / total - x }
    };
    all.into_iter().map(part).filter(|part| part.width > 0).collect()
}

fn of_session(session: Session) -> &'static str {
    if session == Session::Afternoon { "afternoon" } else { "morning" }
}

/// What is known of a pupil's day; nothing of what cannot be known just now.
pub struct Known {
    attendance: Option<GetAttendanceResponse>,
    accidents: Option<Vec<Accident>>,
}

/// Asks for whatever the visitor may know.
pub async fn known(visitor: &Visitor, frame: &Frame, pupil_id: &str) -> Known {
    let date = frame.today().to_string();
    let request = GetAttendanceRequest { pupil_id: pupil_id.to_owned(), date, weeks: 0 };
    let attendance = async {
        if !visitor.may("absences.v1.AbsencesService/GetAttendance") {
            return Some(GetAttendanceResponse::default());
        }
        ask!(visitor, absences.get_attendance(request)).await.ok()
    };
    let request = ListAccidentsRequest {
        pupil_id: pupil_id.to_owned(),
        page_size: NEWEST,
        ..ListAccidentsRequest::default()
    };
    let accidents = async {
        if !visitor.may("incidents.v1.IncidentsService/ListAccidents") {
            return Some(Vec::new());
        }
        ask!(visitor, incidents.list_accidents(request)).await.ok().map(|answer| answer.accidents)
    };
    let (attendance, accidents) = futures::join!(attendance, accidents);
    Known { attendance, accidents }
}

/// The story of today, and the weeks before it; those only where they are known.
pub fn story(Known { attendance, accidents }: Known, frame: &Frame, told: &[Told]) -> (Day, Option<Weeks>) {
    let today = frame.today();
    let away = attendance.is_none() || accidents.is_none();
    let zone = frame.zone().cloned().unwrap_or(TimeZone::UTC);
    let is_today = |at: Timestamp| at.to_zoned(zone.clone()).date() == today;
    let attendance = attendance.unwrap_or_default();
    let mut events: Vec<Event> = Vec::new();
    for change in &attendance.changes {
        let words =
            format!("Register, {}: {} ({})", of_session(change.session()), change.code, change.meaning);
        events.push(Event::new(when::of(change.at.as_ref()), frame, words, "mark"));
    }
    for accident in accidents.unwrap_or_default() {
        let account = accident.account.unwrap_or_default();
        let what = if account.kind() == AccidentKind::HeadInjury { "Head injury" } else { "Accident" };
        let at = when::of(account.happened_at.as_ref());
        if is_today(at) {
            events.push(Event::new(at, frame, format!("{what}: {}", account.what), "accident"));
        }
    }
    for told in told.iter().filter(|told| is_today(told.heard)) {
        let mark = if told.exercise { "Exercise: " } else { "" };
        let words = format!("{mark}{}", told.kind);
        let event = Event::new(told.heard, frame, words, "message");
        events.push(Event { address: Some(told.address.clone()), ..event });
    }
    let (days, all) = by_weekday(&attendance.marks);
    let weekday = |(name, tally): (&'static str, Tally)| Weekday { name, tally, parts: parts(tally) };
    let weeks =
        all.percent().map(|percent| Weeks { days: days.into_iter().map(weekday).collect(), all, percent });
    (Day::of(events, &zone, away), weeks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_as_long_as_the_day_and_everything_stands_on_it_in_its_order() {
        let event = |at: &str| Event {
            at: at.parse().unwrap(),
            time: String::new(),
            words: String::new(),
            address: None,
            class: "mark",
            x: 0,
        };
        let zone = TimeZone::get("Europe/London").unwrap();
        let day = Day::of(vec![event("2026-07-08T11:30:00Z"), event("2026-07-08T07:00:00Z")], &zone, false);
        assert_eq!(day.events.iter().map(|event| event.x).collect::<Vec<_>>(), [0, 500]);
        assert_eq!((day.hours[0].label.as_str(), day.hours.len()), ("08", 10));
        let early = Day::of(vec![event("2026-07-08T05:10:00Z"), event("2026-07-08T20:00:00Z")], &zone, false);
        assert_eq!((early.hours[0].label.as_str(), early.hours[16].label.as_str()), ("06", "22"));
        assert!(early.events.iter().all(|event| (0..=WIDTH).contains(&event.x)));
    }

    #[test]
    fn the_parts_of_a_bar_fill_it() {
        let tally = Tally { present: 7, late: 1, authorised: 2, unauthorised: 1 };
        let parts = parts(tally);
        assert_eq!(parts.iter().map(|part| part.width).sum::<u32>(), 1_000);
        assert!(parts.windows(2).all(|two| two[0].x + two[0].width == two[1].x));
    }
}
