//! What one decision writes, collected before the transaction begins.

use std::sync::Arc;

use futures::future::BoxFuture;
use proto::events::{Event, Fact, subject_of};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use serde_json::Value;
use tokio::sync::Notify;

use super::Error;
use super::together::{Row, Together};
use crate::bus::MOST_BYTES;
use crate::clock::micros;
use crate::identity::Caller;
use crate::tasks::NewTask;
use crate::telemetry;

/// A piece of work inside the transaction. It may run more than once: a batch that fails is
/// tried again piece by piece.
pub type Work =
    Arc<dyn for<'tx> Fn(&'tx DatabaseTransaction) -> BoxFuture<'tx, Result<(), Error>> + Send + Sync>;

/// A part of a decision.
pub(super) enum Step {
    Work(Work),
    Row(&'static Together, Row),
}

impl Step {
    pub(super) fn row(&self) -> Option<(&'static Together, &Row)> {
        match self {
            Self::Work(_) => None,
            Self::Row(statement, row) => Some((statement, row)),
        }
    }

    /// Whether both go into one statement.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        self.row().zip(other.row()).is_some_and(|((one, _), (other, _))| std::ptr::eq(one, other))
    }
}

/// What a `request_id` was answered.
pub(super) struct Answer {
    pub tenant: String,
    pub request_id: String,
    /// Of who asked what.
    pub fingerprint: String,
    pub bytes: Vec<u8>,
    pub audited: bool,
    pub answered_at: i64,
}

/// What a commit is known by: a second one of the same key is not written.
pub(super) enum Key {
    /// A request, with its answer.
    Request(Answer),
    /// A fact of somebody else.
    Heard { event_id: String, received_at: i64 },
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It was written now.
    Now,
    /// The same `request_id` or event had been written before; nothing happened this time.
    Before,
}

/// A fact on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub(crate) event_id: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) created_at: i64,
}

/// A decision: everything that must be true together.
#[derive(Default)]
pub struct Commit {
    pub(super) steps: Vec<Step>,
    pub(super) alone_on: Option<String>,
    pub(super) facts: Vec<Outgoing>,
    pub(super) tasks: Vec<NewTask>,
    pub(super) audit: Vec<Row>,
    pub(super) key: Option<Key>,
    pub(super) wakes: Vec<Arc<Notify>>,
}

impl Commit {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece of work. It must be repeatable and touch nothing but the transaction.
    #[must_use]
    pub fn work<F>(mut self, work: F) -> Self
    where
        F: for<'tx> Fn(&'tx DatabaseTransaction) -> BoxFuture<'tx, Result<(), Error>> + Send + Sync + 'static,
    {
        self.steps.push(Step::Work(Arc::new(work)));
        self
    }

    /// Adds a statement.
    #[must_use]
    pub fn execute(self, statement: Statement) -> Self {
        self.work(move |tx| {
            let statement = statement.clone();
            Box::pin(async move {
                tx.execute_raw(statement).await?;
                Ok(())
            })
        })
    }

    /// Adds a statement that must change exactly one row; otherwise what was decided on has
    /// changed, and the caller decides again.
    #[must_use]
    pub fn guarded(self, statement: Statement) -> Self {
        self.changes(1, statement)
    }

    /// The same for a statement that must change so many rows.
    #[must_use]
    pub fn changes(self, rows: u64, statement: Statement) -> Self {
        self.work(move |tx| {
            let statement = statement.clone();
            Box::pin(async move {
                let changed = tx.execute_raw(statement).await?.rows_affected();
                if changed == rows { Ok(()) } else { Err(Error::Conflict) }
            })
        })
    }

    /// Adds a row to a statement that the commits of a batch share. It must change exactly one row of
    /// the database; otherwise what was decided on has changed, and the caller decides again.
    #[must_use]
    pub fn row<const N: usize>(mut self, statement: &'static Together, values: [Value; N]) -> Self {
        self.steps.push(Step::Row(statement, Row::of(values)));
        self
    }

    /// Says that whatever this changes belongs to one thing, and that it changes the version of that
    /// thing, which it was decided on. Of commits that meet on the same thing one is written and the
    /// others decide again; those on different things are written side by side.
    #[must_use]
    pub fn alone_on(mut self, thing: &(impl ToString + ?Sized)) -> Self {
        self.alone_on = Some(thing.to_string());
        self
    }

    /// Says a fact. One that no server would take is refused here, because in the outbox it would
    /// stand before all that come after it.
    pub fn fact<T: Fact>(mut self, event: &Event<T>) -> Result<Self, Error> {
        let body = serde_json::to_string(event).map_err(|_| Error::Corrupt { what: T::NAME })?;
        if body.len() > MOST_BYTES {
            return Err(Error::TooLarge { what: T::NAME });
        }
        self.facts.push(Outgoing {
            event_id: event.id.to_string(),
            subject: subject_of(T::SERVICE, T::NAME, event.school),
            body,
            traceparent: telemetry::traceparent(),
            created_at: micros(event.time),
        });
        Ok(self)
    }

    /// Asks a person to do something. A task with the same key is not opened twice.
    #[must_use]
    pub fn task(mut self, task: NewTask) -> Self {
        self.tasks.push(task);
        self
    }

    /// Writes down who looked at or changed whose data.
    #[must_use]
    pub fn audit(self, caller: &Caller, rpc: &str, subjects: &[String], at: jiff::Timestamp) -> Self {
        self.audit_because(caller, rpc, (subjects, ""), at)
    }

    /// The same with the reason that whoever it was had to give.
    #[must_use]
    pub fn audit_because(
        mut self,
        caller: &Caller,
        rpc: &str,
        (subjects, why): (&[String], &str),
        at: jiff::Timestamp,
    ) -> Self {
        self.audit.push(crate::audit::row(caller, rpc, (subjects, why), at));
        self
    }

    /// Signals this when the commit is durable.
    #[must_use]
    pub fn wake(mut self, notify: &Arc<Notify>) -> Self {
        self.wakes.push(Arc::clone(notify));
        self
    }

    /// Whether it says who looked or changed.
    #[must_use]
    pub fn is_audited(&self) -> bool {
        !self.audit.is_empty()
    }

    /// Whether it changes nothing, and only says who looked.
    pub(super) fn is_a_look(&self) -> bool {
        self.steps.is_empty() && self.facts.is_empty() && self.tasks.is_empty() && self.key.is_none()
    }

    /// Whether it can share its steps with others. Whatever else a commit does with the transaction has
    /// a place of its own.
    pub(super) fn goes_side_by_side(&self) -> bool {
        self.alone_on.is_some() && self.steps.iter().all(|step| matches!(step, Step::Row(..)))
    }

    /// Whether all of it can go with others into one [script](super::script): nothing of it is asked for what
    /// came of it.
    pub(super) fn goes_at_once(&self) -> bool {
        self.tasks.is_empty() && (self.steps.is_empty() || self.goes_side_by_side())
    }

    pub(super) fn answer(mut self, answer: Answer) -> Self {
        self.key = Some(Key::Request(answer));
        self
    }

    pub(crate) fn inbox(mut self, event_id: String, received_at: i64) -> Self {
        self.key = Some(Key::Heard { event_id, received_at });
        self
    }
}
