//! The witness log: what the outside world saw, one JSON object a line, append-only.
//!
//! Tests and the demo's safety figures read this file and nothing of the dispatcher's. A line is handed to the operating
//! system before the answer leaves, so whatever a client was told is already here; a killed client process changes
//! nothing in it. It is not synced to disk: it outlives processes, not power cuts.
//!
//! Every line has `seq` (from 1, without gaps, also over restarts), `at` (RFC 3339, real time) and `event`:
//!
//! | event | fields |
//! |---|---|
//! | `accepted` | `channel` (`sms`, `email`), `provider` (`notify`, `smtp`), `to` (E.164, or the mailbox in lower case), `from`, `subject`, `body` (as it stands on the phone, prefix and all), `reference`, `message_id` (without angle brackets), `id` (the provider's), `will` (`deliver`, `fail`, `none`: what the receipt will say, `none` = no receipt ever) |
//! | `refused` | `channel`, `provider`, `to`, `reference`, `status` (HTTP or SMTP), `why` |
//! | `receipt` | `id`, `status` (delivered, permanent-failure …; of a bounce `failed`, `delayed`), `attempt` (from 1), `answered` (HTTP status, null when nobody answered) |
//!
//! One mail with several recipients is one `accepted` line for each. This module never judges what it records.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why the witness log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be opened, read or written.
    #[error("the witness log {path} cannot be used", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A line is not an entry.
    #[error("line {line} of the witness log is not an entry")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}

/// How a message reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// A text message.
    Sms,
    /// An e-mail.
    Email,
}

/// The simulated provider that saw the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// GOV.UK Notify's HTTP API.
    Notify,
    /// The SMTP server.
    Smtp,
}

/// What becomes of an accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Will {
    /// It arrives.
    Deliver,
    /// It is accepted, and a receipt will say that it failed.
    Fail,
    /// It arrives, but no receipt will ever say so.
    None,
}

/// A message that a provider took. From here on the sender must not send it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Text or e-mail.
    pub channel: Medium,
    /// Who took it.
    pub provider: Provider,
    /// E.164 number, or mailbox in lower case (for SMTP the envelope's recipient).
    pub to: String,
    /// The sender as the recipient sees it.
    pub from: Option<String>,
    /// E-mail only.
    pub subject: Option<String>,
    /// The words as they stand on the phone.
    pub body: String,
    /// The sender's own reference (Notify).
    pub reference: Option<String>,
    /// The Message-ID without angle brackets (SMTP).
    pub message_id: Option<String>,
    /// The provider's id.
    pub id: String,
    /// What becomes of it.
    pub will: Will,
}

/// A request that a provider did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Text or e-mail.
    pub channel: Medium,
    /// Who refused.
    pub provider: Provider,
    /// The recipient, where the request got as far as naming one.
    pub to: Option<String>,
    /// The sender's own reference, where one was read.
    pub reference: Option<String>,
    /// The HTTP status or SMTP reply code that was answered.
    pub status: u16,
    /// The reason that was answered.
    pub why: String,
}

/// One attempt to call the sender back with a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The provider's id of the message.
    pub id: String,
    /// The status that was reported.
    pub status: String,
    /// Counted from 1.
    pub attempt: u32,
    /// What the sender's callback answered; `None` when it did not.
    pub answered: Option<u16>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A provider took a message.
    Accepted(Accepted),
    /// A provider refused a request.
    Refused(Refused),
    /// A provider reported back.
    Receipt(Receipt),
}

/// One line of the witness log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the log, from 1.
    pub seq: u64,
    /// Real time.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Entry {
    /// The accepted message of this line, if it is one.
    pub fn accepted(&self) -> Option<&Accepted> {
        match &self.event {
            Event::Accepted(accepted) => Some(accepted),
            Event::Refused(_) | Event::Receipt(_) => None,
        }
    }
}

/// Reads a witness log from its beginning, in order.
///
/// Fails when the file cannot be read or a line is not an entry: a witness with a hole proves nothing.
pub fn read_log(path: &Path) -> Result<Vec<Entry>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut entries = Vec::new();
    for (index, line) in std::io::BufReader::new(file).lines().enumerate() {
        let line = line.map_err(failed)?;
        entries.push(serde_json::from_str(&line).map_err(|source| Error::Line { line: index + 1, source })?);
    }
    Ok(entries)
}
