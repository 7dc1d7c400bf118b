//! What was read stays true until something is written. Of a database in a file this process is the one that writes, so
//! it knows; where somebody has made two processes share a file, what the other writes is seen [a little](AT_MOST) later.
//!
//! For what people look at: many open the same page in the same minute, and open it again. What decides whom a
//! message may reach is read anew each time. Of a database on a server nothing is kept, because others write there.

use std::any::Any;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{DatabaseTransaction, DbBackend, DbErr};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Store;

/// Nothing is kept for longer, so that a file that somebody has changed by hand is read again soon.
const AT_MOST: Duration = Duration::from_secs(10);
/// How many answers are kept; then all are forgotten.
const MOST: usize = 500;

/// How many writes there have been.
#[derive(Default)]
pub(super) struct Writes {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A write that is under way.
pub(super) struct Writing(Arc<Writes>);

impl Writes {
    pub fn begin(self: &Arc<Self>) -> Writing {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Writing(Arc::clone(self))
    }

    /// How many there have been; none while one is under way, because then nobody can say what a reader would see.
    fn settled(&self) -> Option<u64> {
        let ended = self.ended.load(Ordering::SeqCst);
        (self.begun.load(Ordering::SeqCst) == ended).then_some(ended)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// A transaction of one's own; it is rolled back when it is dropped.
pub struct Transaction {
    pub(super) tx: DatabaseTransaction,
    pub(super) writing: Writing,
}

impl Deref for Transaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.tx
    }
}

impl Transaction {
    /// Makes it durable.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Self { tx, writing } = self;
        // Whoever stops waiting does not know whether it is written: the write never ends then, and nothing is kept any
        // more.
        let writing = ManuallyDrop::new(writing);
        let done = tx.commit().await;
        drop(ManuallyDrop::into_inner(writing));
        done
    }

    /// Takes it back, and waits until that is done.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let Self { tx, writing } = self;
        let done = tx.rollback().await;
        drop(writing);
        done
    }
}

/// What was read.
#[derive(Debug)]
pub struct Reading<T> {
    /// What it is.
    pub answer: T,
    /// Which reading it was: no other one of this process has the same number.
    pub number: u64,
}

impl<T> Reading<T> {
    fn of(answer: T) -> Self {
        static READINGS: AtomicU64 = AtomicU64::new(0);
        Self { answer, number: READINGS.fetch_add(1, Ordering::Relaxed) }
    }
}

/// The answers that are still true.
pub(super) struct Kept {
    writes: Arc<Writes>,
    answers: Mutex<Answers>,
}

struct Answers {
    /// After so many writes.
    after: u64,
    since: Instant,
    cells: HashMap<Question, Arc<dyn Any + Send + Sync>>,
}

type Question = (&'static str, Vec<u8>);
type Cell<T> = Arc<OnceCell<Arc<Reading<T>>>>;

impl Kept {
    pub fn new(writes: Arc<Writes>) -> Self {
        let answers = Answers { after: 0, since: Instant::now(), cells: HashMap::new() };
        Self { writes, answers: Mutex::new(answers) }
    }

    /// Where the answer to a question is, or comes; none while something is being written.
    fn cell<T: Send + Sync + 'static>(&self, question: Question) -> Option<Cell<T>> {
        let after = self.writes.settled()?;
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.after != after || answers.cells.len() >= MOST || answers.since.elapsed() > AT_MOST {
            *answers = Answers { after, since: Instant::now(), cells: HashMap::new() };
        }
        let cell =
            answers.cells.entry(question).or_insert_with(|| Arc::new(OnceCell::<Arc<Reading<T>>>::new()));
        Arc::clone(cell).downcast().ok()
    }
}

impl Store {
    /// What `read` reads, or has read for the same question since something was last written. Those who ask at once
    /// wait for one reading. A question is named by who asks it, and says all that its answer depends on.
    pub async fn kept<T, E, Read>(
        &self,
        question: (&'static str, Vec<u8>),
        read: impl FnOnce() -> Read + Send,
    ) -> Result<Arc<Reading<T>>, E>
    where
        T: Send + Sync + 'static,
        E: Send,
        Read: Future<Output = Result<T, E>> + Send,
    {
        let cell = match self.backend() {
            DbBackend::Sqlite => self.inner.kept.cell::<T>(question),
            _ => None,
        };
        let reading = || async { read().await.map(|answer| Arc::new(Reading::of(answer))) };
        match cell {
            Some(cell) => cell.get_or_try_init(reading).await.map(Arc::clone),
            None => reading().await,
        }
    }
}
