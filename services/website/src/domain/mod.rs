//! What a visitor may be shown of a school at an instant, and in which order.
//!
//! [`standing`] tells which alerts are true, [`touch`] whether news may be missing, [`text`] makes foreign words safe to keep, [`when`] puts
//! instants into words. Nothing here asks
//! the time or reads a row; [`store`](crate::store) fills these types and [`http`](crate::http)
//! writes them down.

mod standing;
pub mod text;
mod touch;
pub mod when;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::events::dispatcher::{AlertKind, Outline};
use proto::events::scheduling::CalendarChanged;
use proto::ids::SchoolId;

pub use standing::standing;
pub use touch::cut_off_since;

/// One alert in its latest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What it is about, for example a closure's id.
    pub subject: String,
    /// Rises with every change of it.
    pub version: u64,
    /// Closed, or open again.
    pub kind: AlertKind,
    /// One line.
    pub headline: String,
    /// Further lines; may be empty.
    pub body: String,
    /// What the headline is made of; none when it was said before alerts had outlines.
    pub outline: Option<Outline>,
    /// When it was said.
    pub published_at: Timestamp,
    /// From when on it is not shown.
    pub expires_at: Timestamp,
}

/// The calendar as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// When it became this.
    pub changed_at: Timestamp,
    /// Terms and days without school.
    pub days: CalendarChanged,
}

/// A school as a visitor sees it.
#[derive(Debug, Clone)]
pub struct School {
    /// Whose.
    pub id: SchoolId,
    /// What the calendar calls it; none before a calendar was heard.
    pub name: Option<String>,
    /// Where its clocks tell the time.
    pub zone: TimeZone,
    /// What is shown now, the most pressing first.
    pub alerts: Vec<Alert>,
    /// None before a calendar was heard.
    pub calendar: Option<Calendar>,
    /// When the newest fact that stands here was said.
    pub changed_at: Timestamp,
    /// When anything about this school was last heard.
    pub heard_at: Timestamp,
    /// Since when news may be missing; none while silence means that there is none.
    pub cut_off_since: Option<Timestamp>,
}

impl School {
    /// Its name, or words for it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("The school")
    }

    /// Puts the most pressing alert first, then the newest.
    pub fn arrange(&mut self, now: Timestamp) {
        let zone = &self.zone;
        self.alerts.sort_by_key(|alert| {
            let calm = !alert.is_pressing(zone, now);
            // A closure before the reopening that cuts it short, which were said at one time.
            let later = alert.kind == AlertKind::Reopening;
            (calm, std::cmp::Reverse(alert.published_at), alert.subject.clone(), later)
        });
    }
}

impl Alert {
    /// Whether it is worth interrupting somebody who is reading something else: a closure that has
    /// begun or begins by the end of tomorrow, because most are declared on the evening before. One
    /// that does not say when it begins must be over by then.
    pub fn is_pressing(&self, zone: &TimeZone, now: Timestamp) -> bool {
        let Ok(tomorrow) = now.to_zoned(zone.clone()).date().tomorrow() else { return false };
        let soon = match &self.outline {
            Some(outline) => outline.first_day <= tomorrow,
            None => tomorrow
                .tomorrow()
                .and_then(|day| day.to_zoned(zone.clone()))
                .is_ok_and(|end| self.expires_at <= end.timestamp()),
        };
        self.kind == AlertKind::Closure && soon
    }
}

/// The word that stands above an alert, so that colour is never the only sign.
pub fn label(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Closure => "Closure",
        AlertKind::Reopening => "Open again",
    }
}

/// The zone of that name; schools in England when it is not known.
pub fn zone(name: Option<&str>) -> TimeZone {
    let named = name.and_then(|name| TimeZone::get(name).ok());
    named.or_else(|| TimeZone::get("Europe/London").ok()).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proto::events::absences::Session;

    use super::*;

    fn alert(kind: AlertKind, expires_at: &str) -> Alert {
        Alert {
            subject: expires_at.to_owned(),
            version: 1,
            kind,
            headline: "h".into(),
            body: String::new(),
            outline: None,
            published_at: "2026-11-24T06:12:00Z".parse().unwrap(),
            expires_at: expires_at.parse().unwrap(),
        }
    }

    #[test]
    fn a_closure_presses_from_the_day_before_it_begins_on_in_the_schools_own_zone() {
        let now = "2026-11-24T23:30:00Z".parse().unwrap();
        for (name, day, pressing) in [
            ("Europe/London", 24, true),
            ("Europe/London", 25, true),
            ("Europe/London", 26, false),
            ("Europe/Athens", 26, true),
            ("America/New_York", 26, false),
        ] {
            let outline = |first_day| {
                Some(Outline { gist: "School is closed".into(), first_day, from: Session::Morning })
            };
            let mut closure = alert(AlertKind::Closure, "2026-12-04T00:00:00Z");
            closure.outline = outline(date(2026, 11, day));
            assert_eq!(closure.is_pressing(&zone(Some(name)), now), pressing, "{name} {day}");
            let mut open = alert(AlertKind::Reopening, "2026-11-26T00:00:00Z");
            open.outline = outline(date(2026, 11, day));
            assert!(!open.is_pressing(&zone(Some(name)), now));
        }
    }

    #[test]
    fn a_closure_that_does_not_say_when_it_begins_presses_when_it_is_over_by_the_end_of_tomorrow() {
        let now = "2026-11-24T23:30:00Z".parse().unwrap();
        let cases = [
            ("Europe/London", "2026-11-26T00:00:00Z", true),
            ("Europe/London", "2026-11-26T00:00:01Z", false),
            ("Europe/Athens", "2026-11-26T22:00:00Z", true),
            ("America/New_York", "2026-11-26T05:00:00Z", true),
            ("America/New_York", "2026-11-26T05:00:01Z", false),
        ];
        for (name, expires_at, pressing) in cases {
            let closure = alert(AlertKind::Closure, expires_at);
            assert_eq!(closure.is_pressing(&zone(Some(name)), now), pressing, "{name} {expires_at}");
        }
        assert!(!alert(AlertKind::Reopening, "2026-11-25T00:00:00Z").is_pressing(&zone(None), now));
    }

    #[test]
    fn a_zone_that_nobody_knows_is_englands() {
        assert_eq!(zone(Some("Middle/Earth")), zone(Some("Europe/London")));
        assert_eq!(zone(None), zone(Some("Europe/London")));
    }
}
