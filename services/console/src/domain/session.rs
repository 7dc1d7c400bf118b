//! Being signed in: for how long, as whom, and in which school.

use jiff::{SignedDuration, Timestamp};
use kit::identity::Caller;
use proto::ids::SchoolId;

/// How long sessions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Without a click.
    pub idle: SignedDuration,
    /// In any case.
    pub lasts: SignedDuration,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Known by this here; the browser has what it is the fingerprint of.
    pub id: String,
    /// In whose name the services are asked.
    pub caller: Caller,
    /// What the person is called.
    pub name: String,
    /// What every form of this session carries.
    pub mark: String,
    /// What the browser calls itself.
    pub device: String,
    /// When it began.
    pub began_at: Timestamp,
    /// The last click.
    pub seen_at: Timestamp,
}

impl Session {
    /// Whether it stands at this time. A clock that was put back does not prolong it.
    pub fn stands(&self, rules: Rules, now: Timestamp) -> bool {
        let within = |since: Timestamp, span: SignedDuration| {
            let passed = now.duration_since(since);
            passed < span && passed > -span
        };
        within(self.began_at, rules.lasts) && within(self.seen_at, rules.idle)
    }
}

/// What every form of a session carries: nobody guesses it, and it says for which school the form was made, so that what
/// was written in one window is not sent for the school to which another window has gone.
pub fn mark(school: SchoolId, random: &str) -> String {
    format!("{school}.{random}")
}

/// For which school a form was made that carries this.
pub fn school_of_mark(mark: &str) -> Option<SchoolId> {
    mark.split_once('.').and_then(|(school, _)| school.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_for_which_school_it_was_made() {
        let school = SchoolId::generate();
        assert_eq!(school_of_mark(&mark(school, "random")), Some(school));
        for mark in ["", "random", "sch_1.random", "."] {
            assert_eq!(school_of_mark(mark), None, "{mark}");
        }
    }

    #[test]
    fn it_ends_when_nobody_clicks_and_at_its_latest_whoever_clicks() {
        let rules = Rules { idle: SignedDuration::from_mins(30), lasts: SignedDuration::from_hours(12) };
        let began_at: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let session = |clicked: i64| Session {
            id: String::new(),
            caller: Caller { subject: String::new(), tenant: SchoolId::generate(), roles: Vec::new() },
            name: String::new(),
            mark: String::new(),
            device: String::new(),
            began_at,
            seen_at: began_at + SignedDuration::from_mins(clicked),
        };
        for (clicked, now, stands) in [
            (0, 29, true),
            (0, 30, false),
            (29, 58, true),
            (29, 59, false),
            (715, 719, true),
            (715, 720, false),
            (0, -31, false),
        ] {
            let now = began_at + SignedDuration::from_mins(now);
            assert_eq!(session(clicked).stands(rules, now), stands, "clicked at {clicked}, looked at {now}");
        }
    }
}
