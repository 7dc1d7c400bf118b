//! Puts what was decided into a commit: rows, their history and facts, all or nothing.
//!
//! Every decision about a school's days and closures is written only over the version of the school
//! that it was decided on; anything else is a conflict, and the caller decides again. So of two
//! closures that overlap the second sees the first.

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::micros;
use kit::identity::Caller;
use kit::store::{Commit, Error, Store};
use proto::events::scheduling::CalendarChanged;
use proto::events::{About, Event, Fact};
use proto::ids::EventId;

use super::convert::{
    self, end, ended_at, scope_text, session_text, set_aside_text, state_text, stored_version,
};
use super::read::SchoolRecord;
use crate::domain::closure::Saying;
use crate::domain::{Closure, SetAside};

/// Whose decision is being written, and when.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// Who decided.
    pub caller: &'a Caller,
    /// By which RPC.
    pub rpc: &'static str,
    /// When.
    pub at: Timestamp,
}

/// A school as it was decided on, and when.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    /// Which.
    pub school: Tenant,
    /// As it stood.
    pub on: SchoolRecord,
    /// When.
    pub at: Timestamp,
}

impl Hand<'_> {
    /// A commit that says what this hand touches.
    #[must_use]
    pub fn commit(&self, subject: String) -> Commit {
        Commit::new().audit(self.caller, self.rpc, &[subject], self.at)
    }

    /// Writes a closure as it is now, its history, and the fact that it has come to this.
    pub fn closure(
        &self,
        commit: Commit,
        store: &Store,
        on: SchoolRecord,
        (closure, saying): (&Closure, Saying),
    ) -> Result<Commit, Error> {
        let school = self.caller.tenant;
        let decided = Decided { school, on, at: self.at };
        let commit = decided.over(commit, store, SchoolRecord { version: on.version + 1, ..on });
        let end = end(closure.state);
        let commit = commit.execute(store.statement(
            "INSERT INTO closures (id, school, scope, first_day, from_session, last_day, reason, \
             collection, state, declared_at, ended_at, open_on, not_closed_from, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
             ON CONFLICT (id) DO UPDATE SET last_day = excluded.last_day, reason = excluded.reason, \
             collection = excluded.collection, state = excluded.state, ended_at = excluded.ended_at, \
             open_on = excluded.open_on, not_closed_from = excluded.not_closed_from, \
             version = excluded.version",
            [
                closure.id.to_string().into(),
                school.to_string().into(),
                scope_text(&closure.part)?.into(),
                closure.first_day.to_string().into(),
                session_text(closure.from).into(),
                closure.last_day.to_string().into(),
                closure.words.reason.clone().into(),
                closure.words.collection.clone().into(),
                state_text(&closure.state).into(),
                micros(closure.declared_at).into(),
                ended_at(closure.state).into(),
                end.map(|end| end.open_on.to_string()).into(),
                end.map(|end| end.not_closed_from.to_string()).into(),
                stored_version(closure.version).into(),
            ],
        ));
        let about =
            About { school, subject: closure.id.to_string(), version: closure.version, time: self.at };
        say(self.history(commit, store, closure), about, saying)
    }

    fn history(&self, commit: Commit, store: &Store, closure: &Closure) -> Commit {
        commit.execute(store.statement(
            "INSERT INTO closure_versions (school, closure_id, version, at, who, rpc, last_day, reason, \
             collection, state, open_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            [
                self.caller.tenant.to_string().into(),
                closure.id.to_string().into(),
                stored_version(closure.version).into(),
                micros(self.at).into(),
                self.caller.subject.clone().into(),
                self.rpc.into(),
                closure.last_day.to_string().into(),
                closure.words.reason.clone().into(),
                closure.words.collection.clone().into(),
                state_text(&closure.state).into(),
                end(closure.state).map(|end| end.open_on.to_string()).into(),
            ],
        ))
    }

    /// Writes what a school has made of a day.
    #[must_use]
    pub fn set_aside(
        &self,
        commit: Commit,
        store: &Store,
        (date, set_aside): (jiff::civil::Date, Option<SetAside>),
    ) -> Commit {
        commit.execute(store.statement(
            "INSERT INTO set_asides (school, date, kind, set_at, set_by) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (school, date) DO UPDATE SET kind = excluded.kind, set_at = excluded.set_at, \
             set_by = excluded.set_by",
            [
                self.caller.tenant.to_string().into(),
                date.to_string().into(),
                set_aside_text(set_aside).into(),
                micros(self.at).into(),
                self.caller.subject.clone().into(),
            ],
        ))
    }
}

impl Decided {
    /// Says the calendar as it is now, in the next version. `described_version` is that of the
    /// description that it rests on, as far as it is known.
    pub fn calendar(
        &self,
        commit: Commit,
        store: &Store,
        described_version: u64,
        calendar: CalendarChanged,
    ) -> Result<Commit, Error> {
        let after = SchoolRecord {
            version: self.on.version + 1,
            calendar_version: self.on.calendar_version + 1,
            described_version,
        };
        let subject = self.school.to_string();
        let about = About { school: self.school, subject, version: after.calendar_version, time: self.at };
        self.over(commit, store, after).fact(&event(about, calendar))
    }

    /// Writes the school over what was decided on. First of all: a second writer must meet this
    /// guard.
    fn over(&self, commit: Commit, store: &Store, after: SchoolRecord) -> Commit {
        commit.guarded(store.statement(
            "INSERT INTO schools (school, version, calendar_version, described_version) \
             VALUES ($1, $2, $3, $4) \
             ON CONFLICT (school) DO UPDATE SET version = excluded.version, \
             calendar_version = excluded.calendar_version, \
             described_version = excluded.described_version \
             WHERE schools.version = excluded.version - 1",
            [
                self.school.to_string().into(),
                stored_version(after.version).into(),
                stored_version(after.calendar_version).into(),
                stored_version(after.described_version).into(),
            ],
        ))
    }
}

/// Writes that a person was asked to end a closure, unless somebody has changed it or another
/// replica has asked meanwhile.
#[must_use]
pub fn asked(commit: Commit, store: &Store, closure: &Closure) -> Commit {
    commit.guarded(store.statement(
        "UPDATE closures SET asked_for = last_day WHERE id = $1 AND version = $2 AND state = $3 \
         AND (asked_for IS NULL OR asked_for <> last_day)",
        [closure.id.to_string().into(), stored_version(closure.version).into(), convert::DECLARED.into()],
    ))
}

fn say(commit: Commit, about: About, saying: Saying) -> Result<Commit, Error> {
    match saying {
        Saying::Declared(fact) => commit.fact(&event(about, fact)),
        Saying::Changed(fact) => commit.fact(&event(about, fact)),
        Saying::Ended(fact) => commit.fact(&event(about, fact)),
    }
}

fn event<T: Fact>(about: About, fact: T) -> Event<T> {
    Event::new(EventId::generate(), about, fact)
}
