//! The question that a closure leaves behind: its last day has passed, and nobody has said that
//! children come again.
//!
//! A closure never ends by itself, because nobody at home would hear of it. Called by the
//! loop of `to_end`.

use jiff::civil::{Time, time};
use jiff::{SignedDuration, Timestamp};
use kit::Tenant;
use kit::tasks::NewTask;
use proto::options::v1::Role;

use super::calendar::Calendar;
use super::clocks::Clocks;
use super::closure::{Closure, State};
use super::counting;

/// When the office is asked, by the school's clocks: before the first children are on their way.
const ASKED_AT: Time = time(7, 0, 0, 0);
const DUE_IN: SignedDuration = SignedDuration::from_hours(2);

/// When a closure that nobody has ended is asked about: on the morning of the first school day
/// after its last. None when it has ended, or while no such day is known.
#[must_use]
pub fn asked_at(
    closure: &Closure,
    calendar: &Calendar,
    clocks: &Clocks,
    declared: &[Closure],
) -> Option<Timestamp> {
    match closure.state {
        State::Ended(_) => None,
        State::Declared => {
            let after = closure.last_day.tomorrow().ok()?;
            let morning = counting::counted_from(calendar, declared, after).next()?;
            clocks.instant(morning, ASKED_AT).ok()
        }
    }
}

/// What the office is asked to do: once for each last day that passes.
#[must_use]
pub fn task(school: Tenant, closure: &Closure, now: Timestamp) -> NewTask {
    NewTask::new(school, "closure_to_end", Role::Office, (now, DUE_IN))
        .about([closure.id.to_string()])
        .because("the closure's last day has passed: say that the school is open, or extend it before the morning's \
             register opens; later, declare another closure and then end this one")
        .once(format!("closure_to_end:{}:{}", closure.id, closure.last_day))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::closure::fixture::{closure, ended};
    use super::super::fixture::{calendar, clocks};
    use super::*;

    #[test]
    fn it_is_asked_on_the_morning_of_the_first_school_day_after_the_last() {
        let asked = |closure: &Closure, declared: &[Closure]| {
            asked_at(closure, &calendar(), &clocks(), declared).map(|at| at.to_string())
        };
        let monday = closure(date(2026, 11, 23), date(2026, 11, 23));
        assert_eq!(asked(&monday, &[]).as_deref(), Some("2026-11-24T07:00:00Z"));
        let summer = closure(date(2026, 9, 10), date(2026, 9, 11));
        assert_eq!(asked(&summer, &[]).as_deref(), Some("2026-09-14T06:00:00Z"), "by the school's clocks");
        let next = closure(date(2026, 11, 24), date(2026, 11, 24));
        assert_eq!(
            asked(&monday, &[next]).as_deref(),
            Some("2026-11-25T07:00:00Z"),
            "another closes Tuesday"
        );
        assert_eq!(asked(&ended(monday, date(2026, 11, 24)), &[]), None);
        let last = closure(date(2027, 5, 28), date(2027, 5, 28));
        assert_eq!(asked(&last, &[]), None, "the next term is not known yet");
    }
}
