//! Sessions that have just become others in another school: a double click sends one form twice, and its second answer is
//! the only one that the browser keeps. So what has begun for the first click is handed on to the second, once, within
//! seconds.

use std::collections::HashMap;

use jiff::Timestamp;
use proto::ids::SchoolId;

use super::just_used::within;
use super::session::Session;

struct Change {
    /// What the form carried.
    mark: String,
    after: Session,
    at: Timestamp,
}

/// What has just become of sessions, by the ids that they had.
#[derive(Default)]
pub struct JustChanged {
    last: HashMap<String, Change>,
}

impl JustChanged {
    /// One session is about to become another. Of two clicks at once the first counts.
    pub fn begins(&mut self, before: &Session, after: &Session, now: Timestamp) {
        self.last.retain(|_, change| within(change.at, now));
        let change = || Change { mark: before.mark.clone(), after: after.clone(), at: now };
        self.last.entry(before.id.clone()).or_insert_with(change);
    }

    /// It did not become this one.
    pub fn forget(&mut self, before: &str, after: &str) {
        if self.last.get(before).is_some_and(|change| change.after.id == after) {
            self.last.remove(before);
        }
    }

    /// What the session of this id has become, for a second click on the same button; asking spends it.
    pub fn take(&mut self, before: &str, form: (&str, SchoolId), now: Timestamp) -> Option<Session> {
        let is_same = |change: &Change| (change.mark.as_str(), change.after.caller.tenant) == form;
        self.last.get(before).filter(|change| is_same(change) && within(change.at, now))?;
        self.last.remove(before).map(|change| change.after)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use kit::identity::Caller;

    use super::*;

    fn session(id: &str, school: SchoolId) -> Session {
        Session {
            id: id.to_owned(),
            caller: Caller { subject: String::new(), tenant: school, roles: Vec::new() },
            name: String::new(),
            mark: format!("mark of {id}"),
            device: String::new(),
            began_at: Timestamp::UNIX_EPOCH,
            seen_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_second_of_two_clicks_is_taken_and_nothing_after_it() {
        let (from, to) = (SchoolId::generate(), SchoolId::generate());
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let (before, after) = (session("one", from), session("two", to));
        for (id, mark, school, seconds, taken) in [
            ("one", "mark of one", to, 0, true),
            ("one", "mark of one", to, 9, true),
            ("one", "mark of one", to, 10, false),
            ("one", "mark of one", to, -10, false),
            ("one", "mark of one", from, 1, false),
            ("one", "mark of two", to, 1, false),
            ("two", "mark of two", to, 1, false),
        ] {
            let mut changed = JustChanged::default();
            changed.begins(&before, &after, now);
            let at = now + SignedDuration::from_secs(seconds);
            let first = changed.take(id, (mark, school), at);
            assert_eq!(first, taken.then(|| after.clone()), "{id} with {mark} after {seconds} seconds");
            let twice = taken && changed.take(id, (mark, school), at).is_some();
            assert!(!twice, "a third time");
        }
    }

    #[test]
    fn of_two_clicks_at_once_the_first_counts_and_what_came_to_nothing_is_forgotten() {
        let school = SchoolId::generate();
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let (before, first, second) =
            (session("one", school), session("two", school), session("three", school));
        let mut changed = JustChanged::default();
        changed.begins(&before, &first, now);
        changed.begins(&before, &second, now);
        changed.forget("one", "three");
        assert_eq!(changed.take("one", ("mark of one", school), now), Some(first.clone()));
        changed.begins(&before, &first, now);
        changed.forget("one", "two");
        assert_eq!(changed.take("one", ("mark of one", school), now), None);
        changed.begins(&before, &first, now);
        changed.begins(&second, &first, now + SignedDuration::from_secs(10));
        assert_eq!(changed.last.len(), 1, "nothing is kept of those who changed long ago");
    }
}
