//! Closures for tests of the domain.

use super::*;

/// A closure of the whole school from a morning on.
pub fn closure(first_day: Date, last_day: Date) -> Closure {
    let words = Words { reason: "The heating has failed".to_owned(), collection: String::new() };
    Closure {
        id: ClosureId::generate(),
        part: Part::WholeSchool,
        first_day,
        from: Session::Morning,
        last_day,
        words,
        declared_at: Timestamp::UNIX_EPOCH,
        version: 1,
        state: State::Declared,
    }
}

/// The same, ended for a day.
pub fn ended(closure: Closure, open_on: Date) -> Closure {
    let event = ClosureEvent::Ended { open_on, not_closed_from: open_on.max(closure.first_day) };
    apply(Some(closure), event, Timestamp::UNIX_EPOCH).unwrap()
}
