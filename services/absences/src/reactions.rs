//! What this service does when others say something.
//!
//! A closure is written down, the highest version of it, and wakes the [`closing`](crate::closing)
//! loop: that asks the calendar what is closed now before it ends a case, so that old news ends none.
//! An accident of a pupil whom the register has as absent becomes a question to the office; the case
//! stays open, because only somebody who looks can say which of the two is wrong.

use std::sync::Arc;

use kit::bus::{Reaction, Verdict};
use kit::store::{Commit, Store};
use proto::events::Event;
use proto::events::incidents::AccidentRecorded;
use proto::events::scheduling::{Closure, ClosureChanged, ClosureDeclared, ClosureEnded};
use tokio::sync::Notify;

use crate::directory::Directory;
use crate::domain::{Code, tasks};
use crate::store::{closures, read};

/// What reactions stand on.
#[derive(Clone)]
pub struct Hearer {
    /// The service's database.
    pub store: Store,
    /// The school's clock.
    pub directory: Directory,
    /// Signalled when a closure was written down.
    pub closures: Arc<Notify>,
}

/// Every reaction.
pub fn all(hearer: &Hearer) -> Vec<Reaction> {
    let (declared, changed, ended, recorded) =
        (hearer.clone(), hearer.clone(), hearer.clone(), hearer.clone());
    vec![
        Reaction::to::<ClosureDeclared, _, _>(move |event| {
            let hearer = declared.clone();
            async move { Ok(hearer.write_down(&event, Some(&event.data.closure))) }
        }),
        Reaction::to::<ClosureChanged, _, _>(move |event| {
            let hearer = changed.clone();
            async move { Ok(hearer.write_down(&event, Some(&event.data.closure))) }
        }),
        Reaction::to::<ClosureEnded, _, _>(move |event| {
            let hearer = ended.clone();
            async move { Ok(hearer.write_down(&event, None)) }
        }),
        Reaction::to::<AccidentRecorded, _, _>(move |event| {
            let hearer = recorded.clone();
            async move { hearer.on_accident_recorded(event).await }
        }),
    ]
}

impl Hearer {
    /// Writes down what stands of a closure from now on; nothing does when it has ended.
    fn write_down<T>(&self, event: &Event<T>, stands: Option<&Closure>) -> Commit {
        let days = stands.map(|closure| closure.first_day..=closure.last_day);
        let commit = closures::hear(&self.store, event.school, (&event.subject, event.version), days);
        commit.wake(&self.closures)
    }

    async fn on_accident_recorded(&self, event: Event<AccidentRecorded>) -> Result<Commit, Verdict> {
        let (school, pupil_id) = (event.school, event.data.pupil_id);
        // An amendment asks nobody again: the first record has.
        if event.version > 1 {
            return Ok(Commit::new());
        }
        let clock = self.directory.school(school).await;
        let clock = clock.map_err(|status| Verdict::Retry(status.message().to_owned()))?;
        let sitting = clock.sitting_at(event.data.happened_at);
        let line = read::line(&self.store, school, sitting, pupil_id).await?;
        if !line.entry.code.is_some_and(Code::says_absent) {
            return Ok(Commit::new());
        }
        let (about, now) = ((pupil_id, event.subject.as_str()), self.store.clock().now());
        Ok(Commit::new().task(tasks::accident_of_absent_pupil(school, sitting, about, now)))
    }
}
