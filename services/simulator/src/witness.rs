//! The witness: writes the log, and remembers the accepted messages for whoever looks on.
//!
//! Both providers call [`Witness::record`] before they answer; the phones page and tests read the memory. One lock covers
//! file and memory, so that the order of both is the order of `seq`.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use crate::log::{Accepted, Entry, Error, Event, read_log};

/// An accepted message, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its line in the witness log.
    pub seq: u64,
    /// When the provider took it, in real time.
    pub at: Timestamp,
    /// The message.
    #[serde(flatten)]
    pub accepted: Accepted,
}

pub(crate) struct Witness {
    path: PathBuf,
    ledger: Mutex<Ledger>,
    last: watch::Sender<u64>,
}

struct Ledger {
    file: File,
    seq: u64,
    messages: Vec<Message>,
}

impl Witness {
    /// Opens the log for appending and goes on counting where an earlier run stopped.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let file = File::options().create(true).append(true).open(path).map_err(failed)?;
        let seq = read_log(path)?.last().map_or(0, |entry| entry.seq);
        Ok(Self {
            path: path.to_owned(),
            ledger: Mutex::new(Ledger { file, seq, messages: Vec::new() }),
            last: watch::Sender::new(seq),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one line. When this returns, the line is with the operating system; only then may the answer leave.
    pub(crate) fn record(&self, event: Event, at: Timestamp) -> Result<u64, Error> {
        let failed = |source| Error::File { path: self.path.clone(), source };
        let mut ledger = self.ledger();
        let entry = Entry { seq: ledger.seq + 1, at, event };
        let mut line = serde_json::to_vec(&entry).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        ledger.file.write_all(&line).map_err(failed)?;
        ledger.seq = entry.seq;
        if let Event::Accepted(accepted) = entry.event {
            ledger.messages.push(Message { seq: entry.seq, at, accepted });
        }
        let seq = ledger.seq;
        drop(ledger);
        self.last.send_replace(seq);
        Ok(seq)
    }

    /// Looks at all accepted messages without copying them.
    pub(crate) fn messages<T>(&self, look: impl FnOnce(&[Message]) -> T) -> T {
        look(&self.ledger().messages)
    }

    /// Wakes whenever a line was written.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
