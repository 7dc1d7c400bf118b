//! The watch: tasks that must all live until they are asked to end.
//!
//! The [`runner`](super) holds three, which end one after the other. The first failure of a watch
//! is remembered; a task that does not end in time is ended, and that is a failure too.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) struct Watch {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    /// How many of each name still run.
    names: BTreeMap<&'static str, usize>,
    asked: CancellationToken,
    outcome: anyhow::Result<()>,
}

impl Watch {
    /// Nothing yet. Tasks may end when `asked` is cancelled, and not before.
    pub fn new(asked: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), names: BTreeMap::new(), asked, outcome: Ok(()) }
    }

    pub fn add(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        *self.names.entry(name).or_default() += 1;
        self.tasks.spawn(async move {
            let outcome = AssertUnwindSafe(task).catch_unwind().await;
            (name, outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked"))))
        });
    }

    /// Returns when a task has failed, or has ended before it was asked to; else never.
    pub async fn broken(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            self.note(ended);
            if self.outcome.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Asks every task to end and waits for so long; answers with the first failure.
    pub async fn end(&mut self, patience: Duration) -> anyhow::Result<()> {
        self.asked.cancel();
        let everything = async {
            while let Some(ended) = self.tasks.join_next().await {
                self.note(ended);
            }
        };
        if tokio::time::timeout(patience, everything).await.is_err() {
            let late: Vec<_> = self.names.keys().copied().collect();
            self.fail(anyhow::anyhow!("{} did not end in time", late.join(", ")));
            self.tasks.shutdown().await;
        }
        std::mem::replace(&mut self.outcome, Ok(()))
    }

    fn note(&mut self, ended: Result<(&'static str, anyhow::Result<()>), tokio::task::JoinError>) {
        let Ok((name, outcome)) = ended else {
            return self.fail(anyhow::anyhow!("a task was ended by force"));
        };
        if let Some(running) = self.names.get_mut(name) {
            *running -= 1;
        }
        self.names.retain(|_, running| *running > 0);
        match outcome {
            Ok(()) if self.asked.is_cancelled() => {}
            Ok(()) => self.fail(anyhow::anyhow!("{name} ended before it was asked to")),
            Err(error) => self.fail(error.context(format!("{name} failed"))),
        }
    }

    fn fail(&mut self, error: anyhow::Error) {
        tracing::error!(error = format!("{error:#}"), "the process stops");
        if self.outcome.is_ok() {
            self.outcome = Err(error);
        }
    }
}
