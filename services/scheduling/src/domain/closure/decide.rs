//! What a command means for a closure, with all that stands around it.
//!
//! A head teacher decides; this sees to it that what will be said is true on the day that it is said
//! of, in time, and in no contradiction to another closure.

use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan};

use super::{Change, Closure, ClosureEvent, Command, Declaration, State};
use crate::domain::calendar::Calendar;
use crate::domain::clocks::Clocks;
use crate::domain::rejection::{Rejection, Where};
use crate::domain::words::Words;

/// How many days after its first a closure may last. What is longer is no emergency any more.
pub const MOST_DAYS: i64 = 30;

/// What stands around a closure when something is asked of it.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The school's calendar.
    pub calendar: &'a Calendar,
    /// Its clocks.
    pub clocks: &'a Clocks,
    /// The other declared closures that concern some of the same pupils.
    pub touching: &'a [Closure],
    /// When it is asked.
    pub now: Timestamp,
}

/// Decides what a command means for a closure, or for the lack of one; none when it changes nothing.
pub fn decide(
    closure: Option<&Closure>,
    command: Command,
    around: &Around<'_>,
) -> Result<Option<ClosureEvent>, Rejection> {
    match (closure.map(|closure| (closure, closure.state)), command) {
        (None, Command::Declare(declaration)) => {
            around.check_declaration(&declaration)?;
            Ok(Some(ClosureEvent::Declared(declaration)))
        }
        (None, Command::Change(_) | Command::End(_)) => Err(Rejection::UnknownClosure),
        (Some((closure, State::Declared)), Command::Change(change)) => around.change(closure, change),
        (Some((closure, State::Declared)), Command::End(open_on)) => around.end(closure, open_on).map(Some),
        (Some((_, State::Ended(_))), Command::Change(_) | Command::End(_)) => Err(Rejection::ClosureEnded),
        // An id is drawn for each declaration: this is the same one again.
        (Some(_), Command::Declare(_)) => Ok(None),
    }
}

impl Around<'_> {
    fn check_declaration(&self, declaration: &Declaration) -> Result<(), Rejection> {
        let Declaration { first_day, last_day, .. } = *declaration;
        if first_day < self.clocks.first_day_left(self.now)? {
            return Err(Rejection::PastClosure);
        }
        check_length(first_day, last_day)?;
        self.calendar.check_school_day(first_day, Where::FirstDay)?;
        self.check_free(first_day, last_day)
    }

    fn change(&self, closure: &Closure, change: Change) -> Result<Option<ClosureEvent>, Rejection> {
        let Change { last_day, reason, collection } = change;
        let last_day = last_day.unwrap_or(closure.last_day);
        let words = Words {
            reason: reason.unwrap_or_else(|| closure.words.reason.clone()),
            collection: collection.unwrap_or_else(|| closure.words.collection.clone()),
        };
        if last_day == closure.last_day && words == closure.words {
            return Ok(None);
        }
        check_length(closure.first_day, last_day)?;
        if last_day < self.clocks.today(self.now) {
            return Err(Rejection::PastDay(Where::LastDay));
        }
        if let Ok(first_new) = closure.last_day.tomorrow() {
            self.check_not_begun(first_new, last_day)?;
            self.check_free(first_new, last_day)?;
        }
        Ok(Some(ClosureEvent::Changed { last_day, words }))
    }

    fn end(&self, closure: &Closure, open_on: Option<Date>) -> Result<ClosureEvent, Rejection> {
        let to_begin = self.clocks.first_day_to_begin(self.now)?;
        let open_on = match open_on {
            None => self.open_day_from(to_begin.max(closure.first_day))?,
            Some(day) => {
                self.check_open_on(day)?;
                let after = closure.last_day.tomorrow().unwrap_or(closure.last_day);
                if self.open_day_from(to_begin.max(after)).is_ok_and(|latest| day > latest) {
                    return Err(Rejection::OpensTooLate);
                }
                day
            }
        };
        Ok(ClosureEvent::Ended { open_on, not_closed_from: open_on.max(closure.first_day) })
    }

    fn check_open_on(&self, day: Date) -> Result<(), Rejection> {
        if day < self.clocks.first_day_left(self.now)? {
            return Err(Rejection::PastDay(Where::OpenOn));
        }
        self.calendar.check_school_day(day, Where::OpenOn)?;
        self.check_free(day, day)
    }

    /// On a day that has begun the school was open: whoever was missing then is missing still, and a
    /// closure that grew back over that day would end the search.
    fn check_not_begun(&self, first_new: Date, last_day: Date) -> Result<(), Rejection> {
        let not_begun = self.clocks.first_day_not_begun(self.now)?;
        let first_open = self.calendar.school_days_from(first_new).next();
        match first_open.filter(|day| *day <= last_day) {
            Some(day) if day < not_begun => Err(Rejection::ExtendedTooLate),
            Some(_) | None => Ok(()),
        }
    }

    fn check_free(&self, first_day: Date, last_day: Date) -> Result<(), Rejection> {
        let mut others = self.touching.iter();
        match others.find(|other| other.first_day <= last_day && first_day <= other.last_day) {
            Some(other) => Err(Rejection::Overlapping(other.id)),
            None => Ok(()),
        }
    }

    /// The first school day from one on that no other closure closes for some of the same pupils.
    fn open_day_from(&self, day: Date) -> Result<Date, Rejection> {
        let mut open = self.calendar.school_days_from(day);
        open.find(|day| self.check_free(*day, *day).is_ok()).ok_or(Rejection::CalendarEnds)
    }
}

fn check_length(first_day: Date, last_day: Date) -> Result<(), Rejection> {
    if last_day < first_day {
        return Err(Rejection::EndsBeforeItStarts);
    }
    let most: Span = MOST_DAYS.days();
    match first_day.checked_add(most) {
        Ok(latest) if last_day > latest => Err(Rejection::TooLong { most: MOST_DAYS }),
        // There is no day that far away for it to be beyond.
        Ok(_) | Err(_) => Ok(()),
    }
}
