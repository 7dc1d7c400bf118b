//! How a missing pupil is followed up: by messages, by a person, or not at all.

use jiff::Timestamp;

use super::closure::Cover;
use super::{Care, OnRoll};

/// How a missing pupil is followed up once the register is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The contacts are told.
    Contacts,
    /// A person does it.
    Person(Because),
    /// Nobody does: the school is closed for the pupil, who is not missing.
    Closed(Cover),
}

/// Why a person follows a case up instead of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The pupil is person only: the first step is the designated safeguarding lead's.
    PersonOnly,
    /// The pupil has left the roll since the mark was posted.
    NotOnRoll,
    /// The session was over before its register was closed: a message would be stale.
    SessionOver,
}

impl Route {
    /// The route of a pupil: nobody is missed from a closed school; a person's care comes before
    /// everything else.
    #[must_use]
    pub fn of(on_roll: Option<&OnRoll>, cover: Option<Cover>, now: Timestamp, ends_at: Timestamp) -> Self {
        if let Some(cover) = cover {
            return Self::Closed(cover);
        }
        match on_roll.map(|pupil| pupil.care) {
            Some(Care::PersonOnly) => Self::Person(Because::PersonOnly),
            None => Self::Person(Because::NotOnRoll),
            Some(Care::Automatic) if now >= ends_at => Self::Person(Because::SessionOver),
            Some(Care::Automatic) => Self::Contacts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn the_route_of_a_person_comes_before_everything_else() {
        let ends = "2026-11-24T12:00:00Z".parse().unwrap();
        let on_roll = |care| OnRoll { class_id: None, year_group: "3".to_owned(), care };
        for (pupil, now, route) in [
            (Some(on_roll(Care::Automatic)), AT, Route::Contacts),
            (Some(on_roll(Care::Automatic)), ends, Route::Person(Because::SessionOver)),
            (Some(on_roll(Care::PersonOnly)), AT, Route::Person(Because::PersonOnly)),
            (Some(on_roll(Care::PersonOnly)), ends, Route::Person(Because::PersonOnly)),
            (None, AT, Route::Person(Because::NotOnRoll)),
        ] {
            assert_eq!(Route::of(pupil.as_ref(), None, now, ends), route);
            let closed = Route::of(pupil.as_ref(), Some(Cover::Part), now, ends);
            assert_eq!(closed, Route::Closed(Cover::Part), "nobody is missed from a closed school");
        }
    }
}
