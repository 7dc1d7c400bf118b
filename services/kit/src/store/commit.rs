//! What one decision writes, collected before the transaction begins.

use std::sync::Arc;

use futures::future::BoxFuture;
use proto::events::{Event, Fact, subject_of};
use proto::ids::TaskId;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Set, Statement};
use tokio::sync::Notify;

use super::{Error, rows};
use crate::bus::MOST_BYTES;
use crate::clock::micros;
use crate::identity::Caller;
use crate::tasks::NewTask;
use crate::telemetry;

/// A piece of work inside the transaction. It may run more than once: a batch that fails is
/// tried again piece by piece.
pub type Work =
    Arc<dyn for<'tx> Fn(&'tx DatabaseTransaction) -> BoxFuture<'tx, Result<(), Error>> + Send + Sync>;

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
    pub(super) work: Vec<Work>,
    pub(super) facts: Vec<Outgoing>,
    pub(super) tasks: Vec<NewTask>,
    pub(super) audit: Vec<rows::audit::ActiveModel>,
    pub(super) answer: Option<rows::answers::Model>,
    pub(super) inbox: Option<rows::inbox::Model>,
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
        self.work.push(Arc::new(work));
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
        self.work(move |tx| {
            let statement = statement.clone();
            Box::pin(async move {
                match tx.execute_raw(statement).await?.rows_affected() {
                    1 => Ok(()),
                    _ => Err(Error::Conflict),
                }
            })
        })
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
    pub fn audit(mut self, caller: &Caller, rpc: &str, subjects: &[String], at: jiff::Timestamp) -> Self {
        self.audit.push(crate::audit::row(caller, rpc, subjects, at));
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

    pub(super) fn answer(mut self, answer: rows::answers::Model) -> Self {
        self.answer = Some(answer);
        self
    }

    pub(crate) fn inbox(mut self, event_id: String, received_at: i64) -> Self {
        self.inbox = Some(rows::inbox::Model { event_id, received_at });
        self
    }
}

impl Outgoing {
    pub(super) fn row(&self) -> rows::outbox::ActiveModel {
        rows::outbox::ActiveModel {
            event_id: Set(self.event_id.clone()),
            subject: Set(self.subject.clone()),
            body: Set(self.body.clone()),
            traceparent: Set(self.traceparent.clone()),
            created_at: Set(self.created_at),
            sent_at: Set(None),
            ..Default::default()
        }
    }
}

pub(super) fn task_row(task: &NewTask) -> rows::tasks::ActiveModel {
    let id = TaskId::generate().to_string();
    rows::tasks::ActiveModel {
        dedupe: Set(task.key.clone().unwrap_or_else(|| id.clone())),
        id: Set(id),
        tenant: Set(task.tenant.to_string()),
        kind: Set(task.kind.to_owned()),
        subjects: Set(serde_json::json!(task.subjects).to_string()),
        why: Set(task.why.clone()),
        role: Set(crate::identity::role_name(task.role)),
        opened_at: Set(micros(task.opened_at)),
        due_at: Set(micros(task.due_at)),
        state: Set("open".to_owned()),
        done_by: Set(String::new()),
        outcome: Set(String::new()),
    }
}
