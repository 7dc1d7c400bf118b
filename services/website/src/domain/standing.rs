//! Which of the alerts that are kept are true at an instant.
//!
//! Of what an alert is about there may be a closure and a reopening. The reopening ends the closure, but
//! until the school opens the closure is true as well, and visitors must see both. A closure that is
//! shorter than its headline says is said again with the days that it has.
//!
//! Invariant: a closure never stands on a day on which the school is open. See
//! `until_the_school_opens_the_closure_stands_beside_the_reopening`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::events::dispatcher::{AlertKind, Outline};

use super::{Alert, when};

/// What stands of all that is kept, in no order. Of each subject at most one alert of each kind may
/// be kept.
pub fn standing(kept: &[Alert], zone: &TimeZone, now: Timestamp) -> Vec<Alert> {
    let mut subjects: BTreeMap<&str, (Option<&Alert>, Option<&Alert>)> = BTreeMap::new();
    for alert in kept {
        let (closure, reopening) = subjects.entry(&alert.subject).or_default();
        match alert.kind {
            AlertKind::Closure => *closure = Some(alert),
            AlertKind::Reopening => *reopening = Some(alert),
        }
    }
    let alerts = subjects.into_values().flat_map(|subject| match subject {
        (Some(closure), Some(reopening)) if closure.version < reopening.version => {
            [until_it_opens(closure, reopening, zone), Some(reopening.clone())]
        }
        (Some(closure), _) => [Some(closure.clone()), None],
        (None, reopening) => [reopening.cloned(), None],
    });
    alerts.flatten().filter(|alert| alert.expires_at > now).collect()
}

/// What the reopening leaves of the closure; nothing when it was taken back before it began, or when
/// nobody knows: then the school must not be called closed.
fn until_it_opens(closure: &Alert, reopening: &Alert, zone: &TimeZone) -> Option<Alert> {
    let (Some(closed), Some(open)) = (&closure.outline, &reopening.outline) else { return None };
    if closed.first_day >= open.first_day {
        return None;
    }
    let opens_at = open.first_day.to_zoned(zone.clone()).ok()?.timestamp();
    if closure.expires_at <= opens_at {
        return Some(closure.clone());
    }
    let Outline { gist, first_day, from } = closed;
    let days = when::closed(*first_day, *from, open.first_day.yesterday().ok()?);
    Some(Alert {
        headline: format!("{gist} {days}"),
        published_at: reopening.published_at,
        expires_at: opens_at,
        ..closure.clone()
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};
    use proto::events::absences::Session;

    use super::*;
    use crate::domain::zone;

    const TUESDAY: Date = date(2026, 11, 24);
    const WEDNESDAY: Date = date(2026, 11, 25);
    const THURSDAY: Date = date(2026, 11, 26);
    const FRIDAY: Date = date(2026, 11, 27);

    fn alert(kind: AlertKind, version: u64, (first_day, last_day): (Date, Date)) -> Alert {
        let end = last_day.tomorrow().unwrap().to_zoned(zone(None)).unwrap();
        let gist = if kind == AlertKind::Closure { "School is closed" } else { "School is open" };
        let from = Session::Morning;
        Alert {
            subject: "clo".into(),
            version,
            kind,
            headline: format!("{gist} {}", when::closed(first_day, from, last_day)),
            body: "Reason: snow.".into(),
            outline: Some(Outline { gist: gist.into(), first_day, from }),
            published_at: "2026-11-24T06:12:00Z".parse().unwrap(),
            expires_at: end.timestamp(),
        }
    }

    fn closed(first_day: Date, last_day: Date) -> Alert {
        alert(AlertKind::Closure, 1, (first_day, last_day))
    }

    fn open(day: Date) -> Alert {
        alert(AlertKind::Reopening, 2, (day, day))
    }

    fn headlines(kept: &[Alert], now: &str) -> Vec<String> {
        let standing = standing(kept, &zone(None), now.parse().unwrap());
        standing.into_iter().map(|alert| alert.headline).collect()
    }

    #[test]
    fn until_the_school_opens_the_closure_stands_beside_the_reopening() {
        let kept = [closed(TUESDAY, TUESDAY), open(WEDNESDAY)];
        let both = ["School is closed on Tuesday 24 November", "School is open on Wednesday 25 November"];
        for now in ["2026-11-24T06:12:00Z", "2026-11-24T23:59:59Z"] {
            assert_eq!(headlines(&kept, now), both);
        }
        assert_eq!(headlines(&kept, "2026-11-25T00:00:00Z"), both[1..]);
        assert_eq!(headlines(&kept, "2026-11-26T00:00:00Z"), [""; 0]);
    }

    #[test]
    fn a_closure_that_was_cut_short_is_said_with_the_days_that_it_has() {
        let kept = [closed(TUESDAY, FRIDAY), open(WEDNESDAY)];
        let now = "2026-11-24T12:00:00Z";
        assert_eq!(headlines(&kept, now)[0], "School is closed on Tuesday 24 November");
        let longer = [closed(TUESDAY, FRIDAY), open(THURSDAY)];
        let said = "School is closed from Tuesday 24 November to Wednesday 25 November";
        assert_eq!(headlines(&longer, now)[0], said);
        // What it once said of Friday must not come back when the reopening has been read.
        for now in ["2026-11-25T00:00:00Z", "2026-11-26T12:00:00Z", "2026-11-27T12:00:00Z"] {
            assert!(!headlines(&kept, now).concat().contains("closed"), "{now}");
        }
    }

    #[test]
    fn a_closure_that_was_taken_back_before_it_began_is_gone_at_once() {
        let kept = [closed(THURSDAY, FRIDAY), open(THURSDAY)];
        assert_eq!(headlines(&kept, "2026-11-24T12:00:00Z"), ["School is open on Thursday 26 November"]);
    }

    #[test]
    fn a_closure_that_has_not_begun_stands_when_some_of_it_is_left() {
        let kept = [closed(WEDNESDAY, FRIDAY), open(THURSDAY)];
        let now = "2026-11-24T12:00:00Z";
        assert_eq!(headlines(&kept, now)[0], "School is closed on Wednesday 25 November");
    }

    #[test]
    fn where_nobody_knows_the_days_a_reopening_takes_the_closures_place() {
        for bare in 0..2 {
            let mut kept = [closed(TUESDAY, FRIDAY), open(WEDNESDAY)];
            kept[bare].outline = None;
            let now = "2026-11-24T12:00:00Z";
            assert_eq!(headlines(&kept, now), ["School is open on Wednesday 25 November"]);
        }
    }

    #[test]
    fn the_higher_version_of_the_two_is_the_truth() {
        let kept = [alert(AlertKind::Closure, 3, (TUESDAY, FRIDAY)), open(WEDNESDAY)];
        let said = "School is closed from Tuesday 24 November to Friday 27 November";
        assert_eq!(headlines(&kept, "2026-11-24T12:00:00Z"), [said]);
    }

    #[test]
    fn an_afternoon_stays_an_afternoon() {
        let mut closure = closed(TUESDAY, FRIDAY);
        closure.outline.as_mut().unwrap().from = Session::Afternoon;
        let kept = [closure, open(WEDNESDAY)];
        let said = "School is closed on the afternoon of Tuesday 24 November";
        assert_eq!(headlines(&kept, "2026-11-24T12:00:00Z")[0], said);
    }
}
